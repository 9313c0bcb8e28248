"""Compiled steps: those of the default path within rounding, on the same parameters, for full batches alone.

Two small programs are compiled (10 to 30 seconds; a few, once torch's cache on the disk has them).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Span
from akid_core.errors import ConfigurationError, SpecError
from akid_core.graph.brain import Brain
from akid_core.optimizers import AdamW, Regularizer
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import difference
from akid_torch.backend import TorchBackend
from akid_torch.compilable import _missing_compiler

pytestmark = pytest.mark.skipif(bool(_missing_compiler("cpu")), reason="needs torch's compiler")

BUNDLE = 2
STEPS = 50
RATES = 0.01 / (1 + np.arange(STEPS))
OPTIMIZER = AdamW(
    clip_value=0.2, clip_norm=0.5, average=0.9, regularizers=(Regularizer(l1=1e-3, l2=1e-3, max_norm=1.0),)
)
BRAIN = (
    # no bias before a norm: its gradient is zero but for rounding
    Brain.sequential(
        L.Conv2d(name="conv", channels=4, kernel=3, padding="same", bias=False),
        L.BatchNorm(name="norm"),
        L.ReLU(),
        L.MaxPool2d(kernel=2),
        L.Flatten(),
        L.Dropout(rate=0.25),
        L.Dense(name="logits", units=3),
        inputs="image",
        outputs="logits",
    )
    .with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")
    .with_loss(L.MeanSquaredError(name="size", weight=0.01), "logits", "logits")
    .with_metric(L.Accuracy(name="accuracy"), "logits", "label")
    .with_metric(L.ConfusionMatrix(name="confusion"), "logits", "label")
)


@dataclass
class Counted:
    """A compiled program that counts its calls."""

    program: Callable[..., Any]
    calls: int = 0

    def __call__(self, *inputs: Any) -> Any:
        self.calls += 1
        return self.program(*inputs)


def train(trainer: Any, make_span: Any, first: int = 0, stop: int = STEPS) -> list[Any]:
    """Bundles, but for one step by itself in the middle, some rows that count for nothing, and a short batch."""
    results = []
    while first < stop:
        count = 1 if first in (20, 21) else BUNDLE
        span = make_span(first, count, np.array([[1, 1, 0, 2, 1, 1]] * count, np.float32))
        if first == 21:
            fields = {name: field[:, :4] for name, field in span.fields.items()}
            short = (array[:, :4] for array in (span.weights, span.positions, span.rows))
            span = Span(0, first, fields, *short, full=False)
        results.append(trainer.run(span, RATES[first : first + count]))
        first += count
    return results


def test_fifty_steps_are_those_of_the_default_path(live: Any, make_span: Any) -> None:
    """One program takes all bundles, though learning rate, step number and masks change; another one a shorter span."""
    default = live(BRAIN, OPTIMIZER)
    network, trainer = live(BRAIN, OPTIMIZER, compile=True, bundle=BUNDLE)
    tensors = {path: network.native(path) for path in network.read()}
    expected = train(default.trainer, make_span)
    found = train(trainer, make_span, 0, 2)
    steps = trainer._compiled
    bundles = steps._programs[BUNDLE] = Counted(steps._programs[BUNDLE])
    found += train(trainer, make_span, 2, 20)
    assert list(steps._programs) == [BUNDLE], "the program of one step is compiled when it is needed"
    found += train(trainer, make_span, 20, 30)
    assert list(steps._programs) == [BUNDLE, 1]
    assert bundles.calls == (30 - 2 - 2) / BUNDLE

    # To the bit from what was read, by another program of the same steps.
    resumed = live(BRAIN, OPTIMIZER, compile=True, bundle=BUNDLE)
    resumed.network.fill(network.read())
    resumed.trainer.fill_slots(trainer.read_slots())
    found += train(trainer, make_span, 30)
    train(resumed.trainer, make_span, 30)
    for path, value in resumed.network.read().items():
        np.testing.assert_array_equal(network[path], value, err_msg=path)

    assert all(network.native(path) is tensor for path, tensor in tensors.items())
    pairs = {**default.network.read(), **default.trainer.read_slots()}
    mine = {**network.read(), **trainer.read_slots()}
    assert list(mine) == list(pairs)
    assert {name: difference(mine[name], value) for name, value in pairs.items() if np.any(value)} == {
        name: pytest.approx(0, abs=1e-5) for name, value in pairs.items() if np.any(value)
    }
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.objective, other.objective, rtol=1e-5)
        assert list(one.measures) == list(other.measures)
        for path, state in other.measures.items():
            for part, value in state.items():
                np.testing.assert_allclose(one.measures[path][part], value, rtol=1e-5, err_msg=path)


def test_a_span_that_is_no_bundle_is_compiled_too(live: Any, make_span: Any) -> None:
    """Step by step, with what the steps gave put together as if it were one call."""
    expected = live(BRAIN, OPTIMIZER)
    network, trainer = live(BRAIN, OPTIMIZER, compile=True, bundle=8)
    one, other = (each.run(make_span(0, 5), RATES[:5]) for each in (trainer, expected.trainer))
    assert list(trainer._compiled._programs) == [1]
    np.testing.assert_allclose(one.objective, other.objective, rtol=1e-5)
    for path, state in other.measures.items():
        for part, value in state.items():
            np.testing.assert_allclose(one.measures[path][part], value, rtol=1e-5, err_msg=path)
    for path, value in expected.network.read().items():
        assert not np.any(value) or difference(network[path], value) < 1e-5, path


def test_a_layer_that_looks_at_values_cannot_be_recorded(live: Any, make_span: Any) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Looking(Layer):
        def outputs(self, x: TensorSpec) -> TensorSpec:
            return x

        def forward(self, context: Any, x: Any) -> Any:
            return x if float(context.ops.sum(x)) > 0 else -x

    blocks = (L.Flatten(), Looking(name="looking"), L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    _, trainer = live(brain, compile=True, bundle=1)
    with pytest.raises(ConfigurationError, match="cannot be recorded.*leave execution.compile out") as caught:
        trainer.run(make_span(0, 1), np.ones(1))
    assert any("'looking'" in note for note in caught.value.__cause__.__notes__)


def test_a_layer_that_is_wrong_is_told_of_as_elsewhere(live: Any, make_span: Any) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Short(Layer):
        def outputs(self, x: TensorSpec) -> TensorSpec:
            return x

        def forward(self, context: Any, x: Any) -> Any:
            return x[:, 1:]

    blocks = (L.Flatten(), Short(name="short"), L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    _, trainer = live(brain, compile=True, bundle=1)
    with pytest.raises(SpecError, match=r"^Block 'short' \(Short\) promises"):
        trainer.run(make_span(0, 1), np.ones(1))


def test_fields_of_changing_size_are_not_compiled() -> None:
    fields = {"tokens": TensorSpec(("N", "T", 4), "float32", "NTC"), "goal": TensorSpec(("N", "T", 3))}
    graph = (
        Brain.sequential(L.Dense(name="out", units=3), inputs="tokens")
        .with_loss(L.MeanSquaredError(), "out", "goal")
        .resolve(fields)
    )
    plan = TorchBackend().plan(Execution(compile=True), graph)
    assert not plan.compile
    assert "'tokens' may change from batch to batch" in plan.notes[0]
