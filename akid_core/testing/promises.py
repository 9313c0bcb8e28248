"""A test suite for a backend: what layers of a user's own give is held to what they promise.

::

    class TestPromises(PromiseSuite):
        @pytest.fixture
        def backend(self):
            return MyBackend()
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from akid_core.backends.contract import Backend, Network, Trainer
from akid_core.backends.plan import Execution
from akid_core.data.batch import Span
from akid_core.errors import SpecError, UnknownNameError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.initializers import Ones, Zeros
from akid_core.initializers.fill import initial_values
from akid_core.layers import Dense, Flatten, SoftmaxCrossEntropy
from akid_core.optimizers import SGD
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer, Loss, Metric
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec

ROWS = 6
FIELDS = {"image": TensorSpec(("N", 1, 8, 8)), "label": TensorSpec(("N",), "int64")}
RATES = np.array([0.1, 0.1])
AGREE = ": make `outputs` and `forward` agree."
CAST = ": give what is promised, with `context.ops.astype`, or promise what is given."
MAKE = ": make it of the inputs, with `context.ops`."


@dataclass(frozen=True, kw_only=True)
class Careless(Layer):
    """Promises what it takes, and gives what `given` makes of it."""

    given: Callable[..., Any]

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def forward(self, context: Context, x: Array) -> Any:
        return self.given(context.ops, x)


@dataclass(frozen=True, kw_only=True)
class Asking(Layer):
    """Has the weight `scale` and the state `mean`, and gives what `asked` makes of (context, x)."""

    asked: Callable[..., Any]

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        shape = x.row
        return (
            ParamSpec(name="scale", shape=shape, init=Ones()),
            ParamSpec(name="mean", shape=shape, init=Zeros(), role="state"),
        )

    def forward(self, context: Context, x: Array) -> Any:
        return self.asked(context, x)


@dataclass(frozen=True, kw_only=True)
class CarelessLoss(Loss):
    """Gives what `given` makes of a value for each row, and of the logits."""

    given: Callable[..., Any]

    def forward(self, context: Context, logits: Array, labels: Array) -> Any:
        return self.given(context.ops.sum(logits, axis=1), logits)


@dataclass(frozen=True, kw_only=True)
class CarelessMetric(Metric):
    """Gives one part instead of two."""

    def forward(self, context: Context, logits: Array, weights: Array) -> Any:
        return context.ops.sum(logits)


def brain(given: Callable[..., Any]) -> Brain:
    blocks = (Flatten(), Dense(units=3), Careless(name="out", given=given))
    return Brain.sequential(*blocks, inputs="image").with_loss(SoftmaxCrossEntropy(name="loss"), "out", "label")


def span(steps: int) -> Span:
    """Images of ones, all of class 0."""
    images, labels = np.ones((steps, ROWS, 1, 8, 8), np.float32), np.zeros((steps, ROWS), np.int64)
    numbers = np.tile(np.arange(ROWS), (steps, 1))
    weights = np.ones((steps, ROWS), np.float32)
    return Span(0, 0, {"image": images, "label": labels}, weights, numbers, numbers)


class PromiseSuite:
    """Fill the fixture `backend`.

    `unknown`: how the size of a batch appears in messages, where shapes are compared before there are values ("?").
    """

    unknown: ClassVar[str] = str(ROWS)

    @pytest.fixture
    def backend(self) -> Backend:
        raise NotImplementedError("a PromiseSuite is about one backend: give the fixture `backend`")

    @pytest.fixture
    def live(self, backend: Backend) -> Callable[[Brain], tuple[Network, Trainer]]:
        def make(brain: Brain) -> tuple[Network, Trainer]:
            graph = brain.resolve(FIELDS)
            plan = backend.plan(Execution(), graph)
            network = backend.network(graph, plan, 0)
            network.place("cpu")
            network.fill(initial_values(graph, 0))
            return network, backend.trainer(network, SGD(), plan)

        return make

    @pytest.mark.parametrize(
        ("given", "gave"),
        [
            (lambda ops, x: ops.sum(x, axis=1), f"float32[{{N}}]{AGREE}"),
            (lambda ops, x: ops.sum(x, axis=0, keepdims=True), f"float32[1, 3] where N is {{N}}{AGREE}"),
            (lambda ops, x: (x, x), f"float32[{{N}}, 3], float32[{{N}}, 3]{AGREE}"),
            (lambda ops, x: ops.astype(x, "float64"), f"float64[{{N}}, 3]{CAST}"),
            (lambda ops, x: None, f"None{MAKE}"),
            (lambda ops, x: np.ones((ROWS, 3)), f"a numpy.ndarray{MAKE}"),
        ],
    )
    def test_a_layer_gives_what_it_promises(self, live: Any, given: Callable[..., Any], gave: str) -> None:
        network, trainer = live(brain(given))
        gave = gave.replace("{N}", self.unknown)
        message = re.escape(f"Block 'out' (Careless) promises float32[N, 3], and gave {gave}")
        for _ in range(2):  # a pass that failed has proved nothing
            with pytest.raises(SpecError, match=message):
                network.values({"image": span(1).batch(0).fields["image"]}, [Value("out")])
            with pytest.raises(SpecError, match=message):
                trainer.run(span(2), RATES)

    @pytest.mark.parametrize(
        ("given", "gave"),
        [
            (lambda value, logits: (value, logits[:, :1]), "float32[{N}], float32[{N}, 1]"),
            (lambda value, logits: value, "float32[{N}]"),
        ],
    )
    def test_a_loss_gives_a_value_and_a_weight_for_each_row(
        self, live: Any, given: Callable[..., Any], gave: str
    ) -> None:
        line = Brain.sequential(Flatten(), Dense(name="line", units=3), inputs="image")
        network, trainer = live(line.with_loss(CarelessLoss(name="loss", given=given), "line", "label"))
        promised = "Block 'loss' (CarelessLoss) promises float32[N], float32[N], and gave"
        message = re.escape(f"{promised} {gave.replace('{N}', self.unknown)}: a loss gives a value and")
        for _ in range(2):
            with pytest.raises(SpecError, match=message):
                trainer.run(span(2), RATES)
            with pytest.raises(SpecError, match=message):
                network.measure(span(1).batch(0))

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            (lambda context, x: context.ops.tahn(x), "There is no portable operation 'tahn'. Did you mean 'tanh'?"),
            (
                lambda context, x: x * context.params["sacle"],
                "has none so named. Did you mean 'scale'? It has: scale, m",
            ),
            (
                lambda context, x: context.update("maen", x),
                "updates 'maen', which is no state of its own. Did you mean",
            ),
            (
                lambda context, x: context.update("scale", x),
                "updates 'scale', which is no state of its own. Its state: ",
            ),
        ],
    )
    def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(
        self, live: Any, asked: Callable[..., Any], told: str
    ) -> None:
        blocks = (Flatten(), Dense(units=3), Asking(name="out", asked=asked))
        one = Brain.sequential(*blocks, inputs="image").with_loss(SoftmaxCrossEntropy(name="loss"), "out", "label")
        network, trainer = live(one)
        with pytest.raises(UnknownNameError, match=re.escape(told)):
            network.values({"image": span(1).batch(0).fields["image"]}, [Value("out")])
        with pytest.raises(UnknownNameError, match=re.escape(told)):
            trainer.run(span(2), RATES)

    def test_a_metric_gives_its_parts(self, live: Any) -> None:
        network, trainer = live(brain(lambda ops, x: x).with_metric(CarelessMetric(name="sum"), "out"))
        message = r"'sum' \(CarelessMetric\) promises .*, and gave float32\[\]: a metric gives its `parts`"
        with pytest.raises(SpecError, match=message):
            trainer.run(span(2), RATES)
        with pytest.raises(SpecError, match=message):
            network.measure(span(1).batch(0))
