"""Systems and Brains as data: names, equality, places of losses, looking up blocks."""

from __future__ import annotations

import pytest

from akid_core.errors import AmbiguousNameError, DuplicateNameError, GraphError, UnknownNameError
from akid_core.graph import Brain, Edge, Node, System
from akid_core.layers import Accuracy, Add, Conv2d, Dense, MaxPool2d, ReLU, SoftmaxCrossEntropy
from akid_core.specs import TensorSpec


def test_unnamed_blocks_are_called_by_class_and_count() -> None:
    system = System.sequential(ReLU(), MaxPool2d(kernel=2), ReLU(), ReLU(name="act"), System(), ReLU(), System())
    assert list(system.named) == ["relu", "max_pool2d", "relu_2", "act", "system", "relu_3", "system_2"]


def test_counting_passes_over_names_that_are_given() -> None:
    system = System.sequential(ReLU(), ReLU(name="relu_2"), ReLU(), Dense(units=1, name="relu"), inputs="relu_3")
    assert list(system.named) == ["relu_4", "relu_2", "relu_5", "relu"]


def test_losses_and_metrics_count_with_the_blocks(public_example: Brain) -> None:
    brain = public_example.with_loss(SoftmaxCrossEntropy(), "logits", "label").with_metric(
        Accuracy(), "conv1", name="top"
    )
    assert list(brain.named)[4:] == ["softmax_cross_entropy", "softmax_cross_entropy_2", "accuracy", "top"]


def test_equal_descriptions_are_equal(public_example: Brain) -> None:
    assert public_example == public_example
    by_block = System.sequential(ReLU(name="act"))
    by_node = System(nodes=(Node("act", ReLU()),))
    assert by_block == by_node == System.graph(ReLU(name="act").on())
    assert public_example != Brain.sequential(*public_example.nodes[:3], inputs="image")
    assert System.sequential(ReLU(), inputs="x") != System.sequential(ReLU(), inputs="y")
    assert System(inputs="x", outputs="a") == System(inputs=("x",), outputs=["a"])


def test_the_name_of_a_node_comes_before_that_of_its_block() -> None:
    system = System(nodes=(Node("outside", ReLU(name="inside")),))
    assert list(system.named) == ["outside"]
    assert system["outside"] == ReLU(name="outside")


def test_repr_is_python() -> None:
    names = {"Brain": Brain, "Node": Node, "ReLU": ReLU, "Edge": Edge, "TensorSpec": TensorSpec}
    brain = Brain.sequential(ReLU().on("x@-2"), inputs={"x": TensorSpec(("N", 3))})
    text = repr(brain).replace("precision=Precision(params='float32', compute='float32', reductions='float32')", "")
    assert eval(text, names) == brain


def test_with_loss_leaves_the_original_alone() -> None:
    brain = Brain.sequential(Dense(units=2, name="logits"), inputs="x")
    more = brain.with_loss(SoftmaxCrossEntropy(), "logits", "label", name="cost")
    assert not brain.losses
    assert more.losses == (SoftmaxCrossEntropy(name="cost").on("logits", "label"),)
    assert type(more) is Brain


def test_a_block_is_found_by_its_path_or_the_end_of_it() -> None:
    stage = System.sequential(Conv2d(channels=1, kernel=1, name="conv"), ReLU(), name="stage")
    system = System.sequential(System.sequential(stage, Dense(units=2, name="top"), name="encoder"), ReLU(name="last"))
    assert (
        system["encoder/stage/conv"]
        == system["stage/conv"]
        == system["conv"]
        == Conv2d(channels=1, kernel=1, name="conv")
    )
    assert system["stage"] == stage
    assert system["last"] == ReLU(name="last")
    assert list(system.blocks) == [
        "encoder",
        "encoder/stage",
        "encoder/stage/conv",
        "encoder/stage/relu",
        "encoder/top",
        "last",
    ]


def test_an_exact_path_comes_before_an_ending() -> None:
    system = System.sequential(System.sequential(ReLU(name="a"), name="s"), Dense(units=1, name="a"))
    assert system["a"] == Dense(units=1, name="a")


def test_unknown_block(public_example: Brain) -> None:
    with pytest.raises(
        UnknownNameError, match=r"no block 'conv2'.*Did you mean 'conv1'\?.*conv1, relu, flatten, logits"
    ):
        public_example["conv2"]
    nested = System.sequential(System.sequential(Dense(units=1, name="logits"), name="head"))
    with pytest.raises(UnknownNameError, match="Did you mean 'head/logits'"):
        nested["logit"]


def test_ambiguous_block() -> None:
    stages = [System.sequential(Conv2d(channels=1, kernel=1, name="conv"), name=name) for name in ("left", "right")]
    with pytest.raises(AmbiguousNameError, match="'conv' could be left/conv, right/conv"):
        System.sequential(*stages)["conv"]


def test_an_ending_is_a_whole_name() -> None:
    with pytest.raises(UnknownNameError):
        System.sequential(System.sequential(ReLU(name="act"), name="big"))["ct"]


def test_names_must_differ(public_example: Brain) -> None:
    with pytest.raises(DuplicateNameError, match=r"'a': ReLU and Dense\. Rename.*share="):
        _ = System.sequential(ReLU(name="a"), Dense(units=1, name="a")).named
    with pytest.raises(DuplicateNameError):
        _ = public_example.with_metric(Accuracy(), "logits", "label", name="conv1").named
    with pytest.raises(DuplicateNameError, match="Two inputs share a name: x, y, x"):
        _ = System(inputs=("x", "y", "x")).named
    with pytest.raises(AmbiguousNameError, match="'x' is both an input and a block"):
        _ = System.sequential(ReLU(name="x"), inputs="x").named


@pytest.mark.parametrize("name", ["", "a/b", "1st", "a b", "a:1", "ä"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(GraphError, match="cannot be the name of a block"):
        _ = System.sequential(ReLU(name=name)).named


def test_losses_among_the_blocks_and_blocks_among_the_losses() -> None:
    with pytest.raises(GraphError, match="SoftmaxCrossEntropy belongs to the losses of a Brain, not to its blocks"):
        Brain.sequential(SoftmaxCrossEntropy())
    with pytest.raises(GraphError, match="Accuracy belongs to the metrics of a Brain, not to its losses"):
        Brain(losses=(Accuracy().on("a", "b"),))
    with pytest.raises(GraphError, match="ReLU belongs to the blocks of a Brain, not to its metrics"):
        Brain(metrics=(ReLU().on("a"),))


def test_only_blocks_make_a_system() -> None:
    with pytest.raises(TypeError, match="made of blocks"):
        System.sequential("relu")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "edge"),
    [
        ("conv1", Edge("conv1")),
        ("split:1", Edge("split", 1)),
        ("readout@-1", Edge("readout", delay=1)),
        ("a/b-c.d:12@-3", Edge("a/b-c.d", 12, 3)),
    ],
)
def test_edges_are_text(text: str, edge: Edge) -> None:
    assert Edge.parse(text) == edge
    assert str(edge) == text
    assert Add().on(text, edge).inputs == (edge, edge)


@pytest.mark.parametrize("text", ["", "a:", "a@1", "a@-", "a:x", "a b", ":1", "a:1:2", "a@-1:1"])
def test_edges_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not an input"):
        Edge.parse(text)
