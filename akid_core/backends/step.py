"""The function that `execution.step` names: found, and told of where it moves nothing."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

from akid_core.errors import AkidWarning, ConfigurationError, suggest


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


def warn_idle(path: str) -> None:
    """Warn that the first step by the function at `path` did not call `program.update`."""
    warnings.warn(
        f"execution.step: {path} ended its first step without program.update(gradients), so no parameter took an "
        "update: call it with a gradient for each of program.parameters. If your step updates in some steps alone, or "
        "moves parameters by itself, this is as it should be.",
        AkidWarning,
        stacklevel=2,
    )
