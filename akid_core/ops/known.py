"""What a backend's operations inherit, so that a name that is none of them is answered with those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from akid_core.errors import UnknownOperationError, suggest
from akid_core.ops import Ops

NAMES = tuple(sorted(name for name in vars(Ops) if not name.startswith("_")))
"""The portable operations."""


class KnownOps:
    """The base of a class that supplies `Ops`."""

    if not TYPE_CHECKING:  # a type checker knows which operations there are

        def __getattr__(self, name: str) -> NoReturn:
            raise unknown(name)


def unknown(name: str) -> UnknownOperationError:
    """The answer to a name that is no operation; to Python it is an `AttributeError`."""
    return UnknownOperationError(
        f"There is no portable operation {name!r}.{suggest(name, NAMES)} There are Python's operators, slices, and: "
        f"{', '.join(NAMES)}. Put what is missing together from these, or give the layer a native builder for each "
        "backend (the hook akid_layer_builders), where the framework's own operations serve."
    )
