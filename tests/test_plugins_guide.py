"""The guide "Write a plugin" does what it says: its files are written, installed and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from akid_core.plugins import PluginManager
from akid_core.testing.plugin import MakeDist

GUIDE = Path(__file__).parents[1] / "docs" / "how-to" / "write-a-plugin.md"


@pytest.fixture
def files() -> dict[str, str]:
    """The files that the guide shows, by their titles."""
    blocks = re.findall(
        r'^```\w+ title="([^"]+)"\n(.*?)^```$', GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return dict(blocks)


@pytest.fixture
def folder(files: dict[str, str], make_dist: MakeDist, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The guide's distribution as if it were installed, with what its `pyproject.toml` says."""
    monkeypatch.delenv("AKID_DISABLE_PLUGINS", raising=False)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    modules = {path.removeprefix("src/"): text for path, text in files.items() if path.endswith(".py")}
    return make_dist(
        project["name"],
        version=project["version"],
        modules={"akid_swish/__init__.py": "", **modules},
        entry_points=project["entry-points"]["akid"],
        requires=project["dependencies"],
    )


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_plugin_is_found(folder: Path) -> None:
    registry = PluginManager().registry
    layer = registry.get("layer", "swish")
    assert layer.component() == "swish"
    assert [str(item.provider) for item in registry.infos("layer") if item.info.name == "swish"] == ["akid-swish 1.0"]


def test_the_check_of_the_guide_passes(folder: Path) -> None:
    ran = run(folder, "-m", "akid_core", "plugins", "check", "akid-swish")
    assert (ran.returncode, ran.stdout) == (0, "1 plugin, 1 component, 0 failures\n")


def test_the_program_of_the_guide_learns(folder: Path) -> None:
    ran = run(folder, "try_it.py")
    assert ran.returncode == 0, ran.stderr
    assert "loss" in ran.stdout


def test_the_test_of_the_guide_passes(folder: Path) -> None:
    ran = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_swish.py")
    assert ran.returncode == 0, ran.stdout


def test_the_file_of_the_guide_is_a_plugin(
    folder: Path, akid_manager: PluginManager, capsys: pytest.CaptureFixture[str]
) -> None:
    relay = akid_manager.run_hooks([str(folder / "mine.py")])
    assert akid_manager.registry.get("layer", "square").__name__ == "Square"
    relay.hook.akid_practice_end(context=SimpleNamespace(step=12))
    assert capsys.readouterr().out == "done after 12 steps\n"
