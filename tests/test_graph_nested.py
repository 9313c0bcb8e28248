"""Systems inside Systems and Brains inside Brains: paths, inputs and outputs, gathered losses, sharing, errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from akid_core.errors import (
    AmbiguousNameError,
    CycleError,
    GraphError,
    SpecError,
    UnknownNameError,
)
from akid_core.graph import Brain, Edge, System, Value
from akid_core.layers import Accuracy, Add, Dense, ReLU, SoftmaxCrossEntropy, Tanh
from akid_core.specs import TensorSpec
from akid_core.specs.precision import Precision

ROW = TensorSpec(("N", 6))
FIELDS = {"x": ROW, "label": TensorSpec(("N",), "int64")}


def residual(name: str) -> System:
    """Two paths from one input, joined."""
    return System.sequential(
        Dense(name="dense", units=6), ReLU(), Add(name="sum").on("relu", "before"), inputs="before", name=name
    )


def head(name: str, weight: float = 1.0) -> Brain:
    return (
        Brain.sequential(Dense(name="logits", units=2), name=name)
        .with_loss(SoftmaxCrossEntropy(name="loss", weight=weight), "logits", "label")
        .with_metric(Accuracy(), "logits", "label")
    )


def test_paths_inputs_and_outputs() -> None:
    stage = System.sequential(residual("first"), residual("second"), name="stage")
    graph = Brain.sequential(System.sequential(stage, Tanh(), name="encoder"), Dense(units=1), inputs="x").resolve(
        FIELDS
    )
    assert {call.path: tuple(map(str, call.inputs)) for call in graph.calls} == {
        "encoder/stage/first/dense": ("x",),
        "encoder/stage/first/relu": ("encoder/stage/first/dense",),
        "encoder/stage/first/sum": ("encoder/stage/first/relu", "x"),
        "encoder/stage/second/dense": ("encoder/stage/first/sum",),
        "encoder/stage/second/relu": ("encoder/stage/second/dense",),
        "encoder/stage/second/sum": ("encoder/stage/second/relu", "encoder/stage/first/sum"),
        "encoder/tanh": ("encoder/stage/second/sum",),
        "dense": ("encoder/tanh",),
    }
    assert list(graph.params)[:2] == ["encoder/stage/first/dense/weight", "encoder/stage/first/dense/bias"]


def test_inner_losses_and_metrics_are_gathered() -> None:
    brain = Brain.sequential(
        Dense(name="trunk", units=4), head("side", 0.3).on("trunk"), head("main").on("trunk"), inputs="x"
    ).with_metric(Accuracy(name="seen"), "side", "label")
    graph = brain.resolve(FIELDS)
    assert [(call.path, tuple(map(str, call.inputs))) for call in graph.losses] == [
        ("side/loss", ("side/logits", "label")),
        ("main/loss", ("main/logits", "label")),
    ]
    assert [loss.weight for loss in graph.loss_layers.values()] == [0.3, 1.0]
    assert [call.path for call in graph.metrics] == ["side/accuracy", "main/accuracy", "seen"]
    assert graph.metrics[-1].inputs == (Value("side/logits"), Value("label"))
    assert graph.fields == {"label": FIELDS["label"]}
    assert brain.resolve({"x": ROW}, losses=False).losses == ()


def test_systems_with_several_inputs_and_outputs() -> None:
    cross = System(
        name="cross",
        nodes=(Add(name="plus").on("left", "right"), Dense(name="minus", units=2).on("right")),
        inputs=("left", "right"),
        outputs=("minus", "plus", "left"),
    )
    brain = Brain.graph(
        Dense(name="a", units=6).on("x"),
        cross.on("a", "x"),
        ReLU(name="second").on("cross:1"),
        ReLU(name="first").on("cross"),
        ReLU(name="third").on("cross:2"),
        inputs="x",
    )
    graph = brain.resolve(FIELDS)
    taken = {call.path: call.inputs[0] for call in graph.calls[-3:]}
    assert taken == {"second": Value("cross/plus"), "first": Value("cross/minus"), "third": Value("a")}


def test_a_path_leads_into_a_system() -> None:
    brain = Brain.graph(
        System.sequential(System.sequential(Dense(name="d", units=3), ReLU(), name="b"), Tanh(), name="a").on("x"),
        Dense(name="early", units=1).on("a/b/d"),
        inputs="x",
        outputs=("early", "a/b"),
    )
    graph = brain.resolve(FIELDS)
    assert graph.by_path["early"].inputs == (Value("a/b/d"),)
    assert graph.outputs == {"early": Value("early"), "a/b": Value("a/b/relu")}


def test_an_empty_system_hands_its_input_on() -> None:
    brain = Brain.graph(System(name="pass").on("x"), Dense(name="d", units=1).on("pass"), inputs="x")
    assert brain.resolve(FIELDS).by_path["d"].inputs == (Value("x"),)


def test_names_are_seen_inside_their_own_system_only() -> None:
    inner = System.sequential(ReLU().on("outside"), name="inner")
    message = "Block 'inner/relu' takes 'outside', which is not in the System 'inner'. Inputs: input. Blocks: relu."
    with pytest.raises(UnknownNameError, match=re.escape(message)):
        Brain.sequential(Dense(units=1, name="outside"), inner, inputs="x").resolve(FIELDS)


def test_a_name_that_is_deeper_inside() -> None:
    brain = Brain.sequential(head("main"), inputs="x").with_loss(SoftmaxCrossEntropy(), "logits", "label")
    with pytest.raises(UnknownNameError, match="takes 'logits', which is not in the Brain. Did you mean 'main/logits'"):
        brain.resolve(FIELDS)
    brain = Brain.sequential(head("one"), head("two"), inputs="x").with_loss(SoftmaxCrossEntropy(), "logits", "label")
    with pytest.raises(AmbiguousNameError, match="takes 'logits', which could be one/logits, two/logits"):
        brain.resolve(FIELDS)


def test_delays_add_up_on_the_way() -> None:
    memory = System(name="memory", nodes=(Dense(name="d", units=6).on("v@-2"),), inputs="v", outputs="d@-1")
    brain = Brain.graph(memory.on("out@-3"), Add(name="out").on("x", "memory@-1"), inputs="x")
    graph = brain.resolve(FIELDS, stepwise=True)
    assert graph.by_path["memory/d"].inputs == (Value("out@-5"),)
    assert graph.by_path["out"].inputs == (Value("x"), Value("memory/d@-2"))


def test_delays_that_begin_differently() -> None:
    ones = Edge("v", delay=1, initial=1.0)
    memory = System(name="memory", nodes=(ReLU(name="r").on(ones),), inputs="v")
    graph = Brain.graph(memory.on("x"), inputs="x").resolve(FIELDS, stepwise=True)
    assert graph.lines["x@-1"].initial == 1.0
    with pytest.raises(GraphError, match="through two delays, one that begins with 1.0 and one with zeros"):
        Brain.graph(memory.on("x@-1"), inputs="x").resolve(FIELDS)


def test_a_cycle_through_systems() -> None:
    brain = Brain.graph(
        System.sequential(ReLU(name="r"), name="a").on("b"),
        System.sequential(ReLU(name="r"), name="b").on("a"),
        inputs="x",
    )
    with pytest.raises(CycleError, match="a/r -> b/r -> a/r. Take out one of the edges, or delay it with @-1."):
        brain.resolve(FIELDS)


def test_a_cycle_inside_a_system_is_mended_by_the_names_there() -> None:
    loop = System.graph(Add(name="a").on("v", "b"), Tanh(name="b").on("a"), inputs="v", name="loop")
    with pytest.raises(CycleError, match="loop/a -> loop/b -> loop/a.* delay it: 'a@-1' as the input of 'loop/b'"):
        Brain.sequential(loop, inputs="x").resolve(FIELDS)


def test_a_system_that_is_nothing_but_its_own_input() -> None:
    brain = Brain.graph(System(name="a").on("b"), System(name="b").on("a"), ReLU(name="r").on("a"), inputs="x")
    with pytest.raises(CycleError, match="Block 'r' takes 'a', which is nothing but itself: a -> "):
        brain.resolve(FIELDS)


def test_the_number_of_inputs_and_outputs_of_a_system() -> None:
    pair = System(name="pair", nodes=(Add(name="sum").on("l", "r"),), inputs=("l", "r"))
    with pytest.raises(SpecError, match=re.escape("Block 'pair' takes 2 inputs (l, r), got 1 (x).")):
        Brain.sequential(pair, inputs="x").resolve(FIELDS)
    with pytest.raises(SpecError, match="Block 'd' takes 'pair:1', but the System 'pair' gives 1 output"):
        Brain.graph(pair.on("x", "x"), Dense(name="d", units=1).on("pair:1"), inputs="x").resolve(FIELDS)


def test_stated_inputs_of_a_system_are_checked() -> None:
    inner = System.sequential(ReLU(), inputs={"v": TensorSpec(("N", 7))}, name="inner")
    message = "The input 'v' of the System 'inner' is stated as float32[N, 7], but 'x' is float32[N, 6]."
    with pytest.raises(SpecError, match=re.escape(message)):
        Brain.sequential(inner, inputs="x").resolve(FIELDS)


def test_a_layer_that_refuses_deep_inside_says_what_was_written_there() -> None:
    inner = System.sequential(
        Add(name="sum").on("v", "narrow"), Dense(name="narrow", units=2).on("v"), inputs="v", name="inner"
    )
    message = "Block 'inner/sum' (Add) with v = float32[N, 6], narrow = float32[N, 2]: adds inputs of one shape"
    with pytest.raises(SpecError, match=re.escape(message)):
        Brain.sequential(inner, inputs="x").resolve(FIELDS)


# --- sharing ---


def test_a_system_shares_block_by_block() -> None:
    brain = Brain.graph(
        System.sequential(residual("r"), Dense(name="d", units=6), name="one").on("x"),
        System.sequential(residual("r"), Dense(name="d", units=6), name="two").on("one", share="one"),
        System.sequential(residual("r"), Dense(name="d", units=6), name="three").on("two", share="two"),
        inputs="x",
    )
    graph = brain.resolve(FIELDS)
    assert list(graph.params) == ["one/r/dense/weight", "one/r/dense/bias", "one/d/weight", "one/d/bias"]
    assert graph.by_path["three/d"].owner == "one/d"
    assert graph.by_path["three/r/relu"].params == ()


def test_a_name_to_share_is_looked_up_outwards() -> None:
    brain = Brain.sequential(
        Dense(name="dense", units=6),
        System.sequential(Dense(units=6).on("input", share="dense"), name="inner"),
        System.sequential(Dense(name="dense", units=6), Dense(units=6).on("dense", share="dense"), name="own"),
        Dense(name="last", units=6).on("own", share="own/dense"),
        inputs="x",
    )
    owners = {call.path: call.owner for call in brain.resolve(FIELDS).calls}
    assert owners == {
        "dense": "dense",
        "inner/dense": "dense",
        "own/dense": "own/dense",
        "own/dense_2": "own/dense",
        "last": "own/dense",
    }


@pytest.mark.parametrize(
    "other",
    [
        lambda: System.sequential(Dense(name="other", units=6), name="two").on("x", share="one"),
        lambda: Dense(name="two", units=6).on("x", share="one"),
    ],
)
def test_systems_that_cannot_share(other: Callable[[], object]) -> None:
    one = System.sequential(Dense(name="d", units=6), name="one")
    with pytest.raises(
        SpecError, match=r"Block 'two(/other)?' shares the parameters of 'one(/other)?', which is not a layer"
    ):
        Brain.graph(one.on("x"), other(), inputs="x").resolve(FIELDS)  # type: ignore[arg-type]


# --- precision, depth ---


def test_the_precision_is_that_of_the_outermost() -> None:
    inner = Brain.sequential(Dense(units=2), precision=Precision.of("float16"), name="inner")
    with pytest.raises(GraphError, match="The Brain 'system/inner' asks for another precision"):
        Brain.sequential(System.sequential(inner), inputs="x").resolve(FIELDS)
    graph = Brain.sequential(inner, inputs="x", precision=Precision.of("float16")).resolve(FIELDS)
    assert graph.by_path["inner/dense"].out_specs[0].dtype == "float16"


def test_a_thousand_systems_take_no_second() -> None:
    """Each way through a System is followed once, also where a System hands its input on."""
    systems = [System() if i % 2 else System.sequential(Dense(units=6)) for i in range(1000)]
    start = time.process_time()
    graph = Brain.sequential(*systems, *(System() for _ in range(1000)), ReLU(), inputs="x").resolve(FIELDS)
    assert time.process_time() - start < 1.0
    assert graph.by_path["relu"].inputs == (Value("system_999/dense"),)


def test_systems_nest_to_any_depth() -> None:
    block: System = System.sequential(Dense(units=6))
    for _ in range(100):
        block = System.sequential(block)
    graph = Brain.sequential(block, inputs="x").resolve(FIELDS)
    assert graph.calls[0].path == "system/" * 101 + "dense"
    assert graph.calls[0].inputs == (Value("x"),)
