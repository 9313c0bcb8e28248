"""What layers of a user's own give is held to what they promise when a program is traced."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.errors import SpecError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer, Loss, Metric
from akid_core.specs.tensor import TensorSpec

IMAGES = np.ones((6, 2, 8, 8), np.float32)
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
        (lambda ops, x: ops.sum(x, axis=1), f"float32[?]{AGREE}"),
        (lambda ops, x: ops.reshape(x, (-1, 9)), f"float32[?, 9]{AGREE}"),
        (lambda ops, x: ops.sum(x, axis=0, keepdims=True), f"float32[1, 3] where N is ?{AGREE}"),
        (lambda ops, x: (x, x), f"float32[?, 3], float32[?, 3]{AGREE}"),
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
        (lambda value, logits: (value, logits[:, :1]), "float32[?], float32[?, 1]"),
        (lambda value, logits: value, "float32[?]"),
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
