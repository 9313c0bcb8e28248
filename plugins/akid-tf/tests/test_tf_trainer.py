"""The train program: the core's formulas, spans of any division, nothing compiled twice, nothing changed by looking."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tensor
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError, DataError, UnknownNameError
from akid_core.graph.brain import Brain
from akid_core.initializers import Zeros
from akid_core.optimizers import SGD, Adam, AdamW, Optimizer
from akid_core.specs.parameter import ParamSpec
from akid_core.testing.layers import referee
from akid_core.testing.referee import difference
from akid_tf.module import GraphModule
from akid_tf.optimizer import LiveOptimizer
from akid_tf.parameter import Parameter
from akid_tf.runtime import tf

OPTIMIZERS = [
    SGD(),
    SGD(momentum=0.9, weight_decay=0.1),
    SGD(momentum=0.8, nesterov=True, clip_norm=1.5),
    Adam(),
    AdamW(weight_decay=0.05, decay=("*",), clip_norm=0.7),
]
Arrays = dict[str, np.ndarray]


def by_formula(optimizer: Optimizer, start: Arrays, recorded: list[Arrays], rates: np.ndarray) -> tuple[Arrays, Arrays]:
    """Parameters and slots after the recorded gradients: the norm and the decay by hand, then the core's formula."""
    values = {path: value.copy() for path, value in start.items()}
    slots = {path: tuple(np.zeros_like(value) for _ in optimizer.slots) for path, value in start.items()}
    for count, (gradients, rate) in enumerate(zip(recorded, rates.tolist(), strict=True), start=1):
        norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients.values()))
        limit = optimizer.clip_norm
        scale = limit / norm if limit is not None and norm > limit else 1.0
        for path, gradient in gradients.items():
            value = values[path] * (1 - rate * optimizer.weight_decay) if optimizer.decays(path) else values[path]
            old = (Tensor(value), Tensor(gradient * scale), tuple(map(Tensor, slots[path])))
            new, kept = optimizer.update(NumpyOps(), *old, optimizer.coefficients(rate, count))
            values[path], slots[path] = new.data, tuple(slot.data for slot in kept)
    named = {
        f"{name}:{path}": slot
        for path in values
        for name, slot in zip(optimizer.slots, slots[path], strict=True)
    }  # fmt: skip
    return values, named


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
def test_fifty_updates_with_recorded_gradients(optimizer: Optimizer, fused: bool) -> None:
    random = np.random.default_rng(0)
    specs = {
        "conv/weight": ParamSpec(name="weight", shape=(3, 2, 2, 1), axes="OIHW", init=Zeros(), dtype="float64"),
        "conv/bias": ParamSpec(name="bias", shape=(3,), init=Zeros(), dtype="float64"),
    }
    parameters = [Parameter.promised(path, spec, "HWIO" if spec.axes else "") for path, spec in specs.items()]
    start = {path: random.normal(size=spec.shape) for path, spec in specs.items()}
    recorded = [{path: random.normal(size=spec.shape) for path, spec in specs.items()} for _ in range(50)]
    rates = np.linspace(0.1, 0.001, 50)
    for parameter in parameters:
        parameter.place()
        parameter.assign(parameter.variable, start[parameter.path], parameter.path)

    live = LiveOptimizer(optimizer, parameters, fused=fused)
    apply = tf.function(lambda gradients, numbers: live.apply(gradients, live.typed(numbers)), autograph=False)
    for count, (gradients, rate) in enumerate(zip(recorded, rates.tolist(), strict=True), start=1):
        native = [gradients["conv/weight"].transpose(2, 3, 1, 0), gradients["conv/bias"]]
        apply([tf.constant(gradient) for gradient in native], tf.constant(live.numbers(rate, count), tf.float64))

    values, slots = by_formula(optimizer, start, recorded, rates)
    for parameter in parameters:
        assert difference(parameter.canonical(parameter.variable), values[parameter.path]) <= 1e-10
    found = {name: parameter.canonical(slot) for name, (parameter, slot) in live.named.items()}
    assert set(found) == set(slots)
    for name, slot in slots.items():
        assert difference(found[name], slot) <= 1e-10


