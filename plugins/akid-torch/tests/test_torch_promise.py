"""What layers of a user's own give is held to what they promise, in evaluation and in training, once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.errors import DataError, SpecError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer, Loss, Metric
from akid_core.specs.tensor import TensorSpec

IMAGES = np.ones((6, 1, 8, 8), np.float32)
AGREE = ": make `outputs` and `forward` agree."


@dataclass(frozen=True, kw_only=True)
class Careless(Layer):
    """Promises what it takes, and gives what `given` makes of it."""

    given: Callable[..., Any]

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def forward(self, context: Context, x: Array) -> Any:
        return self.given(context.ops, x)


@dataclass(frozen=True, kw_only=True)
class CarelessLoss(Loss):
    given: Callable[..., Any]

    def forward(self, context: Context, logits: Array, labels: Array) -> Any:
        return self.given(context.ops.sum(logits, axis=1), logits)


@dataclass(frozen=True, kw_only=True)
class CarelessMetric(Metric):
    def forward(self, context: Context, logits: Array, weights: Array) -> Any:
        return context.ops.sum(logits)


def brain(given: Callable[..., Any]) -> Brain:
    blocks = (L.Flatten(), L.Dense(units=3), Careless(name="out", given=given))
    return Brain.sequential(*blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(name="loss"), "out", "label")


@pytest.mark.parametrize(
    ("given", "gave"),
    [
        (lambda ops, x: ops.sum(x, axis=1), f"float32[6]{AGREE}"),
        (lambda ops, x: ops.reshape(x, (-1, 9)), f"float32[2, 9]{AGREE}"),
        (lambda ops, x: ops.sum(x, axis=0, keepdims=True), f"float32[1, 3] where N is 6{AGREE}"),
        (lambda ops, x: (x, x), f"float32[6, 3], float32[6, 3]{AGREE}"),
        (lambda ops, x: None, "None: make it of the inputs, with `context.ops`."),
        (lambda ops, x: np.ones((6, 3)), "a numpy.ndarray: make it of the inputs, with `context.ops`."),
    ],
)
def test_a_layer_gives_what_it_promises(live: Any, make_span: Any, given: Callable[..., Any], gave: str) -> None:
    network, trainer = live(brain(given))
    message = re.escape(f"Block 'out' (Careless) promises float32[N, 3], and gave {gave}")
    for _ in range(2):  # a pass that failed has proved nothing
        with pytest.raises(SpecError, match=message):
            network.values({"image": IMAGES}, [Value("out")])
        with pytest.raises(SpecError, match=message):
            trainer.run(make_span(0, 2), np.array([0.1, 0.1]))


@pytest.mark.parametrize(
    ("given", "gave"),
    [
        (lambda value, logits: (value, logits[:, :1]), "float32[6], float32[6, 1]"),
        (lambda value, logits: value, "float32[6]"),
    ],
)
def test_a_loss_gives_a_value_and_a_weight_for_each_row(
    live: Any, make_span: Any, given: Callable[..., Any], gave: str
) -> None:
    line = Brain.sequential(L.Flatten(), L.Dense(name="line", units=3), inputs="image")
    network, trainer = live(line.with_loss(CarelessLoss(name="loss", given=given), "line", "label"))
    message = f"Block 'loss' (CarelessLoss) promises float32[N], float32[N], and gave {gave}: a loss gives a value and"
    for _ in range(2):
        with pytest.raises(SpecError, match=re.escape(message)):
            trainer.run(make_span(0, 2), np.array([0.1, 0.1]))
        with pytest.raises(SpecError, match=re.escape(message)):
            network.measure(make_span(0, 1).batch(0))


def test_a_metric_gives_its_parts(live: Any, make_span: Any) -> None:
    network, trainer = live(brain(lambda ops, x: x).with_metric(CarelessMetric(name="sum"), "out"))
    message = r"'sum' \(CarelessMetric\) promises .*, and gave float32\[\]: a metric gives its `parts`"
    with pytest.raises(SpecError, match=message):
        trainer.run(make_span(0, 2), np.array([0.1, 0.1]))
    with pytest.raises(SpecError, match=message):
        network.measure(make_span(0, 1).batch(0))


def test_a_field_that_is_not_as_its_spec_is_not_the_fault_of_a_layer(live: Any) -> None:
    network, _ = live(brain(lambda ops, x: x))
    message = r"'flatten' \(Flatten\) takes float32\[N, 1, 8, 8\], and was given float32\[6, 1, 4, 8\]"
    with pytest.raises(DataError, match=message):
        network.values({"image": IMAGES[:, :, :4]}, [Value("out")])


def test_one_pass_is_proof(live: Any) -> None:
    seen = []

    def given(ops: Any, x: Any) -> Any:
        seen.append(x.shape)
        return x if len(seen) == 1 else x.sum(1)

    network, _ = live(brain(given))
    (first,) = network.values({"image": IMAGES}, [Value("out")])
    (second,) = network.values({"image": IMAGES}, [Value("out")])
    assert (first.shape, second.shape) == ((6, 3), (6,))
