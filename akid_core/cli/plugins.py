"""`akid plugins`: what is installed, what it provides, whether it works, and a new one to start from."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from akid_core.cli.new import SUMMARIES, write_distribution
from akid_core.cli.output import print_json, table
from akid_core.errors import EXIT_DONE, EXIT_FAILURE, PluginError, UsageError, suggest
from akid_core.hookspecs import CATEGORIES, DECLARATIONS
from akid_core.plugins import Plugin, PluginManager, Provided, default_manager
from akid_core.plugins.targets import ADVICE

_PLURALS = {info.category: hook.removeprefix("akid_") for hook, info in DECLARATIONS.items()}


def main(arguments: list[str]) -> int:
    """List plugins (the default), check them, or write a new one."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["list", *arguments]
    asked = _parser().parse_args(arguments)
    manager = default_manager()
    if asked.action == "check":
        return _check(manager, asked.name)
    if asked.action == "new":
        return _new(asked.name, asked.category, Path(asked.directory))
    _list(manager, asked.category, asked.backend, asked.json)
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="akid plugins", description="What is installed, and whether it works.")
    actions = parser.add_subparsers(dest="action", metavar="list|check|new")
    listing = actions.add_parser("list", help="plugins, or the components of a category or for a backend")
    listing.add_argument("--category", choices=CATEGORIES, metavar="CATEGORY", help=", ".join(CATEGORIES))
    listing.add_argument("--backend", help="components that this backend can use")
    listing.add_argument("--json", action="store_true", help="one JSON object")
    checking = actions.add_parser("check", help="import every component; exit code 1 if one does not")
    checking.add_argument("name", nargs="?", metavar="NAME", help="a plugin or a distribution")
    writing = actions.add_parser("new", help="write a complete distribution to start from")
    writing.add_argument("name", metavar="NAME", help="of the component, such as swish: the distribution is akid-swish")
    writing.add_argument("--category", required=True, metavar="CATEGORY", help=", ".join(SUMMARIES))
    writing.add_argument("--directory", default=".", help="where its folder is made (default: here)")
    return parser


# --- list ---


def _list(manager: PluginManager, category: str | None, backend: str | None, as_json: bool) -> None:
    components = manager.registry.infos(category, backend)
    if as_json:
        print_json(
            {
                "plugins": [_plugin_data(plugin) for plugin in manager.plugins],
                "components": [_component_data(item) for item in components],
            }
        )
    elif category or backend:
        rows = [
            (item.info.category, item.info.name, item.info.backend or "any", item.provider, item.info.summary)
            for item in components
        ]
        print(table(("CATEGORY", "NAME", "BACKEND", "FROM", "SUMMARY"), rows))
    else:
        lines = [_plugin_row(plugin, components) for plugin in manager.plugins]
        print(table(("PLUGIN", "DISTRIBUTION", "VERSION", "STATUS", "PROVIDES"), lines))
        for failure in manager.failures:
            print(f"\n{failure}")


def _plugin_row(plugin: Plugin, components: Iterable[Provided]) -> tuple[str, ...]:
    counts = Counter(item.info.category for item in components if item.provider == plugin.provider)
    provides = ", ".join(
        f"{count} {category if count == 1 else _PLURALS[category]}" for category, count in counts.items()
    )
    return plugin.provider.plugin, plugin.provider.label, plugin.provider.version, plugin.status, provides


def _plugin_data(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.provider.plugin,
        "distribution": plugin.provider.distribution,
        "version": plugin.provider.version,
        "module": plugin.provider.module,
        "status": plugin.status,
        "failures": [
            {"stage": failure.stage, "hook": failure.hook, "message": str(failure)} for failure in plugin.failures
        ],
    }


def _component_data(item: Provided) -> dict[str, Any]:
    return {
        "category": item.info.category,
        "name": item.info.name,
        "backend": item.info.backend,
        "target": item.info.target,
        "summary": item.info.summary,
        "distribution": item.provider.distribution,
        "version": item.provider.version,
    }


# --- check ---


def _check(manager: PluginManager, name: str | None) -> int:
    """Import the targets of all plugins, or of the named one, and print what fails."""
    plugins = _chosen(manager, name)
    complaints = [str(failure) for plugin in plugins for failure in plugin.failures]
    providers = {plugin.provider for plugin in plugins}
    components = [item for item in manager.registry.infos() if item.provider in providers]
    for item in components:
        try:
            manager.registry.target(item)
        except PluginError as error:
            complaints.append(str(error))
    advice = dict[str, None]()  # once each: many components may want the same
    for complaint in complaints:
        said, _, command = complaint.partition(ADVICE)
        advice |= {command: None} if command else {}
        print(f"FAILED  {said.rstrip()}")
    for command in advice:
        print(f"{ADVICE}{command}")
    counts = {"plugin": len(plugins), "component": len(components), "failure": len(complaints)}
    print(", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items()))
    return EXIT_FAILURE if complaints else EXIT_DONE


def _chosen(manager: PluginManager, name: str | None) -> list[Plugin]:
    """All plugins, or those of this name or distribution. Raises `UsageError` if there are none."""
    if name is None:
        return list(manager.plugins)
    known = {text for plugin in manager.plugins for text in (plugin.provider.plugin, plugin.provider.label)}
    if name not in known:
        raise UsageError(f"There is no plugin '{name}'.{suggest(name, known)} Plugins: {', '.join(sorted(known))}.")
    return [plugin for plugin in manager.plugins if name in (plugin.provider.plugin, plugin.provider.label)]


# --- new ---


def _new(name: str, category: str, directory: Path) -> int:
    """Write a distribution, and say what to do with it."""
    folder, commands = write_distribution(name, category, directory)
    print(f"Wrote {folder}, a distribution with one {category} and its tests. Go on with:")
    for command in (f"cd {folder}", *commands):
        print(f"    {command}")
    return EXIT_DONE