def test_slots_in_and_out(brain: Brain, live: Any) -> None:
    trainer = live(brain, Adam()).trainer
    slots = trainer.read_slots()
    name = next(slot for slot in slots if slot.endswith(":conv1/weight"))
    assert slots[name].shape == (4, 2, 3, 3)
    value = np.random.default_rng(0).normal(size=(4, 2, 3, 3)).astype(np.float32)
    trainer.fill_slots({name: value})
    np.testing.assert_array_equal(trainer.read_slots()[name], value)
    trainer.fill_slots({})  # what is not named starts at zero
    assert not trainer.read_slots()[name].any()
    with pytest.raises(UnknownNameError, match="adam keeps nothing called 'speed:conv1/weight'"):
        trainer.fill_slots({"speed:conv1/weight": value})
    with pytest.raises(DataError, match="has shape"):
        trainer.fill_slots({name: np.zeros(3)})


def everything(made: Any) -> Arrays:
    return {**made.network.read(), **made.trainer.read_slots()}


def test_spans_of_any_division_give_the_same_bits(brain: Brain, live: Any, make_span: Any) -> None:
    optimizer, outcomes, objectives = Adam(weight_decay=0.01, clip_norm=1.0), [], []
    for division in ((12,), (1,) * 12, (5, 7), (4, 4, 4)):
        made, first, found = live(brain, optimizer), 0, []
        for count in division:
            rates = 0.01 / np.arange(first + 1, first + count + 1)
            found.append(made.trainer.run(make_span(first, count), rates).objective)
            first += count
        outcomes.append(everything(made))
        objectives.append(np.concatenate(found))
    for outcome, objective in zip(outcomes[1:], objectives[1:], strict=True):
        np.testing.assert_array_equal(objective, objectives[0])
        for path, value in outcome.items():
            np.testing.assert_array_equal(value, outcomes[0][path], err_msg=path)


@pytest.mark.parametrize(
    "loss",
    [
        L.SoftmaxCrossEntropy(name="loss"),
        L.SoftmaxCrossEntropy(name="loss", class_weights=(1.0, 2.0, 3.0)),
    ],
    ids=["kernel", "portable"],
)
def test_masked_rows_are_as_if_they_were_not_there(live: Any, make_span: Any, loss: L.Loss) -> None:
    line = Brain.sequential(L.Flatten(), L.Dense(name="logits", units=3), inputs="image", outputs="logits")
    line = line.with_loss(loss, "logits", "label").with_metric(L.Accuracy(name="accuracy"), "logits", "label")
    masked, kept = make_span(0, 2), [0, 1, 3]
    arrays = (masked.weights, masked.positions, masked.rows)
    fields = {name: field[:, kept] for name, field in masked.fields.items()}
    short = Span(0, 0, fields, *(array[:, kept] for array in arrays))
    for row, label in ((2, -1), (4, 3), (5, 0)):
        masked.weights[:, row], masked.fields["label"][:, row] = 0, label
    one, other = (live(line, precision="float64") for _ in range(2))
    gradients, wanted = one.trainer.gradients(masked.batch(0), 0), other.trainer.gradients(short.batch(0), 0)
    seen, right = one.network.measure(masked.batch(0)), other.network.measure(short.batch(0))
    found, expected = one.trainer.run(masked, np.full(2, 0.1)), other.trainer.run(short, np.full(2, 0.1))
    np.testing.assert_allclose(found.objective, expected.objective, rtol=1e-12)
    for path, value in everything(other).items():
        assert difference(everything(one)[path], value) <= 1e-12
    for path, gradient in wanted.items():
        assert difference(gradients[path], gradient) <= 1e-12
    for path in ("loss", "accuracy"):
        for part in ("sum", "count"):
            assert float(seen[path][part]) == pytest.approx(float(right[path][part]), rel=1e-12)
            assert float(found.measures[path][part]) == pytest.approx(float(expected.measures[path][part]), rel=1e-12)


def test_as_the_referee_with_dropout_and_short_batches(brain: Brain, live: Any, make_span: Any) -> None:
    made = [
        live(brain, SGD(learning_rate=0.1, momentum=0.9), precision="float64", **on) for on in ({}, {"on": referee()})
    ]
    for span in (make_span(0, 4), make_span(4, 1, rows=2), make_span(5, 3, first_row=6)):
        found, wanted = (one.trainer.run(span, np.full(span.steps, 0.1)) for one in made)
        np.testing.assert_allclose(found.objective, wanted.objective, rtol=1e-10)
        assert set(found.measures) == set(wanted.measures) == {"loss", "accuracy"}
        for path, parts in wanted.measures.items():
            for name, part in parts.items():
                assert float(found.measures[path][name]) == pytest.approx(float(part), rel=1e-6)
    native, reference = map(everything, made)
    # The gradient of a bias before batch-norm is nothing but rounding: it is compared by its size.
    for path, value in reference.items():
        if path.endswith("conv1/bias"):
            assert np.abs(native[path] - value).max() <= 1e-12
        else:
            assert difference(native[path], value) <= 1e-10, path


