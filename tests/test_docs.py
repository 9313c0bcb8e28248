"""The documentation tells the truth: what it shows runs, and its tables leave nothing out."""

from __future__ import annotations

import re
import runpy
from dataclasses import fields
from pathlib import Path

import pytest

from akid_core import Best, Execution, Optimizer, Phase, Precision, Regularizer, Sensors, Start, System, Unroll
from akid_core.cli.main import main
from akid_core.ops import OPERATIONS
from akid_core.plugins import default_manager
from akid_core.testing.pages import Page, run_page
from akid_core.training.config import KidConfig, Practice

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHERS = ("torch", "tensorflow", "digits", "shift")
"""Words of other distributions: pages that need them run in `tests/cross/test_docs.py`."""

HERE = [page for page in PAGES if page.stem not in ("write-a-plugin", "a-plugin") and not Page.read(page).says(*OTHERS)]
"""The guide and the tutorial to plugins, whose blocks are distributions, have tests of their own."""


@pytest.mark.parametrize("page", HERE, ids=lambda page: page.stem)
def test_page_runs(page: Path, tmp_path: Path) -> None:
    run_page(Page.read(page), tmp_path)


@pytest.mark.parametrize("name", ["branches.py", "own_layer.py"])
def test_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")


def text(page: str) -> str:
    return (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")


def test_every_operation_is_in_the_table() -> None:
    assert re.findall(r"^\| `(\w+)\(", text("operations"), re.MULTILINE) == list(OPERATIONS)


@pytest.mark.parametrize(
    "cls",
    [KidConfig, Sensors, Practice, Best, Start, Optimizer, Phase, Regularizer, Execution, Precision],
    ids=lambda cls: cls.__name__,
)
def test_every_setting_is_in_the_schema(cls: type) -> None:
    missing = [field.name for field in fields(cls) if f"| `{field.name}` |" not in text("yaml")]
    assert not missing


def test_every_setting_of_an_unroll_is_in_the_schema() -> None:
    own = {field.name for field in fields(Unroll)} - {field.name for field in fields(System)}
    assert not [name for name in own if f"| `{name}` |" not in text("yaml")]


def test_every_command_and_option_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    page = text("cli")
    commands = {item.info.name: [item.info.name] for item in default_manager().registry.infos("command")}
    commands |= {f"plugins {action}": ["plugins", action] for action in ("list", "check", "new")}
    commands |= {f"data {action}": ["data", action] for action in ("list", "fetch", "info", "show")}
    for name, arguments in commands.items():
        assert main([*arguments, "--help"]) == 0
        options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
        section = re.search(rf"^### `akid {name}\b.*?(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
        assert section, f"akid {name} has no section"
        assert options <= set(re.findall(r"--[a-z-]+", section[0])), name
