"""Reading the hooks of one plugin: what it specifies, what it implements, and whether that is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, cast

import pluggy

from akid_core.errors import PluginError, suggest
from akid_core.hookspecs import DECLARATIONS, HOOKS
from akid_core.plugin_api import ComponentInfo
from akid_core.plugins.targets import TARGET

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def own_specs(relay: pluggy.PluginManager, module: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The hooks that a plugin specifies itself, by name."""
    for name in dir(module):
        function = getattr(module, name, None)
        specifies = relay.parse_hookspec_opts(cast(ModuleType, module), name) is not None
        if specifies and callable(function) and HOOKS.get(name) is not function:
            yield name, function


def add_spec(relay: pluggy.PluginManager, name: str, function: Callable[..., Any]) -> None:
    """Let the relay know one hook. Raises `PluginError` if another plugin specifies that name."""
    caller = getattr(relay.hook, name, None)
    if caller is not None and caller.has_spec():
        raise PluginError(f"another plugin specifies a hook '{name}' already")
    relay.add_hookspecs(type("Specs", (), {name: staticmethod(function)}))


def implementations(relay: pluggy.PluginManager, plugin: object) -> Iterator[tuple[str, str]]:
    """Attribute name and hook name of each hook that a plugin implements."""
    for name in dir(plugin):
        options = relay.parse_hookimpl_opts(plugin, name)
        if options is not None:
            yield name, options["specname"] or name


def check_known(relay: pluggy.PluginManager, plugin: object, name: str, hook: str) -> None:
    """Raise `PluginError` for a hook that nobody specifies, unless the plugin marks it as optional."""
    callers = vars(relay.hook)
    if hook in callers and callers[hook].has_spec():
        return
    options = relay.parse_hookimpl_opts(plugin, name)
    if options is None or not options["optionalhook"]:
        known = [known for known, caller in callers.items() if caller.has_spec()]
        raise PluginError(f"there is no hook '{hook}'.{suggest(hook, known)}")


def check_marked(plugin: object, marked: Iterable[str]) -> None:
    """Raise `PluginError` for something called like a hook that is not marked as one, and so would never be called."""
    for name in HOOKS.keys() & set(dir(plugin)) - set(marked):
        raise PluginError(f"'{name}' is called like a hook, but lacks the mark @hookimpl, so nobody would call it")


def declared(hook: str, function: Callable[[], Any]) -> list[ComponentInfo]:
    """What one implementation declares, whole or not at all. Raises what it raises, and `PluginError`."""
    wanted = DECLARATIONS[hook]
    given = function()
    if given is None:
        raise PluginError(f"it returned None instead of {wanted.__name__} objects; is a 'yield' or 'return' missing?")
    items = list(given)
    for item in items:
        complaint = _complaint(item, wanted)
        if complaint:
            raise PluginError(f"it gave {item!r}: {complaint}")
    return items


def _complaint(item: Any, wanted: type[ComponentInfo]) -> str:
    """What is wrong with a declaration, or an empty string."""
    if not isinstance(item, wanted):
        return f"it should be a {wanted.__name__}"
    # What is typed on a command line is not written in Python.
    name = item.name.replace("-", "_") if item.category == "command" and isinstance(item.name, str) else item.name
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        return "a name is lower case letters, digits and underscores"
    if not (isinstance(item.target, str) and TARGET.fullmatch(item.target)):
        return "a target reads 'package.module:attribute'"
    if not isinstance(item.requires, tuple):
        return "requires is a tuple of requirements"
    if item.category == "layer_builder" and not item.backend:
        return "a layer builder names its backend"
    return ""
