"""Resolving one level: order, defaults, specs, fields, sharing, delays, and every error."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from akid_core.errors import (
    AmbiguousNameError,
    ConfigurationError,
    CycleError,
    GraphError,
    SpecError,
    UnknownNameError,
)
from akid_core.graph import Brain, Edge, Graph, Node, Value
from akid_core.graph.attach import Attach
from akid_core.initializers import Zeros
from akid_core.layers import (
    Accuracy,
    Add,
    BatchNorm,
    Concat,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    MeanSquaredError,
    ReLU,
    SoftmaxCrossEntropy,
    Tanh,
)
from akid_core.specs import Layer, ParamSpec, TensorSpec
from akid_core.specs.precision import Precision

IMAGE = TensorSpec(("N", 1, 8, 8), "float32", "NCHW")
LABEL = TensorSpec(("N",), "int64", "N")
ROW = TensorSpec(("N", 6))
FIELDS = {"image": IMAGE, "label": LABEL, "x": ROW}


@dataclass(frozen=True, kw_only=True)
class Halves(Layer):
    """Two outputs."""

    def outputs(self, x: TensorSpec) -> tuple[TensorSpec, TensorSpec]:
        size = x.row[0]
        return x.with_shape("N", size // 2), x.with_shape("N", size - size // 2)


@dataclass(frozen=True, kw_only=True)
class Twins(Layer):
    """A layer that breaks the rule that parameters have different names."""

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        return (ParamSpec(name="scale", shape=(1,), init=Zeros()),) * 2


def order(graph: Graph) -> list[str]:
    return [call.path for call in graph.calls]


def test_the_public_example(public_example: Brain) -> None:
    graph = public_example.resolve(FIELDS)
    assert order(graph) == ["conv1", "relu", "flatten", "logits"]
    assert [call.inputs for call in graph.calls] == [(Value(name),) for name in ("image", "conv1", "relu", "flatten")]
    assert graph.inputs == {"image": IMAGE}
    assert graph.fields == {"label": LABEL}
    assert graph.outputs == {"logits": Value("logits")}
    assert graph.spec(Value("logits")).shape == ("N", 10)
    assert {path: spec.shape for path, spec in graph.params.items()} == {
        "conv1/weight": (32, 1, 5, 5),
        "conv1/bias": (32,),
        "logits/weight": (512, 10),
        "logits/bias": (10,),
    }
    assert [call.path for call in graph.losses + graph.metrics] == ["softmax_cross_entropy", "accuracy"]
    assert graph.losses[0].in_specs == (TensorSpec(("N", 10), "float32", graph.spec(Value("logits")).axes), LABEL)


def test_a_loss_may_look_at_an_input() -> None:
    brain = Brain.sequential(Dense(units=6), inputs="x").with_loss(MeanSquaredError(), "dense", "x")
    graph = brain.resolve({"x": ROW})
    assert graph.losses[0].inputs == (Value("dense"), Value("x"))
    assert graph.fields == {}


def test_blocks_may_be_written_in_any_order() -> None:
    brain = Brain.graph(
        Add(name="sum").on("left", "right"),
        Dense(name="left", units=4).on("x"),
        Dense(name="right", units=4).on("left"),
        inputs="x",
        outputs="sum",
    )
    assert order(brain.resolve(FIELDS)) == ["left", "right", "sum"]


def test_the_order_of_the_description_is_kept_where_it_is_one() -> None:
    names = ["d", "b", "a", "c"]
    brain = Brain.graph(*(Dense(name=name, units=2).on("x") for name in names), inputs="x")
    assert order(brain.resolve(FIELDS)) == names


def test_outputs_are_named_as_written() -> None:
    brain = Brain.sequential(Halves(), inputs="x", outputs=("halves:1", "halves"))
    graph = brain.resolve(FIELDS)
    assert graph.outputs == {"halves:1": Value("halves", 1), "halves": Value("halves")}
    assert graph.spec(graph.outputs["halves:1"]).shape == ("N", 3)


def test_without_outputs_the_last_block_gives() -> None:
    assert Brain.sequential(ReLU(), Tanh(), inputs="x").resolve(FIELDS).outputs == {"tanh": Value("tanh")}
    assert Brain(inputs="x").resolve(FIELDS).outputs == {"x": Value("x")}


def test_without_losses_no_label_is_needed() -> None:
    brain = Brain.sequential(Dense(units=2, name="logits"), inputs="x").with_loss(
        SoftmaxCrossEntropy(), "logits", "label"
    )
    graph = brain.resolve({"x": ROW}, losses=False)
    assert (graph.fields, graph.losses, order(graph)) == ({}, (), ["logits"])
    assert graph.params == brain.resolve(FIELDS).params


def test_needed_leaves_out_what_the_outputs_do_not_use() -> None:
    brain = Brain.graph(
        Dense(name="a", units=2).on("x"),
        Dense(name="aside", units=2).on("a"),
        Dense(name="b", units=2).on("a"),
        inputs="x",
        outputs="b",
    ).with_loss(SoftmaxCrossEntropy(), "aside", "label")
    graph = brain.resolve(FIELDS)
    assert [call.path for call in graph.needed(graph.outputs.values())] == ["a", "b"]
    loss = Value("softmax_cross_entropy")
    assert [call.path for call in graph.needed([loss])] == ["a", "aside", "softmax_cross_entropy"]


# --- specs ---


def test_stated_inputs_need_no_batch() -> None:
    brain = Brain.sequential(Dense(units=2), inputs={"x": ROW})
    assert brain.resolve().inputs == {"x": ROW}
    assert brain.resolve({"x": TensorSpec(("N", 6), "float64")}).inputs["x"].shape == ("N", 6)


@pytest.mark.parametrize("offered", [TensorSpec(("N", 7)), TensorSpec(("N", 6, 1)), TensorSpec(("N", 6), "int64")])
def test_stated_inputs_are_checked(offered: TensorSpec) -> None:
    brain = Brain.sequential(Dense(units=2), inputs={"x": ROW})
    message = f"The Brain's input 'x' is stated as {ROW}, but the batch has {offered}"
    with pytest.raises(SpecError, match=re.escape(message)):
        brain.resolve({"x": offered})


def test_a_symbol_takes_any_size() -> None:
    brain = Brain(inputs={"x": TensorSpec(("N", "T", 3))})
    assert brain.resolve({"x": TensorSpec(("N", 5, 3))}).inputs["x"].shape == ("N", 5, 3)


def test_the_batch_is_symbolic() -> None:
    with pytest.raises(SpecError, match=r"input 'x' is float32\[32, 6\]: its first dimension is the batch"):
        Brain.sequential(ReLU(), inputs={"x": TensorSpec((32, 6))}).resolve()


def test_precision_of_inputs_fields_and_parameters() -> None:
    precision = Precision("float64", "bfloat16", "float32")
    brain = Brain.sequential(Dense(units=6, name="dense"), BatchNorm(), inputs="x", precision=precision)
    graph = brain.with_loss(MeanSquaredError(), "dense", "y").resolve({"x": ROW, "y": TensorSpec(("N", 6), "float64")})
    assert graph.inputs["x"].dtype == graph.fields["y"].dtype == graph.by_path["dense"].out_specs[0].dtype == "bfloat16"
    assert {graph.params[f"dense/{name}"].dtype for name in ("weight", "bias")} == {"float64"}
    assert not any(param.dtype == "float" for param in graph.params.values())


def test_integers_keep_their_type() -> None:
    assert Brain(inputs="label", precision=Precision.of("float64")).resolve(FIELDS).inputs["label"].dtype == "int64"


def test_unknown_precision() -> None:
    with pytest.raises(ConfigurationError, match="'float46' is not a floating type. Did you mean 'float64'"):
        Brain(inputs="x", precision=Precision.of("float46")).resolve(FIELDS)


def test_a_layer_that_refuses() -> None:
    brain = Brain.sequential(Flatten(name="flat"), Conv2d(channels=2, kernel=3), inputs="image")
    with pytest.raises(SpecError) as caught:
        brain.resolve(FIELDS)
    text = str(caught.value)
    assert text.startswith("Block 'conv2d' (Conv2d) with flat = float32[N, 64]: needs images")
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_size_below_one() -> None:
    brain = Brain.sequential(MaxPool2d(kernel=2), MaxPool2d(kernel=9), inputs="image")
    with pytest.raises(
        SpecError, match=re.escape("Block 'max_pool2d_2' (MaxPool2d) with max_pool2d = float32[N, 1, 4, 4]")
    ):
        brain.resolve(FIELDS)


def test_a_size_of_zero_that_the_layer_does_not_notice() -> None:
    message = r"Block 'halves' \(Halves\) with x = .*would give float32\[N, 0\], float32\[N, 1\].*too small"
    with pytest.raises(SpecError, match=message):
        Brain.sequential(Halves(), inputs="x").resolve({"x": TensorSpec(("N", 1))})


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [Dense(name="d", units=1).on("x", "x")],
            "Block 'd' (Dense) with x = float32[N, 6], x = float32[N, 6]: takes 1 input (x), got 2.",
        ),
        (
            [Node("d", Halves()), Add(name="a").on("d")],
            "Block 'a' (Add) with d = float32[N, 3]: joins two or more inputs",
        ),
    ],
)
def test_a_wrong_number_of_inputs(nodes: list[Node], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        Brain.graph(*nodes, inputs="x").resolve(FIELDS)


def test_a_loss_without_inputs() -> None:
    told = r"Block 'softmax_cross_entropy' .* with no inputs: takes 2 to 3 inputs \(logits, labels, mask\), got 0"
    with pytest.raises(SpecError, match=told):
        Brain.sequential(ReLU(), inputs="x").with_loss(SoftmaxCrossEntropy()).resolve(FIELDS)


def test_an_output_that_a_block_does_not_have() -> None:
    brain = Brain.graph(Halves(name="h").on("x"), ReLU(name="r").on("h:2"), inputs="x")
    with pytest.raises(
        SpecError, match=r"Block 'r' takes 'h:2', but 'h' gives 2 outputs: float32\[N, 3\], float32\[N, 3\]"
    ):
        brain.resolve(FIELDS)
    with pytest.raises(SpecError, match="The output of the Brain takes 'relu:1', but 'relu' gives 1 output"):
        Brain.sequential(ReLU(), inputs="x", outputs="relu:1").resolve(FIELDS)
    with pytest.raises(SpecError, match="Block 'r' takes 'x:1', but an input is one value: write 'x'"):
        Brain.graph(ReLU(name="r").on("x:1"), inputs="x").resolve(FIELDS)


def test_two_parameters_of_one_name() -> None:
    with pytest.raises(GraphError, match=r"Block 'twins' \(Twins\) gives two parameters one name: scale, scale"):
        Brain.sequential(Twins(), inputs="x").resolve(FIELDS)


SCALE = ParamSpec(name="scale", shape=(1,), init=Zeros())


@pytest.mark.parametrize("given", [SCALE, None, "scale", {"scale": SCALE}, ((1,),)])
def test_parameters_are_given_as_a_tuple(given: Any) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Alone(Layer):
        def outputs(self, x: TensorSpec) -> TensorSpec:
            return x

        def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
            return given  # type: ignore[no-any-return]

    message = "Block 'alone' (Alone) must give its `params` as a tuple of ParamSpec, such as `return (ParamSpec(...),)`"
    with pytest.raises(SpecError, match=re.escape(f"{message}, gave {given!r}.")):
        Brain.sequential(Alone(), inputs="x").resolve(FIELDS)


def test_a_layer_that_is_broken() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Lists(Layer):
        def outputs(self, x: TensorSpec) -> TensorSpec:
            return [x]  # type: ignore[return-value]

    @dataclass(frozen=True, kw_only=True)
    class Nothing(Layer):
        pass

    with pytest.raises(GraphError, match=r"Block 'lists' \(Lists\) must give a TensorSpec or a tuple of them, gave \["):
        Brain.sequential(Lists(), inputs="x").resolve(FIELDS)
    message = (
        r"Block 'nothing' \(Nothing\) with x = float32\[N, 6\]: Nothing does not say its outputs: define `outputs`"
    )
    with pytest.raises(SpecError, match=message):
        Brain.sequential(Nothing(), inputs="x").resolve(FIELDS)


def test_a_layer_that_takes_another_rank_for_granted() -> None:
    message = r"Block 'halves' \(Halves\) with label = int64\[N\]: IndexError: tuple index out of range\."
    with pytest.raises(SpecError, match=message):
        Brain.sequential(Halves(), inputs="label").resolve(FIELDS)


# --- names ---


def test_unknown_names() -> None:
    brain = Brain.graph(Dense(name="conv1", units=1).on("x"), ReLU(name="r").on("conv2"), inputs="x")
    message = "Block 'r' takes 'conv2', which is not in the Brain. Did you mean 'conv1'? Inputs: x. Blocks: conv1, r."
    with pytest.raises(UnknownNameError, match=re.escape(message)):
        brain.resolve(FIELDS)
    with pytest.raises(UnknownNameError, match=r"The output of the Brain takes 'logit'.*Did you mean 'logits'"):
        Brain.sequential(Dense(units=1, name="logits"), inputs="x", outputs="logit").resolve(FIELDS)
    with pytest.raises(GraphError, match="'a b' is not an input: write"):
        Brain.sequential(ReLU(), inputs="x", outputs="a b").resolve(FIELDS)


def test_a_field_that_the_batch_does_not_have() -> None:
    brain = Brain.sequential(Dense(units=2, name="logits"), inputs="x").with_loss(
        SoftmaxCrossEntropy(), "logits", "lable"
    )
    message = (
        r"Block 'softmax_cross_entropy' takes 'lable'.*Did you mean 'label'.*The batch has the fields image, label, x"
    )
    with pytest.raises(UnknownNameError, match=message):
        brain.resolve(FIELDS)


def test_an_input_that_the_batch_does_not_have() -> None:
    message = (
        r"input 'images' is not a field of the batch\. Did you mean 'image'\? The batch has the fields image, label, x"
    )
    with pytest.raises(UnknownNameError, match=message):
        Brain.sequential(ReLU(), inputs="images").resolve(FIELDS)


def test_the_first_block_without_an_input() -> None:
    with pytest.raises(SpecError, match=r"Block 'relu' \(ReLU\) with no inputs: takes 1 input \(x\), got 0"):
        Brain.sequential(ReLU(), inputs=()).resolve(FIELDS)


def test_a_loss_gives_nothing_to_others() -> None:
    loss = MeanSquaredError(name="loss")
    message = "takes 'loss', which is a loss or metric: these give nothing to other blocks"
    with pytest.raises(GraphError, match=message):
        Brain.graph(ReLU(name="r").on("loss"), inputs="x").with_loss(loss, "x", "x").resolve(FIELDS)
    with pytest.raises(GraphError, match=message):
        Brain.sequential(ReLU(), inputs="x").with_loss(loss, "x", "x").with_metric(Accuracy(), "loss").resolve(FIELDS)
    with pytest.raises(GraphError, match=message):
        Brain.sequential(ReLU(), inputs="x", outputs="loss").with_loss(loss, "x", "x").resolve(FIELDS)


# --- cycles and delays ---


def test_a_cycle_is_printed_as_a_path() -> None:
    brain = Brain.graph(
        ReLU(name="start").on("x"),
        Add(name="a").on("start", "c"),
        ReLU(name="b").on("a"),
        ReLU(name="c").on("b"),
        inputs="x",
    )
    with pytest.raises(CycleError, match=r"a -> b -> c -> a\.") as caught:
        brain.resolve(FIELDS)
    assert "'a@-1' as the input of 'b'" in str(caught.value)


def test_a_block_that_waits_for_itself() -> None:
    with pytest.raises(CycleError, match="a -> a"):
        Brain.graph(ReLU(name="a").on("a"), inputs="x").resolve(FIELDS)


def test_a_delay_breaks_a_cycle() -> None:
    brain = Brain.graph(
        Dense(name="drive", units=4).on("x"),
        Dense(name="echo", units=4).on("state@-1"),
        Add(name="sum").on("drive", "echo"),
        Tanh(name="state").on("sum"),
        inputs="x",
        outputs="state",
    )
    graph = brain.resolve(FIELDS)
    assert order(graph) == ["drive", "state@initial", "echo", "sum", "state"]
    assert graph.by_path["echo"].inputs == (Value("state@initial"),)
    assert graph.by_path["echo"].in_specs[0].shape == ("N", 4)
    assert graph.params["echo/weight"].shape == (4, 4)
    assert [call.path for call in graph.needed([Value("echo")])] == ["state@initial", "echo"]


def test_the_past_of_an_image() -> None:
    brain = Brain.graph(
        Concat(name="both").on("image", Edge("state", delay=2, initial="zeros")),
        Conv2d(name="state", channels=3, kernel=3, padding="same").on("both"),
        inputs="image",
    )
    graph = brain.resolve(FIELDS)
    assert graph.by_path["both"].in_specs[1].shape == ("N", 3, 8, 8)
    assert graph.params["state/weight"].shape == (3, 4, 3, 3)


def test_the_past_of_an_input_and_of_a_later_block() -> None:
    brain = Brain.graph(
        Dense(name="first", units=5).on("later@-1"),
        Dense(name="later", units=3).on("x@-4"),
        inputs="x",
    )
    graph = brain.resolve(FIELDS, stepwise=True)
    assert graph.params["first/weight"].shape == (3, 5)
    assert graph.by_path["later"].inputs == (Value("x@-4"),)


def test_a_past_without_a_fixed_shape() -> None:
    with pytest.raises(SpecError, match=r"The past of 'grow' has no fixed spec: .* one step later"):
        Brain.graph(Concat(name="grow").on("x", "grow@-1"), inputs="x").resolve(FIELDS)


def test_a_past_that_does_not_fit() -> None:
    brain = Brain.graph(
        Add(name="sum").on("x", "out@-1"),
        Dense(name="out", units=2).on("sum"),
        inputs="x",
    )
    with pytest.raises(SpecError, match=r"Block 'sum' \(Add\) with x = float32\[N, 6\], out@-1 = float32\[N, 2\]"):
        brain.resolve(FIELDS)


def test_a_past_that_nothing_fits() -> None:
    brain = Brain.graph(Conv2d(name="c", channels=1, kernel=3).on("c@-1"), inputs="x")
    with pytest.raises(SpecError, match=r"Block 'c' \(Conv2d\) with c@-1 = .*: needs images .* this spec was assumed"):
        brain.resolve(FIELDS)


# --- sharing ---


def twice(second: Layer, share: str = "one") -> Brain:
    return Brain.graph(Dense(name="one", units=6).on("x"), second.on("one", share=share), inputs="x")


def test_sharing_is_by_name() -> None:
    graph = twice(Dense(name="two", units=6)).resolve(FIELDS)
    assert [call.owner for call in graph.calls] == ["one", "one"]
    assert list(graph.params) == ["one/weight", "one/bias"]
    assert graph.by_path["two"].params is graph.by_path["one"].params


def test_equality_never_shares() -> None:
    graph = Brain.sequential(Dense(units=6), Dense(units=6), inputs="x").resolve(FIELDS)
    assert list(graph.params) == ["dense/weight", "dense/bias", "dense_2/weight", "dense_2/bias"]


def test_a_chain_of_shares_ends_at_one_owner() -> None:
    brain = Brain.graph(
        Dense(name="c", units=6).on("x", share="b"),
        Dense(name="b", units=6).on("x", share="a"),
        Dense(name="a", units=6, weight_init=Zeros()).on("x"),
        inputs="x",
    )
    graph = brain.resolve(FIELDS)
    assert {call.owner for call in graph.calls} == {"a"}
    assert graph.params["a/weight"].init == Zeros()


def test_shares_that_do_not_fit() -> None:
    message = "Block 'two' (weight [6, 3], bias [3]) cannot share the parameters of 'one' (weight [6, 6], bias [6])"
    with pytest.raises(SpecError, match=re.escape(message)):
        twice(Dense(name="two", units=3)).resolve(FIELDS)
    with pytest.raises(SpecError, match=r"Block 'two' \(weight \[6, 6\]\) cannot share"):
        twice(Dense(name="two", units=6, bias=False)).resolve(FIELDS)
    brain = Brain.graph(ReLU(name="one").on("x"), ReLU(name="two").on("x", share="one"), inputs="x")
    with pytest.raises(SpecError, match="Block 'two' shares the parameters of 'one', which has none"):
        brain.resolve(FIELDS)


def test_attached_modules_are_shared_only_with_their_like() -> None:
    def linear(name: str, units: int) -> Attach:
        return Attach(name=name, target="torch.nn:Linear", arguments={"in_features": 6, "out_features": units})

    def shared(one: Layer, two: Layer) -> Brain:
        return Brain.graph(one.on("x"), two.on("x", share="one"), inputs="x")

    assert {call.owner for call in shared(linear("one", 6), linear("two", 6)).resolve(FIELDS).calls} == {"one"}
    for one, two in ((linear("one", 6), linear("two", 5)), (linear("one", 6), Dense(name="two", units=6))):
        with pytest.raises(SpecError, match=r"Block 'two' cannot share the parameters of 'one': both must attach"):
            shared(one, two).resolve(FIELDS)


def test_shares_of_nothing() -> None:
    with pytest.raises(UnknownNameError, match=r"Block 'two'.*'on', which is not in the Brain\. Did you mean 'one'"):
        twice(Dense(name="two", units=6), share="on").resolve(FIELDS)
    with pytest.raises(CycleError, match="Block 'two' shares its own parameters"):
        twice(Dense(name="two", units=6), share="two").resolve(FIELDS)


def test_shares_of_each_other() -> None:
    brain = Brain.graph(
        Dense(name="a", units=1).on("x", share="b"), Dense(name="b", units=1).on("x", share="a"), inputs="x"
    )
    with pytest.raises(CycleError, match="share each other's parameters, and none has any: a -> b -> a"):
        brain.resolve(FIELDS)


# --- size ---


def chain(length: int, last_first: bool) -> Brain:
    nodes = [Dense(name=f"d{i}", units=6).on(f"d{i - 1}" if i else "x") for i in range(length)]
    return Brain.graph(*(reversed(nodes) if last_first else nodes), inputs="x", outputs=f"d{length - 1}")


@pytest.mark.parametrize("last_first", [False, True])
def test_a_thousand_blocks_take_no_second(last_first: bool) -> None:
    brain = chain(1000, last_first)
    start = time.process_time()
    graph = brain.resolve(FIELDS)
    assert time.process_time() - start < 1.0
    assert order(graph) == [f"d{i}" for i in range(1000)]


def test_many_delays_take_no_second() -> None:
    nodes = [Dense(name=f"d{i}", units=6).on(f"d{(i + 1) % 500}@-1") for i in range(500)]
    start = time.process_time()
    graph = Brain.graph(*nodes, inputs="x").resolve(FIELDS)
    assert time.process_time() - start < 1.0
    assert all(spec.shape == ("N", 6) for call in graph.calls for spec in call.in_specs)


@pytest.mark.parametrize("last_first", [False, True])
def test_long_chains_of_shares_take_no_second(last_first: bool) -> None:
    nodes = [Dense(name=f"d{i}", units=6).on("x", share=f"d{i - 1}" if i else None) for i in range(1000)]
    start = time.process_time()
    graph = Brain.graph(*(reversed(nodes) if last_first else nodes), inputs="x").resolve(FIELDS)
    assert time.process_time() - start < 1.0
    assert {call.owner for call in graph.calls} == {"d0"}


def test_fields_may_be_any_mapping() -> None:
    class Specs(dict[str, TensorSpec]):
        """Something that is no plain dictionary."""

    fields: Mapping[str, TensorSpec] = Specs(FIELDS)
    assert order(Brain.sequential(ReLU(), inputs="x").resolve(fields)) == ["relu"]


def test_a_block_hides_no_field() -> None:
    """A name that is a block is the block, also where the batch has a field of that name."""
    brain = Brain.sequential(Dense(units=2, name="label"), inputs="x").with_loss(MeanSquaredError(), "label", "label")
    assert brain.resolve(FIELDS).losses[0].inputs == (Value("label"), Value("label"))
    inner = Brain.sequential(Dense(units=2, name="logits"), inputs="z", name="inner")
    inner = inner.with_loss(SoftmaxCrossEntropy(), "logits", "label")
    with pytest.raises(AmbiguousNameError, match="takes the field 'label' of the batch, but a block is called so too"):
        Brain.sequential(Dense(units=2, name="label"), inner, inputs="x").resolve(FIELDS)