def test_nothing_is_compiled_twice(brain: Brain, live: Any, make_span: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    walk = GraphModule.walk
    monkeypatch.setattr(GraphModule, "walk", lambda *args, **kwargs: walks.append(1) or walk(*args, **kwargs))
    made = live(brain)
    made.trainer.run(make_span(0, 3), np.full(3, 0.1))
    assert len(walks) == 1
    for span in (make_span(3, 1), make_span(4, 5), make_span(9, 2, rows=1), make_span(11, 1, rows=17)):
        made.trainer.run(span, np.full(span.steps, 0.05))
    assert len(walks) == 1
    for rows in (3, 4):
        made.network.measure(make_span(0, 1, rows=rows).batch(0))
    assert len(walks) == 2


def test_only_training_changes_anything(brain: Brain, live: Any, make_span: Any) -> None:
    made, span = live(brain), make_span(0, 2)
    before = everything(made)
    batch = span.batch(0)
    made.trainer.gradients(batch, 0)
    made.network.measure(batch)
    fields = {**batch.fields, Batch.WEIGHTS: batch.weights}
    made.network.values(fields, list(made.network.graph.outputs.values()), training=True)
    for path, value in everything(made).items():
        np.testing.assert_array_equal(value, before[path])
    made.trainer.run(span, np.full(2, 0.1))
    changed = {path for path, value in everything(made).items() if not np.array_equal(value, before[path])}
    assert changed == set(before)


def test_gradients_are_before_clipping(brain: Brain, live: Any, make_span: Any) -> None:
    clipped = live(brain, SGD(clip_norm=1e-3)).trainer.gradients(make_span(0, 1).batch(0), 0)
    free = live(brain, SGD()).trainer.gradients(make_span(0, 1).batch(0), 0)
    assert list(clipped) == list(free)
    for path, gradient in free.items():
        np.testing.assert_array_equal(clipped[path], gradient)


def test_a_batch_that_counts_for_nothing(live: Any, make_span: Any, brain: Brain) -> None:
    """Rows of weight 0 move nothing, and the objective is 0."""
    made, span = live(brain, SGD()), make_span(0, 1)
    empty = Span(0, 0, span.fields, np.zeros_like(span.weights), span.positions, span.rows)
    before = made.network.read()
    result = made.trainer.run(empty, np.full(1, 0.1))
    assert result.objective[0] == 0
    for path in made.network.graph.trained:
        np.testing.assert_array_equal(made.network[path], before[path])


def test_state_that_is_shared_is_updated_in_turn(live: Any, make_span: Any) -> None:
    twice = Brain.graph(
        L.BatchNorm(name="first", decay=0.5).on("image"),
        L.Tanh(name="tanh").on("first"),
        L.BatchNorm(name="second", decay=0.5).on("tanh", share="first"),
        L.GlobalAvgPool2d(name="pooled").on("second"),
        L.Dense(name="logits", units=3).on("pooled"),
        inputs="image",
        outputs="logits",
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    made = [live(twice, SGD(), **on) for on in ({}, {"on": referee()})]
    for one in made:
        one.trainer.run(make_span(0, 2), np.full(2, 0.1))
    for path, value in made[1].network.read().items():
        assert difference(made[0].network[path], value) <= 1e-5, path


def test_a_brain_without_parameters_only_measures(live: Any, make_span: Any) -> None:
    brain = Brain.sequential(L.Flatten(name="pixels"), inputs="image").with_loss(
        L.SoftmaxCrossEntropy(name="loss"), "pixels", "label"
    )
    for optimizer in (SGD(momentum=0.9), Adam(clip_norm=1.0)):
        trainer = live(brain, optimizer).trainer
        assert np.isfinite(trainer.run(make_span(0, 2), np.ones(2)).objective).all()
        assert trainer.read_slots() == {}


def test_a_brain_without_a_loss(live: Any) -> None:
    with pytest.raises(ConfigurationError, match="nothing to learn from"):
        live(Brain.sequential(L.Flatten(), L.Dense(units=2, name="out"), inputs="image", outputs="out"))
