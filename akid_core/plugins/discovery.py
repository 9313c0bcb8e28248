"""Finding plugins: the entry points of installed distributions, and those built in."""

from __future__ import annotations

import os
from dataclasses import dataclass

import importlib_metadata
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from akid_core._version import __version__
from akid_core.errors import PluginVersionError
from akid_core.plugin_api import PROJECT
from akid_core.plugins.records import Provider

CORE = "akid-core"

BUILT_IN: tuple[Provider, ...] = tuple(
    Provider(plugin, module, CORE, __version__, built_in=True)
    for plugin, module in (
        ("core", "akid_core.builtin"),
        ("numpy", "akid_core.bundled.numpy.plugin"),
        ("observe", "akid_core.bundled.observe.plugin"),
        ("tune", "akid_core.bundled.tune.plugin"),
        ("zoo", "akid_core.bundled.zoo.plugin"),
    )
)
"""The core's own declarations and the bundled plugins, in the order of loading."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found and not yet imported. `requires`: the requirements of its distribution."""

    provider: Provider
    requires: tuple[str, ...] = ()

    def check_version(self) -> None:
        """Raise `PluginVersionError` if the distribution wants another version of akid-core than this one."""
        for text in self.requires:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue  # an installer's concern, not ours
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if not applies or canonicalize_name(requirement.name) != CORE:
                continue
            if not requirement.specifier.contains(__version__, prereleases=True):
                raise PluginVersionError(
                    f"it needs {CORE}{requirement.specifier}, and {CORE} {__version__} is installed. "
                    f"Install versions that fit: pip install --upgrade {CORE} {self.provider.distribution}"
                )


def scan() -> list[Candidate]:
    """The installed plugins, sorted by distribution and name; nothing is imported."""
    found = {}
    for entry in importlib_metadata.entry_points(group=PROJECT):
        distribution = entry.dist
        name = (distribution.name if distribution else None) or ""
        version = (distribution.version if distribution else None) or ""
        requires = tuple((distribution.requires if distribution else None) or ())
        provider = Provider(entry.name, entry.value, name, version)
        found[canonicalize_name(name), entry.name, entry.value] = Candidate(provider, requires)
    return [found[key] for key in sorted(found)]


@dataclass(frozen=True, slots=True)
class Switches:
    """What the environment says of plugins.

    `disabled`: names of plugins or distributions that are left out (`all`: every installed one). `strict`: the first
    failure is raised instead of recorded.
    """

    disabled: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def from_environment(cls) -> Switches:
        names = os.environ.get("AKID_DISABLE_PLUGINS", "").split(",")
        return cls(
            disabled=frozenset(canonicalize_name(name.strip()) for name in names if name.strip()),
            strict=os.environ.get("AKID_STRICT_PLUGINS", "") not in ("", "0"),
        )

    def disables(self, provider: Provider) -> bool:
        """Whether the plugin is switched off; the core's own declarations never are."""
        if provider.built_in:
            return provider.plugin != "core" and provider.plugin in self.disabled
        names = {canonicalize_name(provider.plugin), canonicalize_name(provider.distribution), "all"}
        return not names.isdisjoint(self.disabled)
