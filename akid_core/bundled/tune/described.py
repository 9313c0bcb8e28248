"""Described: the description that is tuned, and how a point changes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from akid_core.config.locations import located
from akid_core.config.template import is_file
from akid_core.errors import ConfigurationError
from akid_core.plugins import PluginManager
from akid_core.training.config import KidConfig
from akid_core.training.description import description_template, read_description


@dataclass(frozen=True, kw_only=True)
class Described:
    """A YAML file, a template or a recipe, with what the command line changes for all points.

    `variables`: of the template, by name; `overrides`: texts such as `practice.epochs=3`.
    """

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, variables: Mapping[str, Any], overrides: tuple[str, ...]) -> Described:
        """With the absolute path of a file, so that a search goes on from any folder."""
        if is_file(name):
            if not Path(name).is_file():
                raise ConfigurationError(f"{name} cannot be read: there is no such file.")
            name = located(name)
        return cls(name=name, variables=variables, overrides=overrides)

    @cached_property
    def known(self) -> tuple[str, ...]:
        """The names of the template's variables; none where it is plain YAML."""
        template = description_template(self.name)
        return tuple(template.variables()) if template is not None else ()

    @property
    def stated(self) -> set[str]:
        """The variables and settings that the command line gives all points; but the backend, which `on` may have."""
        return {*self.variables, *(override.partition("=")[0] for override in self.overrides)} - {"backend"}

    def on(self, backend: str) -> Described:
        """The same on a backend where none is named."""
        return replace(self, overrides=(f"backend={backend}", *self.overrides))

    def read(self, settings: Mapping[str, Any]) -> tuple[KidConfig, PluginManager]:
        """The settings of a run with some variables and settings changed."""
        variables = {name: value for name, value in settings.items() if name in self.known}
        overrides = _overrides({name: value for name, value in settings.items() if name not in self.known})
        return read_description(self.name, [*self.overrides, *overrides], variables={**self.variables, **variables})

    def arguments(self, settings: Mapping[str, Any]) -> list[str]:
        """The same for `akid practice`."""
        variables = {**self.variables, **{name: value for name, value in settings.items() if name in self.known}}
        overrides = _overrides({name: value for name, value in settings.items() if name not in self.known})
        return [
            self.name,
            *(part for name, value in variables.items() for part in ("--var", f"{name}={json.dumps(value)}")),
            *(part for override in (*self.overrides, *overrides) for part in ("--set", override)),
        ]

    def to_config(self) -> dict[str, Any]:
        return {"template": self.name, "variables": dict(self.variables), "overrides": list(self.overrides)}

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> Described:
        return cls(name=data["template"], variables=data["variables"], overrides=tuple(data["overrides"]))


def _overrides(settings: Mapping[str, Any]) -> list[str]:
    return [f"{name}={json.dumps(value)}" for name, value in settings.items()]
