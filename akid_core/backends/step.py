"""The function that `execution.step` names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from akid_core.errors import ConfigurationError, suggest


def load_step(path: str) -> Callable[..., Any]:
    """The function at an import path `module:function`; a file that `plugins:` lists is imported by its stem.

    Raises `ConfigurationError` where there is none.
    """
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"execution.step: {path!r} does not import: {error}. A file of your own is found through plugins: "
            f"[./{module}.py], a package through pip or PYTHONPATH."
        ) from error
    for attribute in name.split("."):
        known = vars(found)
        if attribute not in known:
            functions = [each for each in known if callable(known[each]) and not each.startswith("_")]
            raise ConfigurationError(
                f"execution.step: {module!r} has no function {name!r}.{suggest(attribute, functions)} "
                f"It has: {', '.join(functions) or 'none'}."
            )
        found = known[attribute]
    if not callable(found):
        raise ConfigurationError(f"execution.step: {path!r} is no function, but of the type {type(found).__name__}.")
    step: Callable[..., Any] = found
    return step
