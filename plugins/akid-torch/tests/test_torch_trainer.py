"""The train program: equal to the referee's, equal to the bit however steps fall into spans, nothing else changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.contract import Arrays
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError, DataError, UnknownNameError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.optimizers import SGD, Adam, AdamW
from akid_core.plugins import default_manager
from akid_core.specs.precision import Precision
from akid_core.testing.referee import difference
from akid_torch.backend import TorchBackend

STEPS = 12
RATES = 0.05 / (1 + np.arange(STEPS))


def train(live: Any, make_span: Any, brain: Brain, *spans: int, **settings: Any) -> tuple[Any, Arrays, Arrays]:
    network, trainer = live(brain, **settings)
    objectives, first = [], 0
    for steps in spans:
        result = trainer.run(make_span(first, steps), RATES[first : first + steps])
        objectives.append(result.objective)
        first += steps
    return np.concatenate(objectives), network.read(), trainer.read_slots()


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), Adam(clip_norm=0.5), AdamW()], ids=repr)
def test_steps_are_those_of_the_referee(brain: Brain, live: Any, make_span: Any, optimizer: Any) -> None:
    referee = default_manager().registry.get("backend", "numpy")()
    settings: dict[str, Any] = {"optimizer": optimizer, "precision": "float64"}
    expected = train(live, make_span, brain, STEPS, backend=referee, **settings)
    for layout in ("channels_first", "channels_last"):
        found = train(live, make_span, brain, STEPS, layout=layout, **settings)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-9)
        for mine, theirs in zip(found[1:], expected[1:], strict=True):
            assert list(mine) == list(theirs)
            assert max(difference(mine[path], theirs[path]) for path in mine) < 1e-8


@pytest.mark.parametrize("fused", [True, False])
def test_spans_are_equal_to_the_bit(brain: Brain, live: Any, make_span: Any, fused: bool) -> None:
    settings: dict[str, Any] = {"optimizer": Adam(clip_norm=1.0, weight_decay=0.1), "fused": fused}
    whole = train(live, make_span, brain, STEPS, **settings)
    for spans in ((1,) * STEPS, (5, 4, 3)):
        parts = train(live, make_span, brain, *spans, **settings)
        np.testing.assert_array_equal(parts[0], whole[0])
        for found, expected in zip(parts[1:], whole[1:], strict=True):
            for path, value in expected.items():
                np.testing.assert_array_equal(found[path], value)


@pytest.mark.parametrize(
    "loss",
    [
        L.SoftmaxCrossEntropy(name="loss"),
        L.SoftmaxCrossEntropy(name="loss", smoothing=0.1),
        L.SoftmaxCrossEntropy(name="loss", class_weights=(1.0, 2.0, 3.0)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("label", [-100, -1, 1, 3])
def test_masked_rows_are_as_if_they_were_not_there(live: Any, make_span: Any, loss: L.Loss, label: int) -> None:
    """The label 1 goes the short way."""
    line = Brain.sequential(L.Flatten(), L.Dense(name="logits", units=3), inputs="image", outputs="logits")
    line = line.with_loss(loss, "logits", "label").with_metric(L.Accuracy(name="accuracy"), "logits", "label")
    whole, kept = make_span(0, 2), [0, 1, 3, 5]
    weights = np.zeros_like(whole.weights)
    weights[:, kept] = 1.0
    labels = np.full_like(whole.fields["label"], label)
    labels[:, kept] = whole.fields["label"][:, kept]
    masked = replace(whole, fields={**whole.fields, "label": labels}, weights=weights)
    fields = {name: field[:, kept] for name, field in whole.fields.items()}
    short = Span(0, 0, fields, *(array[:, kept] for array in (whole.weights, whole.positions, whole.rows)))
    (one, trainer), (other, reference) = (live(line, precision="float64") for _ in range(2))
    gradients, wanted = trainer.gradients(masked.batch(0), 0), reference.gradients(short.batch(0), 0)
    found, expected = trainer.run(masked, RATES[:2]), reference.run(short, RATES[:2])
    np.testing.assert_allclose(found.objective, expected.objective, rtol=1e-12)
    for path, value in other.read().items():
        assert difference(gradients[path], wanted[path]) < 1e-12
        assert difference(one[path], value) < 1e-12
    for states in ((found.measures, expected.measures), (one.measure(masked.batch(0)), other.measure(short.batch(0)))):
        for path in ("loss", "accuracy"):
            for part in ("sum", "count"):
                assert float(states[0][path][part]) == pytest.approx(float(states[1][path][part]), rel=1e-12)


def test_an_infinite_value_of_a_masked_row_does_not_count(live: Any, make_span: Any) -> None:
    """The square of the first row overflows, on the short way of the loss."""
    line = Brain.sequential(L.Flatten(), L.Dense(name="out", units=64), inputs="image", outputs="out")
    line = line.with_loss(L.MeanSquaredError(name="loss"), "out", "flatten")
    span = make_span(0, 1, weights=np.array([[0, 1, 1, 1, 1, 1]], np.float32))
    span.fields["image"][0, 0] = 1e30
    network, trainer = live(line)
    assert all(np.isfinite(value).all() for value in trainer.gradients(span.batch(0), 0).values())
    assert np.isfinite(trainer.run(span, RATES[:1]).objective).all()
    assert np.isfinite(network.measure(span.batch(0))["loss"]["sum"])


def test_a_run_continues_from_what_was_read(brain: Brain, live: Any, make_span: Any) -> None:
    optimizer = Adam()
    whole = train(live, make_span, brain, 8, optimizer=optimizer)
    _, params, slots = train(live, make_span, brain, 5, optimizer=optimizer)
    network, trainer = live(brain, optimizer)
    network.fill(params)
    trainer.fill_slots(slots)
    trainer.run(make_span(5, 3), RATES[5:8])
    for path, value in whole[1].items():
        np.testing.assert_array_equal(network[path], value)


def test_parameters_and_slots_are_changed_in_place(brain: Brain, live: Any, make_span: Any) -> None:
    network, trainer = live(brain)
    before = {path: (network.native(path), network.native(path).data_ptr()) for path in network.read()}
    values = network.read()
    trainer.run(make_span(0, 2), RATES[:2])
    for path, (tensor, storage) in before.items():
        assert network.native(path) is tensor
        assert tensor.data_ptr() == storage
        assert not np.array_equal(network[path], values[path])
    assert all(parameter.grad is None for parameter in network.module.parameters())


def test_slots_that_are_not_named_start_at_zero(brain: Brain, live: Any, make_span: Any) -> None:
    _, trainer = live(brain)
    trainer.run(make_span(0, 2), RATES[:2])
    slots = trainer.read_slots()
    assert slots["velocity:logits/weight"].shape == (16, 3)
    trainer.fill_slots({"velocity:logits/weight": slots["velocity:logits/weight"]})
    after = trainer.read_slots()
    np.testing.assert_array_equal(after.pop("velocity:logits/weight"), slots["velocity:logits/weight"])
    assert not any(map(np.any, after.values()))
    with pytest.raises(UnknownNameError, match="sgd keeps nothing called 'mean:logits/weight'"):
        trainer.fill_slots({"mean:logits/weight": slots["velocity:logits/weight"]})


def test_gradients_change_nothing(brain: Brain, live: Any, make_span: Any) -> None:
    network, trainer = live(brain)
    trainer.run(make_span(0, 2), RATES[:2])
    before, slots = network.read(), trainer.read_slots()
    batch = make_span(2, 1).batch(0)
    first, again, other = (trainer.gradients(batch, step) for step in (2, 2, 3))
    assert list(first) == ["conv1/weight", "conv1/bias", "norm/scale", "norm/shift", "logits/weight", "logits/bias"]
    assert first["logits/weight"].shape == (16, 3)
    for path in first:
        np.testing.assert_array_equal(first[path], again[path])
    assert not np.array_equal(first["logits/weight"], other["logits/weight"])  # another step, another mask
    for path, value in network.read().items():
        np.testing.assert_array_equal(value, before[path])
    for name, value in trainer.read_slots().items():
        np.testing.assert_array_equal(value, slots[name])


WEIGHTS = {
    "equal": np.ones((2, 6), np.float32),
    "different": np.arange(12, dtype=np.float32).reshape(2, 6),
    "one step different": np.repeat([[1.0], [0.5]], 6, axis=1).astype(np.float32),
    "nothing counts": np.zeros((2, 6), np.float32),
}
LOSSES = (
    L.SoftmaxCrossEntropy(name="loss"),
    L.SoftmaxCrossEntropy(name="loss", smoothing=0.1, weight=0.3),
    L.SoftmaxCrossEntropy(name="loss", class_weights=(1.0, 0.0, 2.5)),
)


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=list(WEIGHTS))
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_rows_count_by_their_weights(
    live: Any, make_span: Any, weights: np.ndarray, loss: L.SoftmaxCrossEntropy
) -> None:
    brain = (
        Brain.sequential(L.Flatten(), L.Dense(name="logits", units=3), inputs="image", outputs="logits")
        .with_loss(loss, "logits", "label")
        .with_loss(L.MeanSquaredError(name="size", weight=0.1), "logits", "logits")
        .with_metric(L.Accuracy(name="accuracy"), "logits", "label")
    )
    referee = default_manager().registry.get("backend", "numpy")()
    found, expected = [
        live(brain, precision="float64", **settings).trainer.run(make_span(0, 2, weights), RATES[:2])
        for settings in ({}, {"backend": referee})
    ]
    np.testing.assert_allclose(found.objective, expected.objective, rtol=1e-12)
    assert found.objective.dtype == np.float64
    for path, state in expected.measures.items():
        assert set(found.measures[path]) == {"sum", "count"}
        for part, value in state.items():
            np.testing.assert_allclose(found.measures[path][part], value, rtol=1e-12)


@pytest.mark.parametrize("label", [-100, -1, 3])
def test_a_label_that_names_no_class_spoils_its_step_alone(brain: Brain, live: Any, make_span: Any, label: int) -> None:
    span = make_span(0, 3)
    span.fields["label"][1, 2] = label
    objective = live(brain).trainer.run(span, np.zeros(3)).objective
    assert np.isnan(objective).tolist() == [False, True, False]


def test_evaluation_counts_like_training(brain: Brain, live: Any, make_span: Any) -> None:
    network, _ = live(brain)
    batch = make_span(0, 1, np.array([[1, 1, 0, 2, 1, 1]], np.float32)).batch(0)
    states = network.measure(batch)
    assert states["loss"]["count"] == 6
    assert states["accuracy"]["count"] == 6
    assert set(states) == {"loss", "accuracy"}


def test_what_the_objective_does_not_reach_has_no_gradient(live: Any, make_span: Any) -> None:
    brain = Brain.graph(
        L.Flatten(name="flat").on("image"),
        L.Dense(name="logits", units=3).on("flat"),
        L.Dense(name="aside", units=3).on("flat"),
        inputs="image",
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    network, trainer = live(brain, SGD(momentum=0.9, weight_decay=0.5))
    assert not np.any(trainer.gradients(make_span(0, 1).batch(0), 0)["aside/weight"])
    before = network["aside/weight"]
    trainer.run(make_span(0, 1), np.array([0.1]))
    np.testing.assert_allclose(network["aside/weight"], before * 0.95, rtol=1e-6)


def test_a_brain_without_parameters_only_measures(live: Any, make_span: Any) -> None:
    brain = Brain.sequential(L.Flatten(name="pixels"), inputs="image").with_loss(
        L.SoftmaxCrossEntropy(name="loss"), "pixels", "label"
    )
    for optimizer in (SGD(momentum=0.9), Adam(clip_norm=1.0)):
        trainer = live(brain, optimizer).trainer
        assert np.isfinite(trainer.run(make_span(0, 2), np.ones(2)).objective).all()
        assert trainer.read_slots() == {}


def test_what_cannot_be_trained(brain: Brain, live: Any, make_span: Any) -> None:
    with pytest.raises(ConfigurationError, match="without a loss"):
        live(Brain.sequential(L.Flatten(), inputs="image"))
    with pytest.raises(DataError, match="'loss' needs the field 'label'.*it has: image, sample_weight"):
        live(brain).trainer.gradients(
            Batch({"image": make_span(0, 1).fields["image"][0]}, np.ones(6, np.float32), np.arange(6), np.arange(6)), 0
        )


WIDE = Precision("float32", "float32", "float64")


def test_a_wider_reduction_is_honoured(brain: Brain, live: Any, make_span: Any) -> None:
    """Kernels reduce in the type that they compute in, so wider reductions run by the portable definitions."""
    settled = live(brain).network.graph
    graph = replace(brain, precision=WIDE).resolve({**settled.inputs, **settled.fields})
    backend = TorchBackend()
    network = backend.network(graph, backend.plan(Execution(), graph), 0)
    network.place("cpu")
    batch = make_span(0, 1).batch(0)
    (value,) = network.values({**batch.fields, Batch.WEIGHTS: batch.weights}, [Value("loss")])
    assert value.dtype == np.float64
