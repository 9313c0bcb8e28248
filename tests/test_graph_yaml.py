"""A Brain as YAML and back, with positions in messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

import pytest

from akid_core.config import Where, dump_yaml, load_yaml
from akid_core.errors import ConfigurationError, UnknownNameError
from akid_core.graph import Brain, Edge, System
from akid_core.graph.attach import Attach
from akid_core.initializers import Zeros
from akid_core.layers import Accuracy, Add, Conv2d, Dense, Flatten, ReLU, SoftmaxCrossEntropy
from akid_core.plugin_api import BrainInfo, hookimpl
from akid_core.plugins import PluginManager
from akid_core.specs import Layer, TensorSpec
from akid_core.specs.precision import Precision

DESIGN = """
brain:
  inputs: image
  outputs: logits
  blocks:
    - {conv2d: {name: conv1, channels: 32, kernel: 5}}
    - relu
    - flatten
    - {dense: {name: logits, units: 10}}
  losses: [{softmax_cross_entropy: {inputs: [logits, label]}}]
  metrics: [{accuracy: {inputs: [logits, label]}}]
"""


@dataclass(frozen=True, kw_only=True)
class Stranger(Layer):
    """A layer that no plugin registers."""

    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Clashing(Layer):
    """A layer whose setting has the name of a key of its place."""

    share: int = 0


def small_net(classes: int, hidden: int = 8) -> Brain:
    """A ready network."""
    return Brain.sequential(Dense(units=hidden), ReLU(), Dense(units=classes, name="logits"), inputs="x")


@hookimpl
def akid_brains() -> Iterator[BrainInfo]:
    yield BrainInfo(name="small_net", target=f"{__name__}:small_net")


def read(text: str) -> Brain:
    data = load_yaml(dedent(text))
    return Brain.from_config(data["brain"], where=Where().at(data, "brain"))


def again(brain: Brain) -> Brain:
    """Through text and back."""
    return Brain.from_config(load_yaml(dump_yaml({"brain": brain.to_config()}))["brain"])


def test_the_design_page_means_what_it_says(public_example: Brain) -> None:
    assert read(DESIGN) == public_example


def test_what_is_written_is_what_the_design_page_says(public_example: Brain) -> None:
    assert {"brain": public_example.to_config()} == load_yaml(DESIGN)
    assert list(public_example.to_config()) == ["inputs", "outputs", "blocks", "losses", "metrics"]


def test_everything_survives() -> None:
    stage = System(
        name="stage",
        nodes=(
            Conv2d(channels=4, kernel=(3, 1), padding="same", weight_init=Zeros(), bias=False).on("a"),
            Add(name="sum").on("conv2d", "b:1", Edge("sum", delay=2, initial=1.0)),
        ),
        inputs=("a", "b"),
        outputs=("sum", "conv2d"),
    )
    aside = Brain.sequential(Dense(units=3, name="logits"), inputs={"v": TensorSpec(("N", 4), "float32", "NC")})
    aside = aside.with_loss(SoftmaxCrossEntropy(weight=0.25), "logits", "label")
    brain = Brain(
        name="whole",
        nodes=(
            stage.on("image", "image@-1"),
            System.sequential(name="empty").on("stage:1"),
            Flatten().on("stage"),
            aside.on("flatten"),
            Dense(units=3).on("flatten", share="brain/logits"),
            Stranger(sizes=(1, 2)).on(),
        ),
        inputs={"image": TensorSpec(("N", 1, "H", 8))},
        outputs=("dense", "stage:1"),
        precision=Precision("float64", "float32", "float64"),
    ).with_metric(Accuracy(name="top"), "dense", "label")
    assert again(brain) == brain
    assert again(brain).to_config() == brain.to_config()


@pytest.mark.parametrize(
    ("brain", "data"),
    [
        (Brain(), {"blocks": []}),
        (Brain(inputs=("a", "b")), {"inputs": ["a", "b"], "blocks": []}),
        (Brain.sequential(ReLU().on("a:1@-2")), {"blocks": [{"relu": {"inputs": "a:1@-2"}}]}),
        (Brain(precision=Precision.of("float64")), {"blocks": [], "precision": "float64"}),
        (Brain(precision=Precision(compute="bfloat16")), {"blocks": [], "precision": {"compute": "bfloat16"}}),
        (Brain.sequential(System.sequential(ReLU())), {"blocks": [{"system": {"blocks": ["relu"]}}]}),
        (
            Brain.sequential(System.sequential(ReLU(), name="s", inputs="v").on("input")),
            {"blocks": [{"system": {"name": "s", "inputs": "input", "takes": "v", "blocks": ["relu"]}}]},
        ),
    ],
)
def test_short_forms(brain: Brain, data: dict[str, Any]) -> None:
    assert brain.to_config() == data
    assert Brain.from_config(data) == brain == again(brain)


def test_an_unregistered_class_is_called_by_its_module() -> None:
    name = f"{__name__}:Stranger"
    assert Brain.sequential(Stranger(sizes=(3,))).to_config() == {"blocks": [{name: {"sizes": [3]}}]}
    with pytest.raises(UnknownNameError, match=r"^brain.blocks\[0\]: 'nowhere.at_all:Layer' does not import"):
        Brain.from_config({"blocks": ["nowhere.at_all:Layer"]})
    with pytest.raises(ConfigurationError, match=r"blocks\[0\]: collections:OrderedDict is not a layer"):
        Brain.from_config({"blocks": ["collections:OrderedDict"]})


def test_what_no_file_can_name() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Local(Layer):
        pass

    @dataclass(frozen=True, kw_only=True)
    class Special(System):
        pass

    with pytest.raises(ConfigurationError, match="Local is defined inside a function"):
        Brain.sequential(Local()).to_config()
    with pytest.raises(ConfigurationError, match=r"brain.blocks\[0\]: a Special cannot be written"):
        Brain.sequential(Special()).to_config()
    with pytest.raises(ConfigurationError, match="YAML keeps 'share' for the wiring of a block"):
        Brain.sequential(Clashing(share=1)).to_config()


def test_an_attached_module_by_import_path() -> None:
    brain = Brain.sequential(
        Attach(name="shelf", target="fractions:Fraction", arguments={"numerator": [1, 2]}, out=("N", 4)), inputs="x"
    )
    assert again(brain) == brain
    assert brain.to_config()["blocks"] == [
        {
            "attach": {
                "name": "shelf",
                "target": "fractions:Fraction",
                "arguments": {"numerator": [1, 2]},
                "out": {"shape": ["N", 4]},
            }
        }
    ]
    assert read("brain: {inputs: x, blocks: [{attach: {target: 'a:B', out: [N, 4]}}]}")["attach"] == Attach(
        name=None, target="a:B", out=TensorSpec(("N", 4))
    )


def test_an_attached_object_is_for_this_process_alone() -> None:
    brain = Brain.sequential(ReLU(), System.sequential(Attach(target=object())))
    message = (
        r"brain.blocks\[1\].system.blocks\[0\].attach.target: a object .*import path: target='package.module:Class'"
    )
    with pytest.raises(ConfigurationError, match=message):
        brain.to_config()


def test_ready_networks(akid_manager: PluginManager) -> None:
    import sys

    akid_manager.add(sys.modules[__name__])
    registry = akid_manager.registry
    assert Brain.from_config({"small_net": {"classes": 3}}, registry) == small_net(3)
    nested = Brain.from_config({"blocks": [{"small_net": {"classes": 3, "name": "n", "inputs": "input"}}]}, registry)
    assert isinstance(nested["n"], Brain)
    assert nested["n"].blocks == small_net(3).blocks
    with pytest.raises(ConfigurationError, match="^brain.small_net: needs 'classes'. Valid: classes, hidden"):
        Brain.from_config("small_net", registry)
    with pytest.raises(ConfigurationError, match="unknown key 'hiden'. Did you mean 'hidden'"):
        Brain.from_config({"small_net": {"classes": 1, "hiden": 2}}, registry)
    with pytest.raises(UnknownNameError, match="^brain: There is no brain 'smal_net'. Did you mean 'small_net'"):
        Brain.from_config("smal_net", registry)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            """
            brain:
              blocks:
                - conv2d: {channels: 3, kernel: 3}
                - conv2d:
                    channel: 3
                    kernel: 3
            """,
            "text, line 6, brain.blocks[1].conv2d.channel: unknown key 'channel'. Did you mean 'channels'? Valid: "
            "name, channels, kernel, stride",
        ),
        (
            "brain: {blocks: [conv2]}",
            "text, line 1, brain.blocks[0]: There is no layer 'conv2'. Did you mean 'conv2d'?",
        ),
        (
            "brain: {block: [relu]}",
            "text, line 1, brain.block: unknown key 'block'. Did you mean 'blocks'? Valid: name, inputs, outputs, "
            "blocks, losses, metrics, precision, evaluating.",
        ),
        ("brain: {inputs: x}", "text, line 1, brain: needs 'blocks', a list."),
        ("brain: {blocks: relu}", "text, line 1, brain.blocks: expected a list of blocks, got 'relu'."),
        ("brain: [relu]", "text, line 1, brain: expected a Brain, as name, inputs, outputs, blocks"),
        (
            "brain: {blocks: [3]}",
            "text, line 1, brain.blocks[0]: expected a layer, as name or {name: {setting: value}}, got 3.",
        ),
        (
            """
            brain:
              blocks:
                - conv2d:
                  channels: 3
            """,
            "text, line 4, brain.blocks[0]: expected a layer, as name or {name: {setting: value}}, got a mapping with "
            "the keys conv2d, channels.",
        ),
        ("brain: {blocks: [{dense: 3}]}", "brain.blocks[0].dense: expected settings (key: value), got 3."),
        ("brain: {blocks: [dense]}", "brain.blocks[0].dense: needs 'units'. Valid: name, units"),
        ("brain: {blocks: [{relu: {inputs: 3}}]}", "brain.blocks[0].relu.inputs: expected names of blocks, got 3."),
        ("brain: {blocks: [{relu: {inputs: [a b]}}]}", "brain.blocks[0].relu.inputs[0]: 'a b' is not an input: write"),
        (
            "brain: {blocks: [{relu: {inputs: [3]}}]}",
            "brain.blocks[0].relu.inputs[0]: expected the name of a block, got 3.",
        ),
        (
            "brain: {blocks: [{relu: {inputs: {source: a, dela: 1}}}]}",
            "brain.blocks[0].relu.inputs.dela: unknown key 'dela'. Did you mean 'delay'?",
        ),
        ("brain: {blocks: [{relu: {share: 3}}]}", "brain.blocks[0].relu.share: expected text or null, got 3."),
        (
            "brain: {blocks: [{system: {name: s, input: x, blocks: []}}]}",
            "brain.blocks[0].system.input: unknown key 'input'. Did you mean 'inputs'? Valid: name, inputs, share, "
            "takes, outputs, blocks, evaluating.",
        ),
        (
            "brain: {blocks: [{system: {blocks: [softmax_cross_entropy]}}]}",
            "brain.blocks[0].system: SoftmaxCrossEntropy belongs to the losses of a Brain, not to its blocks.",
        ),
        (
            "brain: {inputs: {x: {shape: [N, 2], dtpe: int32}}, blocks: []}",
            "brain.inputs.x.dtpe: unknown key 'dtpe'. Did you mean 'dtype'?",
        ),
        (
            "brain: {inputs: {x: {shape: [N, 2], axes: ABC}}, blocks: []}",
            "brain.inputs.x: axes 'ABC' do not match the 2 dimensions of ('N', 2)",
        ),
        (
            "brain: {blocks: [{dense: {units: 2, weight_init: {normal: {stdev: 1}}}}]}",
            "brain.blocks[0].dense.weight_init.normal.stdev: unknown key 'stdev'.",
        ),
        (
            "brain: {blocks: [{dense: {units: 2, weight_init: zero}}]}",
            "brain.blocks[0].dense.weight_init: There is no initializer 'zero'. Did you mean 'zeros'?",
        ),
        (
            "brain: {blocks: [{conv2d: {channels: 3, kernel: 3, groups: 2}}]}",
            "brain.blocks[0].conv2d: channels must be a positive multiple of groups, got channels=3 and groups=2",
        ),
    ],
)
def test_messages(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        read(text)
    assert str(caught.value).startswith("text, line ")


def test_a_brain_stays_a_brain(public_example: Brain) -> None:
    assert Brain.from_config(public_example) is not None
    assert Brain.from_config(public_example) == public_example
