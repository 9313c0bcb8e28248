"""Learner: which Kid practises, and with which settings of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from akid_core.config import Where, decode_settings, encode_settings
from akid_core.config.components import find, name_of, parameters, split
from akid_core.errors import ConfigurationError
from akid_core.plugins import Registry, default_manager


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """The settings of a Kid that has none of its own."""


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A class of Kid and its settings: in YAML `kid: gan`, or `kid: {gan: {smooth: 0.9}}`.

    `kid`: the class; None is the ordinary one. `settings`: an object of its `Settings`.
    """

    kid: Any = None
    settings: Any = None

    @classmethod
    def from_config(cls, data: Any, registry: Registry, where: Where | str = "kid") -> Self:
        """The learner that YAML describes. Raises `ConfigurationError` that says where and what is valid."""
        name, settings, inside = split("kid", data, Where.of(where))
        kid = find("kid", name, registry, Where.of(where))
        return cls(kid=kid, settings=decode_settings(kid.Settings, settings, registry, inside))

    def to_config(self, registry: Registry | None = None) -> str | dict[str, Any]:
        """Its name, with the settings that differ from their defaults."""
        registry = registry or default_manager().registry
        name = name_of(self.kid, registry)
        settings = encode_settings(self.settings, registry, Where("kid").at({}, name))
        return {name: settings} if settings else name


def settings_of(kid: Any, settings: Any) -> Any:
    """The settings for a class of Kid, which must be its own; without any, those where nothing is said.

    Raises `ConfigurationError` for others, and where some must be said.
    """
    if isinstance(settings, kid.Settings):
        return settings
    own = f"{kid.__name__}.Settings"
    if settings is not None:
        raise ConfigurationError(f"The settings of {kid.__name__} are {own}(...), got {type(settings).__qualname__}.")
    needed = [name for name, parameter in parameters(kid.Settings).items() if parameter.required]
    if needed:
        said = ", ".join(f"{name}=..." for name in needed)
        raise ConfigurationError(f"{kid.__name__} needs {', '.join(map(repr, needed))}: say settings={own}({said}).")
    return kid.Settings()
