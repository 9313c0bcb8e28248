"""Names: how classes, blocks and values are called."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

BLOCK_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
"""A block's own name; paths join them with `/`."""

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")


def snake_case(class_name: str) -> str:
    """`Conv2d` -> `conv2d`, `MaxPool2d` -> `max_pool2d`, `ReLU` -> `relu`, `MeanSquaredError` -> with underscores."""
    return _BOUNDARY.sub("_", class_name).lower()


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs matches a path; `*` takes `/` in too."""
    return any(fnmatchcase(path, glob) for glob in globs)


def automatic_names(blocks: Iterable[tuple[str | None, str]], taken: Collection[str] = ()) -> list[str]:
    """The names of blocks, each given as (its own name or None, its component's name), in order.

    An unnamed block is called by its component and its count among the unnamed (`relu`, `relu_2`); names that are
    given elsewhere or `taken` are passed over.
    """
    blocks = list(blocks)
    given = {name for name, _ in blocks if name is not None}.union(taken)
    counts: dict[str, int] = {}
    names = []
    for name, component in blocks:
        while name is None:
            counts[component] = counts.get(component, 0) + 1
            candidate = component if counts[component] == 1 else f"{component}_{counts[component]}"
            name = candidate if candidate not in given else None
        names.append(name)
    return names
