"""Fixtures for tests of plugins: `pytest_plugins = ["akid_core.testing.plugin"]` in a conftest brings them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Protocol

import pytest

from akid_core.plugins import PluginManager, default_manager


class MakeDist(Protocol):
    """Makes an installed distribution out of nothing; see the fixture `make_dist`."""

    def __call__(
        self,
        name: str,
        *,
        version: str = "1.0",
        modules: Mapping[str, str],
        entry_points: Mapping[str, str],
        requires: Sequence[str] = (),
    ) -> Path: ...


@pytest.fixture
def akid_manager(monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    """A plugin manager of its own, with the built-in plugins and none that happens to be installed."""
    monkeypatch.delenv("AKID_DISABLE_PLUGINS", raising=False)
    monkeypatch.delenv("AKID_STRICT_PLUGINS", raising=False)
    return PluginManager(discover=False)


@pytest.fixture
def make_dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeDist]:
    """Write a distribution into `tmp_path` and put it on `sys.path`; a new `PluginManager()` finds it.

    `modules`: the text of each file (`"akid_swish/plugin.py"`). `entry_points`: name and module in the group `akid`.
    `requires`: its requirements, as in `Requires-Dist`. Returns the folder. Its modules are forgotten after the test.
    """

    def make(
        name: str,
        *,
        version: str = "1.0",
        modules: Mapping[str, str],
        entry_points: Mapping[str, str],
        requires: Sequence[str] = (),
    ) -> Path:
        folder = tmp_path / f"site-{name}"
        metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        entries = [f"{entry} = {module}" for entry, module in entry_points.items()]
        files = {f"{info}/METADATA": "\n".join(metadata) + "\n"}
        files[f"{info}/entry_points.txt"] = "\n".join(["[akid]", *entries]) + "\n"
        for path, text in (files | dict(modules)).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text), encoding="utf-8")
        monkeypatch.syspath_prepend(folder)
        default_manager.cache_clear()
        return folder

    before = set(sys.modules)
    yield make
    for name in set(sys.modules) - before:
        if _lies_in(sys.modules[name], tmp_path):
            del sys.modules[name]
    default_manager.cache_clear()


def _lies_in(module: object, folder: Path) -> bool:
    """Whether a module was imported from the folder; a package without `__init__.py` has a path and no file."""
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(Path(place).is_relative_to(folder) for place in places if place)
