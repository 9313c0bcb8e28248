"""The NumPy backend: what a network gives, what training does to it, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from akid_core.backends.contract import Network, Trainer
from akid_core.backends.plan import Execution
from akid_core.bundled.numpy.backend import NumpyBackend
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError, DataError, SpecError, UnknownNameError
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Graph, Value
from akid_core.initializers import Zeros
from akid_core.initializers.fill import initial_values
from akid_core.layers import (
    Accuracy,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    MaxPool2d,
    MeanSquaredError,
    ReLU,
    SoftmaxCrossEntropy,
    Tanh,
)
from akid_core.optimizers import SGD, Optimizer
from akid_core.plugins.manager import default_manager
from akid_core.specs import Layer, ParamSpec, TensorSpec
from akid_core.specs.context import Context
from akid_core.specs.layer import Array
from akid_core.specs.precision import Precision

BACKEND = NumpyBackend()
DOUBLE = Precision.of("float64")


def live(graph: Graph, values: Mapping[str, Any] | None = None, seed: int = 0) -> Network:
    network = BACKEND.network(graph, BACKEND.plan(Execution(), graph), seed)
    network.place("cpu")
    network.fill(initial_values(graph, seed) | {path: np.array(value) for path, value in (values or {}).items()})
    return network


def trainer(network: Network, optimizer: Optimizer) -> Trainer:
    return BACKEND.trainer(network, optimizer, BACKEND.plan(Execution(), network.graph))


def batch(weights: Any = None, **fields: Any) -> Batch:
    arrays = {name: np.asarray(value) for name, value in fields.items()}
    index = np.arange(len(next(iter(arrays.values()))))
    return Batch(arrays, np.asarray(np.ones(len(index)) if weights is None else weights, np.float32), index, index)


def span(*batches: Batch, first_step: int = 0, first_row: int = 0) -> Span:
    fields = {name: np.stack([each.fields[name] for each in batches]) for name in batches[0].fields}
    weights, positions, rows = (
        np.stack([getattr(each, name) for each in batches]) for name in ("weights", "positions", "rows")
    )
    return Span(0, first_step, fields, weights, positions, rows, first_row)


def line(units: int = 1, **settings: Any) -> Graph:
    """y = x @ weight, with mean squared error against `y`."""
    brain = Brain.sequential(Dense(units=units, bias=False, name="line"), inputs="x", outputs="line")
    brain = replace(brain.with_loss(MeanSquaredError(), "line", "y", name="loss"), **settings)
    return brain.resolve({"x": TensorSpec(("N", 2)), "y": TensorSpec(("N", units))})


def digits(precision: Precision = DOUBLE) -> Graph:
    """A small network with everything in it."""
    brain = Brain.sequential(
        Conv2d(channels=3, kernel=3, padding="same", name="conv"),
        BatchNorm(name="norm"),
        ReLU(),
        MaxPool2d(kernel=2),
        Flatten(),
        Dropout(rate=0.3, name="drop"),
        Dense(units=4, name="logits"),
        inputs="image",
        outputs="logits",
    )
    brain = brain.with_loss(SoftmaxCrossEntropy(), "logits", "label", name="loss")
    brain = replace(brain.with_metric(Accuracy(), "logits", "label", name="accuracy"), precision=precision)
    return brain.resolve({"image": TensorSpec(("N", 2, 6, 6), axes="NCHW"), "label": TensorSpec(("N",), "int64")})


def images(size: int = 6, seed: int = 0, weights: Any = None) -> Batch:
    random = np.random.default_rng(seed)
    return batch(weights, image=random.normal(size=(size, 2, 6, 6)), label=random.integers(0, 4, size))


# -- values


def test_a_line() -> None:
    graph = Brain.sequential(Dense(units=2, name="ip"), inputs="x").resolve({"x": TensorSpec(("N", 2))})
    network = live(graph, {"ip/weight": [[1, 1], [0, 1]], "ip/bias": [1, 1]})
    (out,) = network.values({"x": np.array([[1, 1], [1, 0]])}, [Value("ip")])
    np.testing.assert_array_equal(out, [[2, 3], [2, 2]])
    assert out.dtype == np.float32


def test_a_convolution() -> None:
    graph = Brain.sequential(Conv2d(channels=1, kernel=3, name="conv"), inputs="x").resolve(
        {"x": TensorSpec(("N", 2, 3, 3), axes="NCHW")}
    )
    planes = np.stack([np.full((3, 3), 1.0), np.full((3, 3), 2.0)])[None]
    network = live(graph, {"conv/weight": planes, "conv/bias": [1]})
    (out,) = network.values({"x": planes}, [Value("conv")])
    np.testing.assert_array_equal(out, [[[[46]]]])  # 9 * 1 + 9 * 4 + 1


def test_a_loss_is_measured_by_weight() -> None:
    network = live(line(), {"line/weight": [[1], [1]]})
    rows = batch([1, 1, 2], x=[[1, 0], [0, 0], [1, 1]], y=[[0], [0], [0]])
    assert network.measure(rows) == {"loss": {"sum": 1 + 0 + 2 * 4, "count": 4}}


def test_prediction_needs_no_labels() -> None:
    network = live(digits())
    fields = {"image": images().fields["image"]}
    assert network.values(fields, [Value("logits")])[0].shape == (6, 4)
    assert network.values(fields, [Value("image"), Value("conv")])[0].shape == (6, 2, 6, 6)
    with pytest.raises(DataError, match=r"'loss' needs label, sample_weight, which"):
        network.values(fields, [Value("loss")])


def test_values_change_nothing() -> None:
    network = live(digits())
    before, rows = network.read(), images()
    fields = {**rows.fields, Batch.WEIGHTS: rows.weights}
    first = network.values(fields, [Value("logits"), Value("loss")], training=True, step=3)
    network.measure(rows)
    trainer(network, SGD()).gradients(rows, 0)
    for path, value in network.read().items():
        np.testing.assert_array_equal(value, before[path])
    again = network.values(fields, [Value("logits"), Value("loss")], training=True, step=3)
    other = network.values(fields, [Value("logits"), Value("loss")], training=True, step=4)
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


def test_dropout_counts_rows_of_the_global_batch() -> None:
    """Two halves that know where their rows stand drop what the whole drops."""
    graph = Brain.sequential(Dropout(rate=0.5, name="drop"), inputs="x").resolve({"x": TensorSpec(("N", 50))})
    network = live(graph)
    ones = {"x": np.ones((8, 50))}
    whole = network.forward(graph.calls, ones, training=True, step=2)[Value("drop")].data  # type: ignore[attr-defined]
    halves = [
        network.forward(graph.calls, {"x": np.ones((4, 50))}, training=True, step=2, first_row=row)  # type: ignore[attr-defined]
        for row in (0, 4)
    ]
    np.testing.assert_array_equal(np.concatenate([half[Value("drop")].data for half in halves]), whole)
    assert set(np.unique(whole)) == {0, 2}
    assert np.mean(whole == 0) == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(400))
    (evaluated,) = network.values(ones, [Value("drop")])
    np.testing.assert_array_equal(evaluated, ones["x"])
    (other_seed,) = live(graph, seed=1).values(ones, [Value("drop")], training=True, step=2)
    assert not np.array_equal(other_seed, whole)


# -- gradients


def test_gradients_of_a_whole_network() -> None:
    network = live(digits())
    rows = images(weights=[1, 1, 0.5, 2, 1, 0])
    fields = {**rows.fields, Batch.WEIGHTS: rows.weights}
    found = trainer(network, SGD()).gradients(rows, 7)
    assert list(found) == ["conv/weight", "conv/bias", "norm/scale", "norm/shift", "logits/weight", "logits/bias"]

    def objective() -> float:
        value, weight = network.values(fields, [Value("loss"), Value("loss", 1)], training=True, step=7)
        return float(np.sum(value * weight) / np.sum(weight))

    random, step = np.random.default_rng(5), 1e-6
    for path, gradient in found.items():
        start, direction = network[path], random.normal(size=gradient.shape)
        sides = []
        for sign in (1, -1):
            network.fill({path: start + sign * step * direction})
            sides.append(objective())
        network.fill({path: start})
        slope = (sides[0] - sides[1]) / (2 * step)
        assert slope == pytest.approx(float(np.sum(gradient * direction)), rel=1e-5, abs=1e-7), path


def test_float32_follows_float64() -> None:
    single, double = live(digits(Precision())), live(digits())
    assert {str(value.dtype) for value in single.read().values()} == {"float32"}
    assert {str(value.dtype) for value in double.read().values()} == {"float64"}
    double.fill(single.read())
    gradients = [trainer(network, SGD()).gradients(images(), 0) for network in (single, double)]
    for path, expected in gradients[1].items():
        assert gradients[0][path].dtype == np.float32
        assert np.linalg.norm(gradients[0][path] - expected) <= 1e-4 * max(np.linalg.norm(expected), 1e-3), path


def test_rows_that_count_for_nothing() -> None:
    learner = trainer(live(line(), {"line/weight": [[1], [1]]}), SGD())
    weighted = learner.gradients(batch([1, 0], x=[[1, 0], [5, 5]], y=[[0], [0]]), 0)
    alone = learner.gradients(batch([1], x=[[1, 0]], y=[[0]]), 0)
    np.testing.assert_array_equal(weighted["line/weight"], alone["line/weight"])
    nothing = batch([0], x=[[1, 0]], y=[[0]])
    np.testing.assert_array_equal(learner.gradients(nothing, 0)["line/weight"], [[0], [0]])
    assert learner.run(span(nothing), np.array([0.1])).objective.tolist() == [0]


def test_several_losses_add_up_by_weight() -> None:
    brain = Brain.sequential(Dense(units=1, bias=False, name="line"), inputs="x")
    brain = brain.with_loss(MeanSquaredError(weight=0.5), "line", "y", name="near")
    brain = brain.with_loss(MeanSquaredError(weight=2.0), "line", "z", name="far")
    row = TensorSpec(("N", 1))
    network = live(brain.resolve({"x": row, "y": row, "z": row}), {"line/weight": [[3]]})
    rows = batch(x=[[1]], y=[[1]], z=[[0]])
    learner = trainer(network, SGD())
    assert learner.gradients(rows, 0)["line/weight"].tolist() == [[0.5 * 2 * 2 + 2 * 2 * 3]]
    result = learner.run(span(rows), np.array([0.0]))
    assert result.objective.tolist() == [0.5 * 4 + 2 * 9]
    assert result.measures == {"near": {"sum": 4, "count": 1}, "far": {"sum": 9, "count": 1}}


def test_a_parameter_that_no_loss_sees_has_no_gradient() -> None:
    seen, unseen = Dense(units=1, bias=False, name="seen"), Dense(units=1, bias=False, name="unseen")
    brain = Brain.graph(seen.on("x"), unseen.on("x"), inputs="x", outputs=("seen", "unseen"))
    graph = brain.with_loss(MeanSquaredError(), "seen", "x").resolve({"x": TensorSpec(("N", 1))})
    assert trainer(live(graph), SGD()).gradients(batch(x=[[1.0]]), 0)["unseen/weight"].tolist() == [[0]]


def test_shared_parameters_gather_both_gradients() -> None:
    first, second = Dense(units=1, bias=False, name="first"), Dense(units=1, bias=False, name="second")
    brain = Brain.sequential(first, second.on("first", share="first"), inputs="x")
    graph = brain.with_loss(MeanSquaredError(), "second", "y").resolve({name: TensorSpec(("N", 1)) for name in "xy"})
    network = live(graph, {"first/weight": [[2]]})
    assert list(network.read()) == ["first/weight"]
    # (w^2 - 1)^2 at w = 2: the derivative is 2 * 3 * 2 w = 24.
    assert trainer(network, SGD()).gradients(batch(x=[[1.0]], y=[[1.0]]), 0)["first/weight"].tolist() == [[24]]


# -- training


def test_steps_by_hand() -> None:
    """Momentum 0.5 on the loss (w - 0)^2, gradient 2 w, starting at 1, learning rates 0.1 and then 0.2."""
    brain = Brain.sequential(Dense(units=1, bias=False, name="line"), inputs="x").with_loss(
        MeanSquaredError(), "line", "y"
    )
    network = live(brain.resolve({name: TensorSpec(("N", 1)) for name in "xy"}), {"line/weight": [[1.0]]})
    learner = trainer(network, SGD(momentum=0.5))
    array = network.native("line/weight")
    rows = batch(x=[[1.0]], y=[[0.0]])
    result = learner.run(span(rows, rows), np.array([0.1, 0.2]))
    # velocity 2, weight 0.8; velocity 0.5 * 2 + 1.6 = 2.6, weight 0.8 - 0.52.
    assert array is network.native("line/weight")
    np.testing.assert_allclose(array, [[0.28]], rtol=1e-6)
    np.testing.assert_allclose(learner.read_slots()["velocity:line/weight"], [[2.6]], rtol=1e-6)
    np.testing.assert_allclose(result.objective, [1, 0.64], rtol=1e-6)
    np.testing.assert_allclose(result.measures["mean_squared_error"]["sum"], 1.64, rtol=1e-6)


def test_clipping_by_the_norm_of_the_whole_gradient() -> None:
    network = live(line(2), {"line/weight": np.zeros((2, 2))})
    rows = batch(x=[[3, 4]], y=[[1, 1]])  # the gradient is -[[3, 3], [4, 4]], of norm sqrt(50)
    trainer(network, SGD(clip_norm=1.0)).run(span(rows), np.array([1.0]))
    np.testing.assert_allclose(network["line/weight"], np.array([[3, 3], [4, 4]]) / math.sqrt(50), rtol=1e-6)
    network["line/weight"] = np.zeros((2, 2))
    trainer(network, SGD(clip_norm=8.0)).run(span(rows), np.array([1.0]))
    np.testing.assert_allclose(network["line/weight"], [[3, 3], [4, 4]], rtol=1e-6)


def test_decay_is_decoupled_and_by_glob() -> None:
    brain = Brain.sequential(Dense(units=1, name="line"), inputs="x").with_loss(MeanSquaredError(), "line", "y")
    graph = brain.resolve({name: TensorSpec(("N", 1)) for name in "xy"})
    rows = batch(x=[[0.0]], y=[[1.0]])  # no gradient by the weight, -2 (1 - b) by the bias
    for globs, weight, bias in ((("*weight",), 1.8, 1.0), (("*",), 1.8, 0.9), (("other/*",), 2.0, 1.0)):
        network = live(graph, {"line/weight": [[2.0]], "line/bias": [1.0]})
        trainer(network, SGD(weight_decay=0.2, decay=globs)).run(span(rows), np.array([0.5]))
        np.testing.assert_allclose(network["line/weight"], [[weight]], rtol=1e-6)
        np.testing.assert_allclose(network["line/bias"], [bias], rtol=1e-6)


def test_a_span_is_its_steps_one_by_one() -> None:
    batches = [images(seed=seed) for seed in range(4)]
    rates, results, networks, slots = np.array([0.1, 0.05, 0.2, 0.1]), [], [], []
    for bundle in (1, 2, 4):
        network = live(digits(Precision()))
        learner = trainer(network, SGD(momentum=0.9))
        objective: list[float] = []
        for start in range(0, 4, bundle):
            part = span(*batches[start : start + bundle], first_step=start)
            objective += learner.run(part, rates[start : start + bundle]).objective.tolist()
        results.append(objective)
        networks.append(network.read())
        slots.append(learner.read_slots())
    assert results[0] == results[1] == results[2]
    for other in networks[1:] + slots[1:]:
        first = networks[0] if "conv/bias" in other else slots[0]
        for path, value in first.items():
            np.testing.assert_array_equal(value, other[path])


def test_state_moves_in_training_alone() -> None:
    graph = Brain.sequential(BatchNorm(name="norm", decay=0.9), Dense(units=1, name="out"), inputs="x").with_loss(
        MeanSquaredError(), "out", "y"
    )
    network = live(graph.resolve({"x": TensorSpec(("N", 1)), "y": TensorSpec(("N", 1))}))
    rows = batch(x=[[1.0], [3.0]], y=[[0.0], [0.0]])
    trainer(network, SGD()).run(span(rows), np.array([0.0]))
    # The batch has mean 2 and unbiased variance 2; the running ones start at 0 and 1.
    np.testing.assert_allclose(network["norm/mean"], [0.2], rtol=1e-6)
    np.testing.assert_allclose(network["norm/variance"], [0.9 + 0.2], rtol=1e-6)


@dataclass(frozen=True, kw_only=True)
class Counter(Layer):
    """Adds how often it was called, its state."""

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        return (ParamSpec(name="count", shape=(1,), init=Zeros(), role="state"),)

    def forward(self, context: Context, x: Array) -> Array:
        context.update("count", context.params["count"] + 1.0)
        return x + context.params["count"]


def test_calls_that_share_state_see_each_other() -> None:
    brain = Brain.sequential(Counter(name="first"), Counter(name="second").on("first", share="first"), inputs="x")
    graph = brain.with_loss(MeanSquaredError(), "second", "x").resolve({"x": TensorSpec(("N", 1))})
    network = live(graph)
    assert network.values({"x": np.zeros((1, 1))}, [Value("second")])[0].tolist() == [[1]]
    trainer(network, SGD()).run(span(batch(x=[[0.0]])), np.array([0.1]))
    assert network["first/count"].tolist() == [2]


def test_it_learns() -> None:
    random = np.random.default_rng(0)
    brain = Brain.sequential(Dense(units=8, name="hidden"), Tanh(), Dense(units=2, name="logits"), inputs="x")
    brain = brain.with_loss(SoftmaxCrossEntropy(), "logits", "label").with_metric(Accuracy(), "logits", "label")
    network = live(brain.resolve({"x": TensorSpec(("N", 2)), "label": TensorSpec(("N",), "int64")}))
    learner = trainer(network, SGD(momentum=0.9))
    points = random.normal(size=(200, 2))
    circle = batch(x=points, label=(np.hypot(*points.T) < 1).astype(np.int64))
    for step in range(200):
        learner.run(span(circle, first_step=step), np.array([0.3]))
    measured = network.measure(circle)["accuracy"]
    assert measured["sum"] / measured["count"] > 0.95


# -- parameters and slots


def test_reading_copies_and_filling_checks() -> None:
    network = live(line())
    copy = network.read(["line/weight"])["line/weight"]
    copy[...] = 7
    assert not np.array_equal(network["line/weight"], copy)
    with pytest.raises(UnknownNameError, match=r"Did you mean 'line/weight'\?"):
        network.fill({"line/wieght": copy})
    with pytest.raises(DataError, match=r"'line/weight' has shape \(2, 1\), and was given \(2,\)"):
        network.fill({"line/weight": np.zeros(2)})


def test_slots_are_filled_and_otherwise_zero() -> None:
    learner = trainer(live(line()), SGD(momentum=0.9))
    learner.fill_slots({"velocity:line/weight": np.array([[1], [2]])})
    assert learner.read_slots()["velocity:line/weight"].tolist() == [[1], [2]]
    learner.fill_slots({})
    assert learner.read_slots()["velocity:line/weight"].tolist() == [[0], [0]]
    with pytest.raises(UnknownNameError, match="sgd keeps nothing called 'speed:line/weight'"):
        learner.fill_slots({"speed:line/weight": np.zeros((2, 1))})
    with pytest.raises(DataError, match="shape"):
        learner.fill_slots({"velocity:line/weight": np.zeros(2)})


# -- what it refuses


@pytest.mark.parametrize(
    ("setting", "value"), [("device", "cuda:0"), ("layout", "channels_last"), ("fused", True), ("threads", 2)]
)
def test_executions_that_it_has_not(setting: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"execution.{setting} is {value!r}"):
        BACKEND.plan(Execution(**{setting: value}), line())


def test_a_plan_is_settled() -> None:
    plan = BACKEND.plan(Execution(bundle=4, layout="channels_first", fused=False), line())
    assert (plan.backend, plan.bundle, plan.device, plan.world) == ("numpy", 4, "cpu", 1)
    assert plan.versions["numpy"] == np.__version__


@pytest.mark.parametrize("precision", [Precision("float32", "float16"), Precision.of("bfloat16")])
def test_precisions_that_it_has_not(precision: Precision) -> None:
    with pytest.raises(ConfigurationError, match="float32 or float64"):
        BACKEND.plan(Execution(), line(precision=precision))


@dataclass(frozen=True, kw_only=True)
class NativeOnly(Layer):
    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (
            NativeOnly(name="foreign"),
            r"'foreign' is of NativeOnly, which has no portable .* write its `forward`.*backend\.$",
        ),
        (Attach(target="torch.nn:Identity", name="foreign"), "'foreign' attaches torch.nn:Identity, .* choose that"),
    ],
)
def test_layers_without_a_portable_definition(layer: Layer, told: str) -> None:
    graph = Brain.sequential(layer, inputs="x").resolve({"x": TensorSpec(("N", 2))})
    with pytest.raises(ConfigurationError, match=told):
        BACKEND.network(graph, BACKEND.plan(Execution(), line()), 0)


def test_a_brain_without_a_loss_is_not_trained() -> None:
    graph = Brain.sequential(Dense(units=2), inputs="x").resolve({"x": TensorSpec(("N", 2))})
    with pytest.raises(ConfigurationError, match="without a loss"):
        trainer(live(graph), SGD())


def test_fields_of_the_wrong_shape() -> None:
    with pytest.raises(DataError, match=r"'x' should be float32\[N, 2\], and the batch holds one of shape \(4, 3\)"):
        live(line()).values({"x": np.zeros((4, 3))}, [Value("line")])


@dataclass(frozen=True, kw_only=True)
class Broken(Layer):
    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def forward(self, context: Context, x: Array) -> Array:
        raise RuntimeError("out of order")


def test_a_failing_layer_is_named() -> None:
    graph = Brain.sequential(Broken(name="broken"), inputs="x").resolve({"x": TensorSpec(("N", 2))})
    with pytest.raises(RuntimeError, match="out of order") as caught:
        live(graph).values({"x": np.zeros((3, 2))}, [Value("broken")])
    assert caught.value.__notes__ == ["in block 'broken' with inputs of shapes (3, 2)"]


@dataclass(frozen=True, kw_only=True)
class Careless(Layer):
    """Gives what `given` makes of (context, x), whatever it promises: a column."""

    given: Callable[..., Any]

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x.with_shape(x.shape[0], 1)

    def forward(self, context: Context, x: Array) -> Any:
        return self.given(context.ops, x)


BROKEN_PROMISES = [
    (lambda ops, x: ops.sum(x, axis=1), "float32[3]: make `outputs` and `forward` agree."),
    (lambda ops, x: x, "float32[3, 2]: make `outputs` and `forward` agree."),
    (lambda ops, x: ops.sum(x), "float32[]: make `outputs` and `forward` agree."),
    (
        lambda ops, x: ops.sum(x, axis=(0, 1), keepdims=True),
        "float32[1, 1] where N is 3: make `outputs` and `forward` agree.",
    ),
    (lambda ops, x: (x, x), "float32[3, 2], float32[3, 2]: make `outputs` and `forward` agree."),
    (lambda ops, x: (), "nothing: make `outputs` and `forward` agree."),
    (lambda ops, x: None, "None: make it of the inputs, with `context.ops`."),
    (lambda ops, x: np.zeros((3, 1)), "a numpy.ndarray: make it of the inputs, with `context.ops`."),
    (lambda ops, x: 1.0, "a float: make it of the inputs, with `context.ops`."),
]


@pytest.mark.parametrize(("given", "gave"), BROKEN_PROMISES)
def test_a_layer_gives_what_it_promises(given: Callable[..., Any], gave: str) -> None:
    graph = Brain.sequential(Careless(name="out", given=given), inputs="x").resolve({"x": TensorSpec(("N", 2))})
    message = f"Block 'out' (Careless) promises float32[N, 1], and gave {gave}"
    with pytest.raises(SpecError) as caught:
        live(graph).values({"x": np.zeros((3, 2))}, [Value("out")])
    assert str(caught.value) == message


def test_infinities_pass_without_warnings() -> None:
    network = live(line(), {"line/weight": [[1e30], [1e30]]})
    result = trainer(network, SGD()).run(span(batch(x=[[1e30, 1]], y=[[0]])), np.array([1.0]))
    assert not np.isfinite(result.objective).all()


def test_it_is_a_plugin_like_any_other() -> None:
    assert default_manager().registry.get("backend", "numpy") is NumpyBackend
