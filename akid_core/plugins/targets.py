"""Importing what a declaration names, and checking that it is what its category promises."""

from __future__ import annotations

import importlib.resources
import operator
import pkgutil
import re
import shlex
from typing import Any

from akid_core.errors import PluginError, PluginImportError
from akid_core.plugins.explicit import file_module
from akid_core.plugins.records import Provided

BASES: dict[str, str] = {
    "backend": "akid_core.backends.contract:Backend",
    "layer": "akid_core.specs.layer:Layer",
    "initializer": "akid_core.initializers.base:Initializer",
    "source": "akid_core.data.source:Source",
    "sampler": "akid_core.data.sampler:Sampler",
    "augmenter": "akid_core.data.augmenter:Augmenter",
    "kid": "akid_core.training.kid:Kid",
    "optimizer": "akid_core.optimizers.base:Optimizer",
    "schedule": "akid_core.schedules.base:Schedule",
    "strategy": "akid_core.strategies.base:Strategy",
    "observer": "akid_core.observers.base:Observer",
}
"""The class that targets of a category extend; targets of the other categories are functions, or files (recipes)."""

ADVICE = "Install what it needs: "
"""What stands before the command that brings what is missing."""

TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:\S+")
"""`package.module:attribute`, or `package:path/to/file.yaml` for a recipe."""


def load_target(provided: Provided, requires: tuple[str, ...] = ()) -> Any:
    """Import the target of a component. `requires`: its requirements, where it states none itself.

    Raises `PluginImportError` with the command that installs what is missing, or `PluginError` where the target is
    not what its category promises.
    """
    info = provided.info
    try:
        target = _file(info.target) if info.category == "recipe" else _attribute(provided)
    except (Exception, SystemExit) as error:
        raise PluginImportError(
            f"{_headline(provided)} cannot be loaded: {_reason(provided, error, requires)}"
        ) from error
    if info.category == "recipe":
        return target
    if info.category in BASES:
        base = pkgutil.resolve_name(BASES[info.category])
        if not (isinstance(target, type) and issubclass(target, base)):
            raise PluginError(f"{_headline(provided)} should be a class that extends {BASES[info.category]}.")
    elif not callable(target):
        raise PluginError(f"{_headline(provided)} should be callable, and is a {type(target).__name__}.")
    return target


def _attribute(provided: Provided) -> Any:
    name, _, path = provided.info.target.partition(":")
    module = file_module(provided.provider, name)
    if module is None:
        return pkgutil.resolve_name(provided.info.target)
    return operator.attrgetter(path)(module)


def _file(target: str) -> Any:
    package, _, path = target.partition(":")
    file = importlib.resources.files(package).joinpath(path)
    if not file.is_file():
        raise FileNotFoundError(f"the package {package} holds no file {path}")
    return file


def _headline(provided: Provided) -> str:
    info = provided.info
    backend = f" for {info.backend}" if info.backend else ""
    return f"The {info.category} '{info.name}'{backend} of {provided.provider} ({info.target})"


def _reason(provided: Provided, error: BaseException, requires: tuple[str, ...]) -> str:
    """What is missing and the command that brings it; other errors speak for themselves."""
    said = f"{type(error).__name__}: {error}"
    wanted = provided.info.requires or requires or tuple(filter(None, (provided.provider.distribution,)))
    own = re.split("[.:]", provided.provider.module)[0]
    missing = isinstance(error, ImportError) and (error.name or "").partition(".")[0] != own
    if not missing or not wanted:
        return said
    return f"{said}. {ADVICE}pip install {' '.join(map(shlex.quote, wanted))}"
