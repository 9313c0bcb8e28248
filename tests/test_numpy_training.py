"""What training on NumPy does beside the formula of the optimizer: bounds, pulls, means, frozen and divided work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from akid_core import SGD, Brain, Execution, Optimizer, Precision, Regularizer, TensorSpec
from akid_core import layers as L
from akid_core.backends.contract import Arrays, Network, Trainer
from akid_core.bundled.numpy.backend import NumpyBackend
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError
from akid_core.graph.resolved import Graph
from akid_core.initializers.fill import initial_values
from akid_core.specs.context import Context
from akid_core.testing.referee import difference

BACKEND = NumpyBackend()
SPECS = {"x": TensorSpec(("N", 2)), "y": TensorSpec(("N", 1)), "label": TensorSpec(("N",), "int64")}


def dot() -> Graph:
    """One unit whose loss is weight . x, so that its gradient is the mean of x, at any weights."""
    brain = Brain.sequential(L.Dense(units=1, bias=False, name="line"), inputs="x", outputs="line")
    return replace(brain.with_loss(Product(), "line", "y"), precision=Precision.of("float64")).resolve(SPECS)


@dataclass(frozen=True, kw_only=True)
class Product(L.MeanSquaredError):
    """The product of prediction and target."""

    def forward(self, context: Context, prediction: Any, target: Any) -> tuple[Any, Any]:
        value = context.ops.sum(prediction * target, axis=1)
        return value, context.ops.zeros_like(value) + 1.0


def net() -> Brain:
    """Batch norm, dropout, two losses: one of a real value, one of classes that count differently."""
    brain = Brain.graph(
        L.Dense(units=6, name="hidden").on("x"),
        L.Tanh(name="tanh").on("hidden"),
        L.Dropout(rate=0.4, name="drop").on("tanh"),
        L.Dense(units=1, name="value").on("drop"),
        L.Dense(units=3, name="logits").on("drop"),
        inputs="x", outputs="logits",
    )  # fmt: skip
    brain = brain.with_loss(L.MeanSquaredError(weight=0.5), "value", "y", name="square")
    brain = brain.with_loss(L.SoftmaxCrossEntropy(class_weights=(1.0, 2.0, 4.0)), "logits", "label", name="entropy")
    return replace(brain.with_metric(L.Accuracy(), "logits", "label"), precision=Precision.of("float64"))


def live(graph: Graph, optimizer: Optimizer, **execution: Any) -> tuple[Network, Trainer]:
    plan = BACKEND.plan(Execution(**execution), graph)
    network = BACKEND.network(graph, plan, 0)
    network.place("cpu")
    network.fill(initial_values(graph, 0))
    return network, BACKEND.trainer(network, optimizer, plan)


def rows(size: int, weights: Any = None) -> Batch:
    random, index = np.random.default_rng(size), np.arange(size)
    fields = {"x": random.normal(size=(size, 2)), "y": random.normal(size=(size, 1)), "label": index % 3}
    return Batch(fields, np.asarray(np.ones(size) if weights is None else weights, np.float32), index, index)


def train(trainer: Trainer, batch: Batch, rates: list[float], first_step: int = 0) -> Any:
    stack = {name: np.stack([values] * len(rates)) for name, values in batch.fields.items()}
    shared = [np.stack([values] * len(rates)) for values in (batch.weights, batch.positions, batch.rows)]
    return trainer.run(Span(0, first_step, stack, *shared), np.array(rates))


def moved(optimizer: Optimizer, gradient: tuple[float, float], start: tuple[float, float], steps: int = 1) -> Any:
    """The weights of `dot` after steps of this gradient, at the learning rate 1."""
    network, trainer = live(dot(), optimizer)
    network["line/weight"] = np.array(start)[:, None]
    batch = Batch({"x": np.array([gradient]), "y": np.ones((1, 1))}, np.ones(1, np.float32), np.arange(1), np.arange(1))
    train(trainer, batch, [1.0] * steps)
    return network["line/weight"][:, 0]


def test_clipping_by_value_comes_before_clipping_by_norm() -> None:
    np.testing.assert_array_equal(moved(SGD(clip_value=2.0), (5, -1), (0, 0)), [-2, 1])
    # (30, -4) becomes (3, -3) and then, of norm 1, (1, -1) / sqrt(2).
    found = moved(SGD(clip_value=3.0, clip_norm=1.0), (30, -4), (0, 0))
    np.testing.assert_allclose(found, np.array([-1, 1]) / np.sqrt(2), rtol=1e-14)


def test_penalties_come_after_clipping_and_before_decay() -> None:
    pull = Regularizer(l1=0.5, l2=0.25)
    # (8, -2) is held to (1, -1), gains (0.5 + 1, -0.5 - 0.5), and moves what is left of (4, -2) after a decay by half.
    found = moved(SGD(clip_value=1.0, regularizers=(pull,), weight_decay=0.5), (8, -2), (4, -2))
    np.testing.assert_allclose(found, [2 - 2.5, -1 + 2.0], rtol=1e-14)
    spared = SGD(regularizers=(Regularizer(params=("*bias",), l1=1.0),))
    np.testing.assert_array_equal(moved(spared, (1, 1), (4, 4)), [3, 3])


def test_the_limit_of_a_norm_acts_after_every_step() -> None:
    limit = SGD(regularizers=(Regularizer(max_norm=5.0),))
    np.testing.assert_allclose(moved(limit, (-6, -8), (0, 0)), [3, 4], rtol=1e-14)
    np.testing.assert_allclose(moved(limit, (-6, -8), (0, 0), steps=3), [3, 4], rtol=1e-14)
    np.testing.assert_array_equal(moved(limit, (-3, 0), (0, 0)), [3, 0])


def test_each_unit_of_a_layer_has_its_own_limit() -> None:
    graph = net().resolve(SPECS)
    network, trainer = live(graph, SGD(regularizers=(Regularizer(params=("hidden/*", "logits/weight"), max_norm=0.3),)))
    before = network["value/weight"]
    train(trainer, rows(8), [0.01] * 3)
    norms = np.linalg.norm(network["hidden/weight"], axis=0)  # axes IO: a unit is a column
    assert (norms <= 0.3 + 1e-12).all()
    assert np.isclose(norms, 0.3, rtol=1e-12).any()
    assert (norms > 0.25).all()  # some were smaller by themselves
    assert (np.linalg.norm(network["logits/weight"], axis=0) <= 0.3 + 1e-12).all()
    assert (np.abs(network["hidden/bias"]) <= 0.3 + 1e-12).all()
    assert np.linalg.norm(network["value/weight"]) == pytest.approx(np.linalg.norm(before), abs=0.1)


def test_the_average_is_a_slot_that_starts_at_zero() -> None:
    network, trainer = live(dot(), SGD(average=0.5))
    network["line/weight"] = np.array([[4.0], [0.0]])
    batch = Batch({"x": np.array([[1.0, -2.0]]), "y": np.ones((1, 1))}, np.ones(1, np.float32), *[np.arange(1)] * 2)
    train(trainer, batch, [1.0, 1.0])  # values (3, 2) and (2, 4)
    np.testing.assert_array_equal(trainer.read_slots()["average:line/weight"], [[1.75], [2.5]])
    trainer.fill_slots({})
    np.testing.assert_array_equal(trainer.read_slots()["average:line/weight"], [[0], [0]])


def test_what_is_frozen_stays_as_it_is() -> None:
    brain = Brain.graph(
        L.Dense(units=4, bias=False, name="stem").on("x"), L.BatchNorm(name="norm").on("stem"),
        L.Dense(units=3, name="logits").on("norm"), inputs="x", outputs="logits",
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")  # fmt: skip
    free = brain.resolve(SPECS)
    graph = replace(free, frozen=("stem/*", "norm/*"))
    network, trainer = live(graph, SGD(momentum=0.9, average=0.9))
    before = network.read()
    train(trainer, rows(8), [0.1] * 3)
    changed = {path for path, value in network.read().items() if not np.array_equal(value, before[path])}
    assert changed == {"logits/weight", "logits/bias"}
    assert {name.partition(":")[2] for name in trainer.read_slots()} == changed
    assert trainer.gradients(rows(8), 0).keys() == changed
    other, theirs = live(free, SGD(momentum=0.9))
    train(theirs, rows(8), [0.1])
    assert not np.array_equal(other["norm/mean"], before["norm/mean"])


@pytest.mark.parametrize("count", [2, 3, 7, 100])
@pytest.mark.parametrize("weights", [None, "mask", "none", "half"])
def test_a_batch_in_parts_gives_what_it_gives_whole(count: int, weights: str | None) -> None:
    size = 7
    masks = {"mask": np.arange(size) % 3 != 0, "none": np.zeros(size), "half": np.r_[np.zeros(4), np.ones(3) * 2.5]}
    batch, graph = rows(size, masks.get(weights or "")), net().resolve(SPECS)

    def outcome(**execution: Any) -> Arrays:
        network, trainer = live(graph, SGD(momentum=0.9, clip_norm=0.05), **execution)
        gradients = trainer.gradients(batch, 5)
        result = train(trainer, batch, [0.1, 0.2], first_step=5)
        sums = {f"{path} {part}": value for path, state in result.measures.items() for part, value in state.items()}
        parameters = {f"new {path}": value for path, value in network.read().items()}
        return {**gradients, "objective": result.objective, **sums, **parameters}

    whole, parts = outcome(), outcome(micro_batches=count)
    errors = {name: difference(parts[name], whole[name]) for name in whole}
    assert max(errors.values()) < 1e-12, max(errors, key=lambda name: errors[name])


def test_a_weight_that_is_learned_has_its_gradient_in_parts_too() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Weighed(L.MeanSquaredError):
        def forward(self, context: Context, prediction: Any, target: Any) -> tuple[Any, Any]:
            value, _ = super().forward(context, prediction, target)
            return value, context.ops.sum(prediction * prediction, axis=1)

    brain = Brain.sequential(L.Dense(units=1, name="line"), inputs="x", outputs="line").with_loss(
        Weighed(), "line", "y"
    )
    graph = replace(brain, precision=Precision.of("float64")).resolve(SPECS)
    whole, parts = (live(graph, SGD(), micro_batches=count)[1].gradients(rows(7), 0) for count in (1, 3))
    for path in whole:
        np.testing.assert_allclose(parts[path], whole[path], rtol=1e-12)


def test_state_takes_one_update_for_each_part() -> None:
    brain = Brain.sequential(L.BatchNorm(name="norm", decay=0.5), L.Dense(units=3, name="logits"), inputs="x")
    graph = brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label").resolve(SPECS)
    network, trainer = live(graph, SGD(), micro_batches=2)
    batch = rows(4)
    before = network["norm/mean"]
    trainer.gradients(batch, 0)
    np.testing.assert_array_equal(network["norm/mean"], before)
    train(trainer, batch, [0.1])
    first, second = batch.fields["x"][:2].mean(axis=0), batch.fields["x"][2:].mean(axis=0)
    np.testing.assert_allclose(network["norm/mean"], first / 4 + second / 2, rtol=1e-5)


def test_what_numpy_declines_and_what_it_refuses() -> None:
    graph = net().resolve(SPECS)
    plan = BACKEND.plan(
        Execution(compile=True, recompute=("hidden",), deterministic=True, step={"torch": "a:b"}), graph
    )
    assert (plan.compile, plan.recompute, plan.deterministic, plan.step) == (False, (), True, "")
    assert [note.partition(":")[0] for note in plan.notes] == [
        "execution.compile is declined",
        "execution.recompute is declined",
    ]
    with pytest.raises(ConfigurationError, match="execution.step has a function for numpy, whose .* leave it out"):
        BACKEND.plan(Execution(step={"numpy": "mine:step"}), graph)
    half = replace(net(), precision=Precision(compute="bfloat16")).resolve(SPECS)
    with pytest.raises(ConfigurationError, match=r"NumPy has no bfloat16.* Set brain.precision to float32"):
        BACKEND.plan(Execution(), half)
