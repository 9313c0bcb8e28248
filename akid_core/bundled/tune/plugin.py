"""What the built-in plugin `tune` declares."""

from __future__ import annotations

from collections.abc import Iterator

from akid_core.plugin_api import CommandInfo, ObserverInfo, hookimpl


@hookimpl
def akid_commands() -> Iterator[CommandInfo]:
    yield CommandInfo(
        name="tune", target="akid_core.bundled.tune.command:main", summary="practise many variants and compare them"
    )


@hookimpl
def akid_observers() -> Iterator[ObserverInfo]:
    yield ObserverInfo(
        name="scores",
        target="akid_core.bundled.tune.scores:Scores",
        summary="figures of each validation as lines of JSON, in the run directory",
    )
