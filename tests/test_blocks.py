"""Blocks: macros and functions give the same Systems, of the layers and parameters that the papers say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from akid_core import blocks
from akid_core.config.template import Template
from akid_core.config.yaml import parse
from akid_core.errors import ConfigurationError
from akid_core.graph.brain import Brain
from akid_core.graph.system import System
from akid_core.initializers import HeNormal
from akid_core.layers import AvgPool2d, BatchNorm, Conv2d, Dropout, GroupNorm, Maxout, MaxPool2d, ReLU, Tanh
from akid_core.specs import TensorSpec

EXAMPLE = Path(__file__).parents[1] / "examples" / "resnet.yaml.j2"

MACROS = ("cnn_block", "dense_block", "residual_block", "bottleneck_block", "pre_activation_block")


def written(call: str, folder: Path) -> Any:
    """The System that a call of a macro gives, as the first block of a brain."""
    path = folder / "net.yaml.j2"
    path.write_text(f"{{% from 'akid/blocks.yaml.j2' import {', '.join(MACROS)} %}}\nblocks:\n  - {{{{ {call} }}}}\n")
    return Brain.from_config(parse(Template.file(str(path)).render({}), "net")).nodes[0].block


def trained(brain: Brain, *shape: int) -> int:
    """How many values are trained, where rows of this shape come in."""
    graph = brain.resolve({"image": TensorSpec(("N", *shape), "float32")}, losses=False)
    return sum(spec.size for spec in graph.params.values() if spec.trained)


def on(block: System, *shape: int) -> tuple[tuple[Any, ...], int]:
    """What a block gives for such rows, and how many values it trains."""
    brain = Brain.sequential(block, inputs="image")
    graph = brain.resolve({"image": TensorSpec(("N", *shape), "float32")}, losses=False)
    [value] = graph.outputs.values()
    return graph.spec(value).shape[1:], trained(brain, *shape)


def layers(block: System) -> list[str]:
    return [type(node.block).__name__ for node in block.nodes]


@pytest.mark.parametrize(
    ("call", "block"),
    [
        ("cnn_block('a', 8)", blocks.cnn_block("a", 8)),
        (
            "cnn_block('a', 8, kernel=5, padding='valid', norm='batch_norm', pool=2, dropout=0.3, bias=false)",
            blocks.cnn_block("a", 8, kernel=5, padding="valid", norm=BatchNorm(), pool=2, dropout=0.3, bias=False),
        ),
        (
            "cnn_block('a', channels=8, kernel=[5, 3], padding=[2, 1], norm={'group_norm': {'groups': 2}}, "
            "activation={'maxout': {'group_size': 2}}, pool={'avg_pool2d': {'kernel': 3, 'stride': 2}}, "
            "activation_before_pool=true, weight_init='he_normal')",
            blocks.cnn_block(
                "a",
                channels=8,
                kernel=(5, 3),
                padding=(2, 1),
                norm=GroupNorm(groups=2),
                activation=Maxout(group_size=2),
                pool=AvgPool2d(kernel=3, stride=2),
                activation_before_pool=True,
                weight_init=HeNormal(),
            ),
        ),
        ("cnn_block('a', 8, activation=none, pool=[2, 3])", blocks.cnn_block("a", 8, activation=None, pool=(2, 3))),
        ("dense_block('a', 8)", blocks.dense_block("a", 8)),
        (
            "dense_block('a', units=8, norm='batch_norm', activation='tanh', dropout=0.5, bias=false)",
            blocks.dense_block("a", units=8, norm=BatchNorm(), activation=Tanh(), dropout=0.5, bias=False),
        ),
        ("dense_block('a', 8, activation=none)", blocks.dense_block("a", 8, activation=None)),
        *(
            (
                f"{name}('a', 8{text}{more})",
                getattr(blocks, name)("a", 8, **settings, **further),
            )
            for name in ("residual_block", "bottleneck_block", "pre_activation_block")
            for text, settings in (
                ("", {}),
                (", stride=2", {"stride": 2}),
                (", entering=8", {"entering": 8}),
                (", entering=4, shortcut='padding'", {"entering": 4, "shortcut": "padding"}),
                (", stride=2, shortcut='padding'", {"stride": 2, "shortcut": "padding"}),
            )
            for more, further in (
                ("", {}),
                (
                    ", activation='tanh', norm={'batch_norm': {'decay': 0.5}}, bias=true, weight_init='he_normal'",
                    {"activation": Tanh(), "norm": BatchNorm(decay=0.5), "bias": True, "weight_init": HeNormal()},
                ),
            )
        ),
        ("bottleneck_block('a', 8, expansion=2)", blocks.bottleneck_block("a", 8, expansion=2)),
        ("pre_activation_block('a', 8, dropout=0.3)", blocks.pre_activation_block("a", 8, dropout=0.3)),
    ],
)
def test_macros_and_functions_give_the_same(call: str, block: System, tmp_path: Path) -> None:
    assert written(call, tmp_path) == block


def test_the_order_in_a_cnn_block() -> None:
    block = blocks.cnn_block("a", 8, norm=BatchNorm(), pool=2, dropout=0.5)
    assert layers(block) == ["Conv2d", "MaxPool2d", "BatchNorm", "ReLU", "Dropout"]
    block = blocks.cnn_block("a", 8, norm=BatchNorm(), pool=2, dropout=0.5, activation_before_pool=True)
    assert layers(block) == ["Conv2d", "BatchNorm", "ReLU", "MaxPool2d", "Dropout"]
    without_pool = blocks.cnn_block("a", 8, norm=BatchNorm(), activation_before_pool=True)
    assert layers(without_pool) == ["Conv2d", "BatchNorm", "ReLU"]
    assert list(block.named) == ["conv", "norm", "act", "pool", "dropout"]
    assert block.nodes[0].block == Conv2d(name="conv", channels=8, kernel=3, padding="same")
    assert block.nodes[3].block == MaxPool2d(name="pool", kernel=2)
    assert block.nodes[4].block == Dropout(name="dropout", rate=0.5)


@pytest.mark.parametrize(
    ("block", "shape", "given", "count"),
    [
        (blocks.cnn_block("a", 8, norm=BatchNorm(), pool=2), (3, 6, 6), (8, 3, 3), 3 * 8 * 9 + 8 + 16),
        (blocks.cnn_block("a", 8, activation=Maxout(group_size=2)), (3, 6, 6), (4, 6, 6), 3 * 8 * 9 + 8),
        (blocks.dense_block("a", 8, norm=BatchNorm()), (5,), (8,), 5 * 8 + 8 + 16),
        (blocks.residual_block("a", 4), (4, 6, 6), (4, 6, 6), 2 * (4 * 4 * 9 + 8)),
        (
            blocks.residual_block("a", 8, stride=2, entering=4),
            (4, 6, 6),
            (8, 3, 3),
            (4 * 8 * 9 + 16) + (8 * 8 * 9 + 16) + (4 * 8 + 16),
        ),
        (
            blocks.residual_block("a", 8, stride=2, entering=4, shortcut="padding"),
            (4, 7, 7),
            (8, 4, 4),
            (4 * 8 * 9 + 16) + (8 * 8 * 9 + 16),
        ),
        (
            blocks.bottleneck_block("a", 4, entering=8),
            (8, 6, 6),
            (16, 6, 6),
            (8 * 4 + 8) + (4 * 4 * 9 + 8) + (4 * 16 + 32) + (8 * 16 + 32),
        ),
        (blocks.bottleneck_block("a", 4, entering=16), (16, 6, 6), (16, 6, 6), 64 + 8 + 144 + 8 + 64 + 32),
        (
            blocks.pre_activation_block("a", 8, stride=2, entering=4, dropout=0.1),
            (4, 6, 6),
            (8, 3, 3),
            8 + 4 * 8 * 9 + 16 + 8 * 8 * 9 + 4 * 8,
        ),
        (blocks.pre_activation_block("a", 4), (4, 6, 6), (4, 6, 6), 2 * (8 + 4 * 4 * 9)),
    ],
)
def test_shapes_and_parameters(block: System, shape: tuple[int, ...], given: tuple[int, ...], count: int) -> None:
    assert on(block, *shape) == (given, count)


def test_which_way_goes_where() -> None:
    basic = blocks.residual_block("a", 8, stride=2, entering=4)
    assert [str(edge) for edge in basic.named["add"].inputs] == ["norm2", "shortcut_norm"]
    assert [str(edge) for edge in basic.named["shortcut"].inputs] == ["x"]
    assert list(basic.named)[-1] == "act2"
    ahead = blocks.pre_activation_block("a", 8, stride=2, entering=4)
    assert [str(edge) for edge in ahead.named["add"].inputs] == ["conv2", "shortcut"]
    assert [str(edge) for edge in ahead.named["shortcut"].inputs] == ["act1"]
    assert list(ahead.named)[-1] == "add"
    plain = blocks.bottleneck_block("a", 4, entering=16)
    assert [str(edge) for edge in plain.named["add"].inputs] == ["norm3", "x"]
    assert plain.named["conv2"].block.stride == 1


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shortcut is 'projection' or 'padding', got 'zeros'"):
        blocks.residual_block("a", 8, stride=2, shortcut="zeros")  # type: ignore[arg-type]
    with pytest.raises(
        ConfigurationError, match=r"\(from .*, line 3\): shortcut is 'projection' or 'padding', got 'zeros'"
    ):
        written("residual_block('a', 8, stride=2, shortcut='zeros')", tmp_path)
    with pytest.raises(ValueError, match="before and after are numbers of channels of at least 0, got 0 and -8"):
        blocks.residual_block("a", 8, entering=16, shortcut="padding")
    with pytest.raises(ConfigurationError, match=r"akid/blocks.yaml.j2, line \d+ \(from .*, line 3\).*stryde"):
        written("cnn_block('a', 8, stryde=2)", tmp_path)


def test_a_setting_that_is_wrong_is_found_in_the_macro_and_where_it_is_called(tmp_path: Path) -> None:
    line = 1 + (Path(blocks.__file__).parent / "templates" / "blocks.yaml.j2").read_text().split("\n").index(
        '    {{ {"conv2d": dict(name="conv", channels=channels, kernel=kernel, padding=padding, **kwargs)} }}'
    )
    with pytest.raises(ConfigurationError) as caught:
        written("cnn_block('a', 'many')", tmp_path)
    assert str(caught.value) == (
        f"akid/blocks.yaml.j2, line {line} (from {tmp_path}/net.yaml.j2, line 3), "
        "brain.blocks[0].system.blocks[0].conv2d.channels: expected an integer, got 'many'."
    )


# He et al., 2015, section 4.2 and table 6, which rounds to 0.27M, 0.46M and 0.85M; the exact numbers by the sum
# 3*16*9+32 + n*(2*16*16*9+64) + (16*32+32*32)*9+128 + (n-1)*(2*32*32*9+128) + (32*64+64*64)*9+256
# + (n-1)*(2*64*64*9+256) + 64*10+10 with n blocks in a stage.
@pytest.mark.parametrize(("depth", "count"), [(20, 269_722), (32, 464_154), (56, 853_018)])
def test_a_residual_network_of_any_depth(depth: int, count: int) -> None:
    data = parse(Template.file(str(EXAMPLE)).render({"depth": depth}), EXAMPLE.name)
    brain = Brain.from_config(data["brain"])
    assert trained(brain, 3, 32, 32) == count
    convolutions = [path for path, block in brain.blocks.items() if isinstance(block, Conv2d)]
    assert len(convolutions) == depth - 1
    assert sum(isinstance(block, ReLU) for block in brain.blocks.values()) == depth - 1


def test_a_depth_that_cannot_be() -> None:
    with pytest.raises(
        ConfigurationError, match="resnet.yaml.j2, line 5: depth is 6n \\+ 2, such as 20, 32 or 56; got 21"
    ):
        Template.file(str(EXAMPLE)).render({"depth": 21})
