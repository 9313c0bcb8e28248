"""PluginManager: finds plugins, loads each by itself, and fills a registry with what they declare."""

from __future__ import annotations

import functools
import logging
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pluggy

from akid_core import hookspecs
from akid_core.errors import PluginError, UsageError, suggest
from akid_core.plugin_api import PROJECT, ComponentInfo
from akid_core.plugins.discovery import BUILT_IN, Candidate, Switches, scan
from akid_core.plugins.explicit import explicit_provider, import_plugin
from akid_core.plugins.records import Plugin, PluginFailure, Provided, Provider, Stage, Status
from akid_core.plugins.registry import Registry
from akid_core.plugins.targets import TARGET

logger = logging.getLogger("akid.plugins")

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class PluginManager:
    """The plugins of one program, test or run; there is no global one.

    `discover`: whether installed plugins are looked for (the built-in ones always are there). `plugins`: modules, import
    paths or files that are added, as by `add`. A plugin that fails becomes a `PluginFailure` and a one-line warning, and
    leaves the others alone; with AKID_STRICT_PLUGINS=1 it is raised at once.
    """

    def __init__(self, *, discover: bool = True, plugins: Iterable[ModuleType | str] = ()) -> None:
        self.registry = Registry()
        self._switches = Switches.from_environment()
        self._plugins: list[Plugin] = []
        self._modules: dict[str, Any] = {}
        self._hooks = _new_relay()
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
        return self._hooks.hook

    def add(self, plugin: ModuleType | str) -> ModuleType:
        """Load a plugin that the user asked for, and return its module; once is enough.

        `plugin`: a module, its import path, or a file (`"./mine.py"`). What is wrong with it is raised.
        """
        module = import_plugin(plugin)
        if all(module is not loaded for loaded in self._modules.values()):
            loading = _Loading(explicit_provider(module), strict=True)
            loading.module = module
            self._take([loading])
        return module

    def run_hooks(self, plugins: Iterable[object]) -> pluggy.PluginManager:
        """A relay whose life-cycle hooks reach the given plugins and observers alone, in the given order.

        Texts are added as by `add`. Use it as `relay.hook.akid_span_end(context=moment)`. Raises `PluginError` for a
        hook that does not exist or takes other arguments.
        """
        listed = [self.add(plugin) if isinstance(plugin, str) else plugin for plugin in plugins]
        relay = _new_relay()
        for module in self._modules.values():
            for name, function in _own_specs(self._hooks, module):
                relay.add_hookspecs(SimpleNamespace(**{name: function}))
        for number in reversed(range(len(listed))):  # pluggy calls the latest first
            try:
                for hook, _ in _implementations(relay, listed[number]):
                    _check_known(relay, listed[number], hook)
                relay.register(listed[number], f"{number}")
            except (pluggy.PluginValidationError, ValueError) as error:
                raise PluginError(f"{listed[number]!r} cannot watch the run: {error}") from error
        return relay

    # --- loading ---

    def _load(self, candidates: Iterable[Candidate]) -> None:
        loadings = []
        for candidate in candidates:
            if self._switches.disables(candidate.provider):
                self._note(Plugin(candidate.provider, "disabled"))
                continue
            loading = _Loading(candidate.provider, self._switches.strict)
            with loading.stage("version"):
                candidate.check_version()
                with loading.stage("import"):
                    value = candidate.provider.module
                    loading.module = pkgutil.resolve_name(value if ":" in value else f"{value}:")
            loadings.append(loading)
        self._take(loadings)

    def _take(self, loadings: list[_Loading]) -> None:
        """Hook specifications first, so that a plugin may implement what another one specifies."""
        for loading in loadings:
            if loading.module is not None:
                self._specify(loading)
        for loading in loadings:
            if loading.module is not None:
                self._register(loading)
            self._note(Plugin(loading.provider, loading.status, tuple(loading.failures)))

    def _specify(self, loading: _Loading) -> None:
        for name, function in _own_specs(self._hooks, loading.module):
            with loading.stage("hooks", name):
                known = getattr(self._hooks.hook, name, None)
                if known is not None and known.has_spec():
                    raise PluginError(f"another plugin specifies a hook {name} already")
                self._hooks.add_hookspecs(SimpleNamespace(**{name: function}))

    def _register(self, loading: _Loading) -> None:
        """Register each hook by itself, so that a bad one does not take the others with it, and collect."""
        provider = loading.provider
        found: list[Provided] = []
        for hook, name in _implementations(self._hooks, loading.module):
            function = getattr(loading.module, name)
            with loading.stage("hooks", name):
                _check_known(self._hooks, loading.module, hook)
                self._hooks.register(SimpleNamespace(**{name: function}), f"{provider.label}/{provider.plugin}/{name}")
                if hook in hookspecs.DECLARATIONS:
                    with loading.stage("declare", name):
                        found.extend(Provided(info, provider) for info in _declared(hook, function))
        for provided in found:
            self.registry.add(provided)
        self._modules[f"{provider.label}/{provider.plugin}"] = loading.module

    def _note(self, plugin: Plugin) -> None:
        self._plugins.append(plugin)
        self.registry.add_plugin(plugin)
        for failure in plugin.failures:
            logger.warning("akid: %s", " ".join(str(failure).split()))


