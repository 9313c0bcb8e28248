"""`akid zoo`: recipes, and networks with what they take, how large they are, and where they run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akid_core.cli.main import main
from akid_core.cli.networks import Network, networks
from akid_core.plugins import PluginManager
from akid_core.testing.hygiene import FRAMEWORKS, found, modules_after_command

PLUGIN = """
import akid_core as akid
from akid_core import layers as L
from akid_core.plugin_api import BackendInfo, BrainInfo, LayerBuilderInfo, LayerInfo, hookimpl
from akid_core.specs import Layer, TensorSpec

class NativeOnly(Layer):
    def outputs(self, x):
        return x

def _two(*blocks):
    return akid.Brain.sequential(*blocks, inputs={"a": TensorSpec(("N", 3)), "b": TensorSpec(("N", "T"), "int64")})

def plain(*, units=5):
    return _two(L.Dense(units=units), L.BatchNorm())

def native():
    return _two(NativeOnly())

def open_ended():
    return akid.Brain.sequential(L.Dense(units=2), inputs="image")

def demanding(units):
    return plain(units=units)

@hookimpl
def akid_backends():
    yield BackendInfo(name="abacus", target="nowhere:Abacus")

@hookimpl
def akid_layers():
    yield LayerInfo(name="native_only", target="ready:NativeOnly")

@hookimpl
def akid_layer_builders():
    yield LayerBuilderInfo(name="native_only", backend="abacus", target="nowhere:build")

@hookimpl
def akid_brains():
    for name in ("plain", "native", "open_ended", "demanding"):
        yield BrainInfo(name=name, target=f"ready:{name}", summary="made up", source="nobody, never")
    yield BrainInfo(name="lost", target="nowhere:lost")
"""


@pytest.fixture
def listed(akid_manager: PluginManager, tmp_path: Path) -> dict[str, Network]:
    file = tmp_path / "ready.py"
    file.write_text(PLUGIN)
    akid_manager.add(str(file))
    return {network.info.name: network for network in networks(akid_manager.registry)}


def test_a_network_says_all_of_itself(listed: dict[str, Network]) -> None:
    said = listed["plain"].to_json()
    assert said.pop("from").endswith("ready.py")
    assert said == {
        "name": "plain",
        "category": "brain",
        "summary": "made up",
        "inputs": {"a": {"shape": ("N", 3), "dtype": "float32"}, "b": {"shape": ("N", "T"), "dtype": "int64"}},
        "parameters": 3 * 5 + 5 + 2 * 5,
        "backends": ("abacus", "numpy"),
        "source": "nobody, never",
        "module": "ready:plain",
    }
    row = listed["plain"].row
    assert (row["parameters"], row["takes"]) == ("30", "a float32[N, 3], b int64[N, T]")


def test_a_network_runs_where_all_its_layers_do(listed: dict[str, Network]) -> None:
    assert listed["native"].backends == ("abacus",)
    assert listed["native"].parameters == 0


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("open_ended", "UnknownNameError: The Brain's input 'image' is not a field of the batch."),
        ("demanding", "TypeError: demanding() missing 1 required positional argument: 'units'"),
        ("lost", "PluginImportError: "),
    ],
)
def test_a_network_of_which_nothing_is_known_is_listed_with_the_reason(
    listed: dict[str, Network], name: str, problem: str
) -> None:
    said = listed[name].to_json()
    assert said["problem"].startswith(problem)
    assert (said["inputs"], said["parameters"], said["backends"]) == ({}, None, ())
    assert (listed[name].row["parameters"], listed[name].row["takes"]) == ("?", said["problem"])


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo"]) == 0
    printed = capsys.readouterr().out.splitlines()
    [line] = [line for line in printed if line.startswith("alexnet ")]
    assert line.split()[1:6] == ["61,100,840", "image", "float32[N,", "3,", "224,"]
    assert main(["zoo", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out) if row["category"] == "brain"}
    assert rows["alexnet"]["parameters"] == 61_100_840
    assert rows["alexnet"]["inputs"] == {"image": {"shape": ["N", 3, 224, 224], "dtype": "float32"}}
    assert rows["alexnet"]["module"] == "akid_core.bundled.zoo.alexnet:alexnet"
    assert "numpy" in rows["alexnet"]["backends"]
    assert not [row for row in rows.values() if "problem" in row]


def test_no_framework_is_imported() -> None:
    assert not found(modules_after_command("zoo", "--json"), FRAMEWORKS)
