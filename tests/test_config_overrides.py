"""`--set key.key=value`: components' names left out, list items by index or name, and paths that lead nowhere."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from akid_core.config import apply_overrides, load_yaml
from akid_core.errors import ConfigurationError, UsageError
from akid_core.graph import Brain
from akid_core.plugins import PluginManager, Registry

TEXT = """
akid: 1
sensors: {source: {plain: {}}, augment: [{shift: {pixels: 1}}]}
brain:
  inputs: image
  blocks:
    - {conv2d: {name: conv1, channels: 32, kernel: 5}}
    - relu
    - system: {name: encoder, blocks: [relu, relu, {dense: {units: 3, name: relu_9}}]}
    - relu
    - "some.where:ReLU"
  losses: [{softmax_cross_entropy: {inputs: [encoder, label]}}]
optimizer: {adam: {learning_rate: {cosine: {initial: 1e-3}}}}
practice: {epochs: 20}
backend:
"""


@pytest.fixture
def registry(akid_manager: PluginManager) -> Registry:
    return akid_manager.registry


def after(registry: Registry, *overrides: str) -> dict[str, Any]:
    return apply_overrides(load_yaml(TEXT), overrides, registry)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("practice.epochs=3", ("practice", "epochs"), 3),
        ("practice.keep=5", ("practice", "keep"), 5),
        ("practice.best.mode=max", ("practice", "best", "mode"), "max"),
        ("seed=7", ("seed",), 7),
        ("execution.threads=2", ("execution", "threads"), 2),
        ("backend=torch", ("backend",), "torch"),
        ("optimizer.learning_rate=1e-2", ("optimizer", "adam", "learning_rate"), 0.01),
        ("optimizer.adam.learning_rate=1e-2", ("optimizer", "adam", "learning_rate"), 0.01),
        ("optimizer.learning_rate.initial=1", ("optimizer", "adam", "learning_rate", "cosine", "initial"), 1),
        ("optimizer={sgd: {momentum: 0.9}}", ("optimizer",), {"sgd": {"momentum": 0.9}}),
        ("sensors.batch_size=8", ("sensors", "batch_size"), 8),
        ("brain.blocks.conv1.channels=64", ("brain", "blocks", 0, "conv2d", "channels"), 64),
        ("brain.blocks.0.channels=64", ("brain", "blocks", 0, "conv2d", "channels"), 64),
        ("brain.blocks.0.conv2d.channels=64", ("brain", "blocks", 0, "conv2d", "channels"), 64),
        ("brain.blocks.relu.name=act", ("brain", "blocks", 1), {"relu": {"name": "act"}}),
        ("brain.blocks.relu_2=tanh", ("brain", "blocks", 3), "tanh"),
        ("brain.blocks.relu_3.name=x", ("brain", "blocks", 4), {"some.where:ReLU": {"name": "x"}}),
        (
            "brain.blocks.encoder.blocks.relu_9.units=4",
            ("brain", "blocks", 2, "system", "blocks", 2, "dense", "units"),
            4,
        ),
        (
            "brain.losses.softmax_cross_entropy.weight=0.5",
            ("brain", "losses", 0, "softmax_cross_entropy", "weight"),
            0.5,
        ),
        ("brain.losses.0.inputs.1=other", ("brain", "losses", 0, "softmax_cross_entropy", "inputs", 1), "other"),
        ("practice.note=a=b", ("practice", "note"), "a=b"),
        ("practice.note=", ("practice", "note"), None),
        ("practice.note='1'", ("practice", "note"), "1"),
        ("practice.list=[1, {a: 2}]", ("practice", "list"), [1, {"a": 2}]),
    ],
)
def test_one_override(registry: Registry, override: str, path: tuple[Any, ...], value: Any) -> None:
    expected: Any = copy.deepcopy(load_yaml(TEXT))
    place = expected
    for key in path[:-1]:
        place = place[key] if isinstance(key, int) else place.setdefault(key, {})
    place[path[-1]] = value
    assert after(registry, override) == expected


def test_the_original_stays_as_it_is(registry: Registry) -> None:
    data = load_yaml(TEXT)
    apply_overrides(data, ["brain.blocks.conv1.channels=1", "seed=1", "brain.blocks.encoder.blocks.0=tanh"], registry)
    assert data == load_yaml(TEXT)


def test_later_overrides_see_earlier_ones(registry: Registry) -> None:
    data = after(
        registry,
        "optimizer=sgd",
        "optimizer.momentum=0.9",
        "brain.blocks.0.name=first",
        "brain.blocks.first.channels=2",
    )
    assert data["optimizer"] == {"sgd": {"momentum": 0.9}}
    assert data["brain"]["blocks"][0] == {"conv2d": {"name": "first", "channels": 2, "kernel": 5}}


def test_plain_dictionaries_do_as_well(registry: Registry) -> None:
    assert apply_overrides({"optimizer": "adam"}, ["optimizer.learning_rate=1"], registry) == {
        "optimizer": {"adam": {"learning_rate": 1}}
    }
    assert apply_overrides({"brain": {"blocks": []}}, ["seed=1"], registry) == {"brain": {"blocks": []}, "seed": 1}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set seed: write key.key=value, for example optimizer.learning_rate=0.1."),
        ("=3", "--set =3: write key.key=value"),
        ("a..b=3", "--set a..b=3: write key.key=value"),
        (
            "brain.blocks.conv2.channels=3",
            "--set brain.blocks.conv2.channels=3: there is no 'conv2' in brain.blocks. Did you mean 'conv1'? It has "
            "conv1, relu, encoder, relu_2, relu_3.",
        ),
        ("brain.blocks.7=relu", "there is no '7' in brain.blocks. It has conv1,"),
        (
            "brain.blocks.encoder.blocks.rel=tanh",
            "there is no 'rel' in brain.blocks[2].system.blocks. Did you mean 'relu'? It has relu, relu_2, relu_9.",
        ),
        ("practice.epochs.number=3", "practice.epochs is 20, which has nothing called 'number'."),
        ("brain.inputs.x=3", "brain.inputs is 'image', which has nothing called 'x'."),
    ],
)
def test_paths_that_lead_nowhere(registry: Registry, override: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        after(registry, override)
    assert str(caught.value).startswith("--set ")


def test_values_that_are_no_yaml(registry: Registry) -> None:
    with pytest.raises(ConfigurationError, match=re.escape("--set seed=[1, line 1, column 3: this is not YAML")):
        after(registry, "seed=[1")


def test_wrong_keys_and_values_name_the_override(registry: Registry) -> None:
    data = load_yaml("brain: {blocks: [{dense: {units: 3}}]}")
    message = (
        "--set brain.blocks.dense.unit=4, brain.blocks[0].dense.unit: unknown key 'unit'. Did you mean 'units'? Valid:"
    )
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Brain.from_config(apply_overrides(data, ["brain.blocks.dense.unit=4"], registry)["brain"], registry)
    message = "--set brain.blocks.dense.units=x, brain.blocks[0].dense.units: expected an integer, got 'x'."
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Brain.from_config(apply_overrides(data, ["brain.blocks.dense.units=x"], registry)["brain"], registry)