class _Loading:
    """A plugin on its way: its module once imported, and its failures so far."""

    def __init__(self, provider: Provider, strict: bool) -> None:
        self.provider = provider
        self.strict = strict
        self.module: Any = None
        self.failures: list[PluginFailure] = []

    @property
    def status(self) -> Status:
        if self.module is None:
            return "failed"
        if self.failures:
            return "partly"
        return "built in" if self.provider.built_in else "loaded"

    @contextmanager
    def stage(self, stage: Stage, hook: str = "") -> Iterator[None]:
        """Whatever goes wrong inside is recorded as this plugin's failure (or raised where one is strict)."""
        try:
            yield
        except (Exception, SystemExit) as error:  # a plugin that ends the program would be a failure of it, too
            if self.strict and isinstance(error, PluginError) and error.__cause__ is not None:
                raise  # raised by an inner stage
            failure = PluginFailure(self.provider, stage, error, hook)
            if self.strict:
                raise failure.exception() from error
            self.failures.append(failure)


def _new_relay() -> pluggy.PluginManager:
    relay = pluggy.PluginManager(PROJECT)
    relay.add_hookspecs(hookspecs)
    return relay


def _own_specs(relay: pluggy.PluginManager, module: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The hooks that a plugin specifies itself."""
    for name in dir(module):
        function = getattr(module, name, None)
        if relay.parse_hookspec_opts(module, name) is not None and hookspecs.HOOKS.get(name) is not function:
            yield name, function


def _implementations(relay: pluggy.PluginManager, plugin: object) -> Iterator[tuple[str, str]]:
    """Hook name and attribute name of each hook that a plugin implements."""
    for name in dir(plugin):
        options = relay.parse_hookimpl_opts(plugin, name)
        if options is not None:
            yield options["specname"] or name, name


def _check_known(relay: pluggy.PluginManager, plugin: object, hook: str) -> None:
    """Raise for a hook that nobody specifies, unless the plugin marks it as optional."""
    caller = getattr(relay.hook, hook, None)
    options = relay.parse_hookimpl_opts(plugin, hook) or {}
    if (caller is None or not caller.has_spec()) and not options.get("optionalhook"):
        known = [name for name, known in vars(relay.hook).items() if known.has_spec()]
        raise PluginError(f"there is no hook '{hook}'.{suggest(hook, known)}")


def _declared(hook: str, function: Callable[..., Any]) -> list[ComponentInfo]:
    """What one implementation declares, whole or not at all."""
    wanted = hookspecs.DECLARATIONS[hook]
    items = list(function())
    for item in items:
        complaint = _complaint(item, wanted)
        if complaint:
            raise PluginError(f"it gave {item!r}: {complaint}")
    return items


def _complaint(item: Any, wanted: type[ComponentInfo]) -> str:
    """What is wrong with a declaration, or an empty string."""
    if not isinstance(item, wanted):
        return f"it should be a {wanted.__name__}"
    if not (isinstance(item.name, str) and _NAME.fullmatch(item.name)):
        return "a name is lower case letters, digits and underscores"
    if not (isinstance(item.target, str) and TARGET.fullmatch(item.target)):
        return "a target reads 'package.module:attribute'"
    if not isinstance(item.requires, tuple):
        return "requires is a tuple of requirements"
    if item.category == "layer_builder" and not item.backend:
        return "a layer builder names its backend"
    return ""


@functools.cache
def default_manager() -> PluginManager:
    """The manager of installed plugins, built on first use and kept; whoever adds plugins takes one of his own."""
    return PluginManager()


def find_plugin(manager: PluginManager, name: str) -> tuple[Plugin, ...]:
    """The plugins of this name, or of the distribution of this name. Raises `UsageError` if there are none."""
    found = tuple(item for item in manager.plugins if name in (item.provider.plugin, item.provider.label))
    if not found:
        known = sorted({text for item in manager.plugins for text in (item.provider.plugin, item.provider.label)})
        raise UsageError(f"There is no plugin '{name}'.{suggest(name, known)} Plugins: {', '.join(known)}.")
    return found
