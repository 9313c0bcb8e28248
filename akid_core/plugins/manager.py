"""PluginManager: finds plugins, loads each by itself, and fills a registry with what they declare."""

from __future__ import annotations

import functools
import logging
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pluggy

from akid_core import hookspecs
from akid_core.errors import PluginError
from akid_core.plugin_api import PROJECT
from akid_core.plugins.discovery import BUILT_IN, Candidate, Switches, scan
from akid_core.plugins.explicit import explicit_provider, import_plugin
from akid_core.plugins.inspection import add_spec, check_known, check_marked, declared, implementations, own_specs
from akid_core.plugins.records import Plugin, PluginFailure, Provided, Provider, Stage, Status
from akid_core.plugins.registry import Registry

logger = logging.getLogger("akid.plugins")


class PluginManager:
    """The plugins of one program, test or run; there is no global one.

    `discover`: whether installed plugins are looked for (the built-in ones always are there). `plugins`: modules,
    import paths or files that are added, as by `add`. A plugin that fails becomes a `PluginFailure` and a one-line
    warning, and leaves the others alone; with AKID_STRICT_PLUGINS=1 it is raised at once.
    """

    def __init__(self, *, discover: bool = True, plugins: Iterable[ModuleType | str] = ()) -> None:
        self.registry = Registry()
        self._switches = Switches.from_environment()
        self._plugins: list[Plugin] = []
        self._loaded: list[_Loading] = []
        self._specs: list[tuple[str, Callable[..., Any]]] = []
        self._relay = _new_relay()
        self._load([*map(Candidate, BUILT_IN), *(scan() if discover else ())])
        for plugin in plugins:
            self.add(plugin)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Every plugin that was found or added, and how it fared."""
        return tuple(self._plugins)

    @property
    def failures(self) -> tuple[PluginFailure, ...]:
        """All that went wrong, in the order of loading."""
        return tuple(failure for plugin in self._plugins for failure in plugin.failures)

    @property
    def hook(self) -> pluggy.HookRelay:
        """All loaded plugins' hooks: for hooks that a plugin specifies itself. Life-cycle hooks go by `run_hooks`."""
        return self._relay.hook

    def add(self, plugin: ModuleType | str) -> ModuleType:
        """Load a plugin that the user asked for, and return its module; once is enough.

        `plugin`: a module, its import path, or a file (`"./mine.py"`). What is wrong with it is raised.
        """
        module = import_plugin(plugin)
        failures = [loaded.failures for loaded in self._loaded if loaded.module is module]
        if not failures:
            self._take([_Loading(explicit_provider(module), strict=True, module=module)])
        elif failures[0]:
            raise failures[0][0].exception()
        return module

    def run_hooks(self, plugins: Iterable[object]) -> pluggy.PluginManager:
        """A relay whose life-cycle hooks reach the given plugins and observers alone, in the given order.

        Texts are added as by `add`. Use it as `relay.hook.akid_span_end(context=moment)`. Raises `PluginError` for a
        hook that does not exist or takes other arguments, and for an observer that is given twice.
        """
        listed = [self.add(plugin) if isinstance(plugin, str) else plugin for plugin in plugins]
        relay = _new_relay()
        for name, function in self._specs:
            add_spec(relay, name, function)
        for number, plugin in reversed(list(enumerate(listed))):  # pluggy calls the latest first
            try:
                marked = dict(implementations(relay, plugin))
                for name, hook in marked.items():
                    check_known(relay, plugin, name, hook)
                check_marked(plugin, marked)
                relay.register(plugin, str(number))
            except (PluginError, pluggy.PluginValidationError, ValueError) as error:
                raise PluginError(f"{plugin!r} cannot watch the run: {error}") from error
        return relay

    def _load(self, candidates: Iterable[Candidate]) -> None:
        loadings = []
        for candidate in candidates:
            if self._switches.disables(candidate.provider):
                self._note(Plugin(candidate.provider, "disabled"))
                continue
            loading = _Loading(candidate.provider, self._switches.strict)
            with loading.stage("version"):
                candidate.check_version()
            if not loading.failures:
                with loading.stage("import"):
                    value = candidate.provider.module
                    loading.module = pkgutil.resolve_name(value if ":" in value else f"{value}:")
            loadings.append(loading)
        self._take(loadings)

    def _take(self, loadings: list[_Loading]) -> None:
        """Take in what was imported; specifications first, so that plugins may implement each other's hooks."""
        imported = [loading for loading in loadings if loading.module is not None]
        for loading in imported:
            self._specify(loading)
        for loading in imported:
            for provided in self._collect(loading):
                self.registry.add(provided)
            self._loaded.append(loading)
        for loading in loadings:
            self._note(Plugin(loading.provider, loading.status, tuple(loading.failures)))

    def _specify(self, loading: _Loading) -> None:
        """Look at a plugin's hooks, and take in those that it specifies itself, each by itself."""
        with loading.stage("hooks"):  # already the look may fail: a module can define `__getattr__`
            loading.implements = list(implementations(self._relay, loading.module))
            loading.specifies = list(own_specs(self._relay, loading.module))
        for name, function in loading.specifies:
            with loading.stage("hooks", name):
                add_spec(self._relay, name, function)
                self._specs.append((name, function))

    def _collect(self, loading: _Loading) -> list[Provided]:
        """Register each hook by itself, so that a bad one does not take the others with it."""
        provider = loading.provider
        found: list[Provided] = []
        for name, hook in loading.implements:
            function = getattr(loading.module, name)
            with loading.stage("hooks", name):
                check_known(self._relay, loading.module, name, hook)
                self._relay.register(SimpleNamespace(**{name: function}))
            if hook in hookspecs.DECLARATIONS and not loading.failed_in(name):
                with loading.stage("declare", name):
                    found.extend(Provided(info, provider) for info in declared(hook, function))
        return found

    def _note(self, plugin: Plugin) -> None:
        self._plugins.append(plugin)
        self.registry.add_plugin(plugin)
        for failure in plugin.failures:
            logger.warning("akid: %s", " ".join(str(failure).split()))


class _Loading:
    """A plugin on its way: its module once imported, the hooks found in it, and its failures so far."""

    def __init__(self, provider: Provider, strict: bool, module: Any = None) -> None:
        self.provider = provider
        self.strict = strict
        self.module = module
        self.implements: list[tuple[str, str]] = []
        self.specifies: list[tuple[str, Callable[..., Any]]] = []
        self.failures: list[PluginFailure] = []

    @property
    def status(self) -> Status:
        if self.module is None:
            return "failed"
        if self.failures:
            return "partly"
        return "built in" if self.provider.built_in else "loaded"

    def failed_in(self, hook: str) -> bool:
        return any(failure.hook == hook for failure in self.failures)

    @contextmanager
    def stage(self, stage: Stage, hook: str = "") -> Iterator[None]:
        """Whatever goes wrong inside is recorded as this plugin's failure, or raised where one is strict."""
        try:
            yield
        except (Exception, SystemExit) as error:  # a plugin that ends the program while it loads has failed, too
            failure = PluginFailure(self.provider, stage, error, hook)
            if self.strict:
                raise failure.exception() from error
            self.failures.append(failure)


def _new_relay() -> pluggy.PluginManager:
    relay = pluggy.PluginManager(PROJECT)
    relay.add_hookspecs(hookspecs)
    return relay


@functools.cache
def default_manager() -> PluginManager:
    """The manager of installed plugins, built on first use and kept; whoever adds plugins takes one of his own."""
    return PluginManager()
