"""`akid zoo --layers`: which layer runs where, without importing a framework."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akid_core.cli.main import main
from akid_core.cli.support import Support, markdown, support
from akid_core.plugins import PluginManager
from akid_core.testing.hygiene import FRAMEWORKS, found, modules_after_command

PLUGIN = """
from akid_core.plugin_api import BackendInfo, LayerBuilderInfo, LayerInfo, hookimpl
from akid_core.specs import Layer

class Portable(Layer):
    def forward(self, context, x):
        return x

class NativeOnly(Layer):
    pass

@hookimpl
def akid_backends():
    yield BackendInfo(name="abacus", target="nowhere:Abacus")

@hookimpl
def akid_layers():
    yield LayerInfo(name="portable", target="counting:Portable")
    yield LayerInfo(name="native_only", target="counting:NativeOnly")
    yield LayerInfo(name="elsewhere", target="counting:Portable", backend="torch")
    yield LayerInfo(name="broken", target="nowhere:Broken")

@hookimpl
def akid_layer_builders():
    yield LayerBuilderInfo(name="native_only", backend="abacus", target="nowhere:build")
"""


@pytest.fixture
def rows(akid_manager: PluginManager, tmp_path: Path) -> dict[str, Support]:
    file = tmp_path / "counting.py"
    file.write_text(PLUGIN)
    akid_manager.add(str(file))
    return {row.layer: row for row in support(akid_manager.registry)}


def test_each_layer_says_how_it_runs(rows: dict[str, Support]) -> None:
    assert rows["portable"].backends == {"abacus": "portable", "numpy": "portable"}
    assert rows["native_only"].backends == {"abacus": "native", "numpy": "missing"}
    assert rows["elsewhere"].backends == {"abacus": "missing", "numpy": "missing"}
    assert rows["broken"].backends == {"abacus": "missing", "numpy": "missing"}
    assert rows["attach"].backends == {"abacus": "missing", "numpy": "missing"}
    assert set(rows["conv2d"].backends.values()) == {"portable"}


def test_a_table_in_markdown(rows: dict[str, Support]) -> None:
    table = markdown([rows["portable"], rows["native_only"]]).splitlines()
    assert table == [
        "| layer | abacus | numpy |",
        "| --- | --- | --- |",
        "| `portable` | portable | portable |",
        "| `native_only` | native | missing |",
    ]


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "--layers"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].split()[:2] == ["layer", "numpy"]
    assert main(["zoo", "--layers", "--json"]) == 0
    listed = {row["layer"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed["dense"]["backends"]["numpy"] == "portable"
    assert listed["dense"]["from"].startswith("akid-core")
    assert main(["zoo", "--layers", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| layer | numpy |")


def test_markdown_goes_with_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "--markdown"]) == 2
    assert "--layers" in capsys.readouterr().err


def test_no_framework_is_imported() -> None:
    assert not found(modules_after_command("zoo", "--layers"), FRAMEWORKS)
