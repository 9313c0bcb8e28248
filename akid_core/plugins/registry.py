"""Registry: components by (category, name, backend), imported when first used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from akid_core.errors import ConfigurationError, PluginConflictError, PluginError, UnknownNameError, suggest
from akid_core.hookspecs import CATEGORIES
from akid_core.plugin_api import ComponentInfo
from akid_core.plugins import hints
from akid_core.plugins.records import Plugin, Provided, Provider
from akid_core.plugins.targets import load_target

Key = tuple[str, str, str]

_PIN = re.compile(r"(?P<category>[a-z_]+)/(?P<name>[^@]+)(?:@(?P<backend>.+))?")


class Registry:
    """What plugins provide. A component for one backend comes before one of the same name for any backend (`""`)."""

    def __init__(self) -> None:
        self._components: dict[Key, list[Provided]] = {}
        self._plugins: list[Plugin] = []
        self._targets: dict[Provided, Any] = {}
        self._pins: dict[Key, str] = {}

    # --- what there is ---

    def names(self, category: str, backend: str | None = None) -> list[str]:
        """Names of a category, sorted; with a backend, those that it can use."""
        return sorted({item.info.name for item in self.infos(category, backend)})

    def infos(self, category: str | None = None, backend: str | None = None) -> list[Provided]:
        """Components with their providers, sorted; with a backend, those that it can use. Conflicts appear in full."""
        if category is not None:
            self._check_category(category)
        return [
            item
            for key in sorted(self._components)
            for item in self._components[key]
            if category in (None, item.info.category) and (backend is None or _serves(item.info, backend))
        ]

    def has(self, category: str, name: str, backend: str = "") -> bool:
        """Whether `get` would find a component."""
        return bool(self._candidates(category, name, backend))

    # --- using one ---

    def info(self, category: str, name: str, backend: str = "") -> ComponentInfo:
        """The declaration of a component. Errors as `get`, without importing anything."""
        return self._find(category, name, backend).info

    def get(self, category: str, name: str, backend: str = "") -> Any:
        """The target of a component, imported.

        Raises `UnknownNameError`, `PluginConflictError` where several provide it, the recorded error where the plugin
        that provides it failed, and `PluginImportError` where the target does not import.
        """
        return self.target(self._find(category, name, backend))

    def provides(self, category: str, name: str, cls: type, backend: str = "") -> bool:
        """Whether somebody provides this very class under the name; who else does is no matter, nothing is chosen."""
        return self.provider(category, name, cls, backend) is not None

    def provider(self, category: str, name: str, cls: type, backend: str = "") -> Provider | None:
        """Who provides this very class under the name; None where nobody does."""
        candidates = self._candidates(category, name, backend)
        return next((item.provider for item in candidates if self._gives(item, cls)), None)

    def target(self, provided: Provided) -> Any:
        """The target of one component, imported once."""
        if provided not in self._targets:
            self._targets[provided] = load_target(provided, self._requires(provided))
        return self._targets[provided]

    def _requires(self, provided: Provided) -> tuple[str, ...]:
        """What the backend that a component is for requires, where one plugin brings both."""
        backends = self._components.get(("backend", provided.info.backend, ""), ())
        return next((item.info.requires for item in backends if item.provider == provided.provider), ())

    def pin(self, providers: Mapping[str, str]) -> Registry:
        """A registry of the same components in which conflicts are settled.

        `providers` maps `category/name` or `category/name@backend` to a distribution (or the module or file of a
        plugin without one): `{"layer/swish": "akid-swish"}`. Raises `ConfigurationError` for what does not exist.
        """
        settled = Registry()
        settled._components, settled._plugins, settled._targets = self._components, self._plugins, self._targets
        settled._pins = dict(self._pins)
        for text, label in providers.items():
            settled._pins.update(dict.fromkeys(self._pinned_keys(text, label), label))
        return settled

    # --- filling it (the manager does) ---

    def add(self, provided: Provided) -> None:
        """Take in one component."""
        info = provided.info
        self._components.setdefault((info.category, info.name, info.backend), []).append(provided)

    def add_plugin(self, plugin: Plugin) -> None:
        """Take note of a plugin, for messages about what is missing."""
        self._plugins.append(plugin)

    # --- inside ---

    def _candidates(self, category: str, name: str, backend: str) -> list[Provided]:
        self._check_category(category)
        return self._components.get((category, name, backend)) or self._components.get((category, name, ""), [])

    def _find(self, category: str, name: str, backend: str) -> Provided:
        candidates = self._candidates(category, name, backend)
        if not candidates:
            raise self._unknown(category, name, backend)
        found = candidates[0].info
        pinned = self._pins.get((category, name, found.backend))
        if pinned is not None:
            candidates = [item for item in candidates if item.provider.label == pinned]
        if len(candidates) > 1:
            raise _conflict(candidates)
        return candidates[0]

    def _pinned_keys(self, text: str, label: str) -> list[Key]:
        match = _PIN.fullmatch(text)
        if match is None:
            raise ConfigurationError(f"providers: '{text}' should read category/name or category/name@backend.")
        category, name, backend = match["category"], match["name"], match["backend"]
        self._check_category(category)
        keys = [key for key in self._components if key[:2] == (category, name) and backend in (None, key[2])]
        if not keys:
            raise self._unknown(category, name, backend or "")
        chosen = [key for key in keys if label in {item.provider.label for item in self._components[key]}]
        if not chosen:
            there = sorted({item.provider.label for key in keys for item in self._components[key]})
            raise ConfigurationError(
                f"providers: '{label}' does not provide {text}; {', '.join(there)} "
                f"{'does' if len(there) == 1 else 'do'}.{suggest(label, there)}"
            )
        return chosen

    def _gives(self, provided: Provided, cls: type) -> bool:
        try:
            return self.target(provided) is cls
        except PluginError:
            return False

    def _check_category(self, category: str) -> None:
        if category not in CATEGORIES:
            near, known = suggest(category, CATEGORIES), ", ".join(CATEGORIES)
            raise UnknownNameError(f"There is no category '{category}'.{near} Categories: {known}.")

    def _unknown(self, category: str, name: str, backend: str) -> Exception:
        """The error for a missing component: a failed plugin that would bring it, or all that is known instead."""
        wanted = hints.requirement(category, name)
        for plugin in self._plugins:
            if wanted and plugin.failures and plugin.provider.distribution == wanted.partition("[")[0]:
                return plugin.failures[0].exception()
        known, others = self.names(category, backend or None), hints.installable(category)
        suited = f" for {backend}" if backend else ""
        near = "" if wanted else suggest(name, [*known, *others])
        message = [f"There is no {category} '{name}'{suited}.{near}"]
        if wanted:
            message.append(f"Install it: {hints.command(wanted)}.")
        message.append(f"Known: {', '.join(known) or 'none'}.")
        missing = [f"{other} ({hints.command(need)})" for other, need in others.items() if other not in known]
        if missing and not wanted:
            message.append(f"Not installed: {', '.join(missing)}.")
        message.extend(_absentees(self._plugins))
        return UnknownNameError(" ".join(message))


def _serves(info: ComponentInfo, backend: str) -> bool:
    return info.name == backend if info.category == "backend" else info.backend in ("", backend)


def _conflict(candidates: list[Provided]) -> PluginConflictError:
    info = candidates[0].info
    key = f"{info.category}/{info.name}" + (f"@{info.backend}" if info.backend else "")
    offers = " and ".join(f"{item.provider} ({item.info.target})" for item in candidates)
    return PluginConflictError(
        f"The {info.category} '{info.name}' is provided by {offers}. Choose one in the configuration, "
        f"providers: {{{key}: {candidates[0].provider.label}}}, or uninstall the other."
    )


def _absentees(plugins: list[Plugin]) -> list[str]:
    """Sentences on plugins that could have brought what is missing."""
    failed = sorted({str(plugin.provider) for plugin in plugins if plugin.failures})
    disabled = sorted({plugin.provider.plugin for plugin in plugins if plugin.status == "disabled"})
    return [
        *([f"Plugins that failed: {', '.join(failed)} (see akid plugins list)."] if failed else []),
        *([f"Switched off by AKID_DISABLE_PLUGINS: {', '.join(disabled)}."] if disabled else []),
    ]
