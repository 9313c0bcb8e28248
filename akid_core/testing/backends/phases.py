"""Regimes: phases that take turns, and weights of losses over time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.contract import Backend
from akid_core.backends.plan import Execution
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Graph
from akid_core.initializers import Zeros
from akid_core.optimizers import SGD, Adam
from akid_core.optimizers.phase import Phase
from akid_core.optimizers.regime import Regime
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.backends.brains import VECTORS, live, same, span
from akid_core.testing.backends.training import TrainingTests
from akid_core.testing.group import errors

STEPS = 5
RATES = np.array([[0.05, 0.02], [0.04, 0.03], [0.03, 0.01], [0.02, 0.05], [0.01, 0.04]])

SORT = Phase(optimizer=SGD(momentum=0.9), params=("hidden/*", "logits/*"), losses=("sorting",))
COPY = Phase(optimizer=Adam(weight_decay=0.1), params=("norm/*", "copy/*"), losses=("copying",))

PHASES: dict[str, tuple[Phase, Phase]] = {
    "one after the other": (SORT, COPY),
    "of one pass": (SORT, replace(COPY, fresh=False)),
    "of one pass and all losses": (replace(SORT, losses=()), replace(COPY, losses=(), fresh=False)),
    "all losses anew": (replace(SORT, losses=()), replace(COPY, losses=())),
    "alternating": (replace(SORT, every=2), replace(COPY, every=2, offset=1)),
    "now and then": (replace(SORT, every=2, offset=1), replace(COPY, every=3, offset=1, fresh=False)),
    "some are nobody's": (replace(SORT, params=("logits/*",)), replace(COPY, params=("copy/weight",))),
    "a mean is kept": (replace(SORT, losses=("sorting", "copying")), replace(COPY, optimizer=Adam(average=0.9))),
}
"""Phases of all kinds; in the last but two there are steps in which none acts, such as the first."""


@dataclass(frozen=True, kw_only=True)
class Drifts(Layer):
    """Adds a tenth of the number of updates that its state has taken."""

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        return (ParamSpec(name="steps", shape=(1,), init=Zeros(), role="state"),)

    def forward(self, context: Context, x: Array) -> Array:
        steps = context.params["steps"]
        if context.training:
            context.update("steps", steps + 1.0)
        return x + steps * x * 0.1


def rivals(precision: Precision) -> Graph:
    """Two losses over one body, with statistics, dropout, and state that training itself depends on."""
    brain = Brain.graph(
        L.Dense(units=4, name="hidden").on("image"),
        L.Tanh(name="tanh").on("hidden"),
        Drifts(name="drifts").on("tanh"),
        L.BatchNorm(name="norm").on("drifts"),
        L.Dropout(rate=0.25, name="drop").on("norm"),
        L.Dense(units=3, name="logits").on("drop"),
        L.Dense(units=5, name="copy").on("drop"),
        inputs="image",
        outputs="logits",
    )
    brain = brain.with_loss(L.SoftmaxCrossEntropy(name="sorting", weight=0.5), "logits", "label")
    brain = brain.with_loss(L.MeanSquaredError(name="copying"), "copy", "image")
    return replace(brain.with_metric(L.Accuracy(name="accuracy"), "logits", "label"), precision=precision).resolve(
        VECTORS
    )


class PhaseTests(TrainingTests):
    """What `Trainer` promises of a regime."""

    @pytest.mark.parametrize("name", PHASES)
    def test_phases(self, backend: Backend, trained: None, name: str) -> None:
        self.compare(backend, rivals(self.precision), Regime(phases=PHASES[name]), STEPS, rates=RATES)

    def test_phases_of_micro_batches(self, backend: Backend, trained: None) -> None:
        if not self.micro_batches:
            pytest.skip("computes every batch at once")
        regime, parted = Regime(phases=PHASES["one after the other"]), Execution(micro_batches=3)
        self.compare(backend, rivals(self.precision), regime, STEPS, rates=RATES, execution=parted)

    def test_one_phase_is_one_optimizer(self, backend: Backend, trained: None) -> None:
        graph, runs = rivals(self.precision), []
        for regime in (Adam(), Regime(phases=(Phase(name="all", optimizer=Adam()),))):
            one = live(backend, graph, regime)
            runs.append({"objective": one.trainer.run(span(graph, 0, STEPS), RATES[:, 0]).objective, **one.everything})
        same(*runs)

    def test_slots_are_those_of_what_moves(self, backend: Backend, trained: None) -> None:
        phases = (replace(SORT, params=("logits/*",)), replace(COPY, params=("copy/weight",)))
        one = live(backend, rivals(self.precision), Regime(phases=phases))
        assert set(one.trainer.read_slots()) == {
            "velocity:logits/weight", "velocity:logits/bias", "mean:copy/weight", "square:copy/weight",
        }  # fmt: skip
        before = one.everything
        one.trainer.run(span(one.network.graph, 0, 2), RATES[:2])
        moved = {path for path in one.network.graph.trained if not np.array_equal(one.network[path], before[path])}
        assert moved == {"logits/weight", "logits/bias", "copy/weight"}

    def test_a_span_of_phases_is_its_steps(self, backend: Backend, trained: None) -> None:
        regime = Regime(phases=PHASES["now and then"])
        whole, parts = (live(backend, rivals(self.precision), regime) for _ in range(2))
        graph = whole.network.graph
        whole.trainer.run(span(graph, 0, STEPS), RATES)
        for step in range(STEPS):
            parts.trainer.run(span(graph, step, 1), RATES[step : step + 1])
        self.assert_small(errors(whole.everything, parts.everything), self.dtypes[-1], self.forward_tolerance)

    @pytest.mark.parametrize("name", ["one optimizer", "one after the other", "of one pass and all losses"])
    def test_losses_count_by_their_weights_over_time(self, backend: Backend, trained: None, name: str) -> None:
        phases = PHASES.get(name, (Phase(optimizer=SGD(momentum=0.9)),))
        regime = Regime(phases=phases, weights={"copying": 1.0})
        weights = {"copying": np.array([0.0, 0.5, 1.0, 2.0, 3.0])}
        rates = RATES[:, : len(phases)]
        self.compare(backend, rivals(self.precision), regime, STEPS, rates=rates, loss_weights=weights)

    def test_the_objective_is_the_weighted_sum(self, backend: Backend, trained: None) -> None:
        one = live(backend, rivals(self.precision), Regime(phases=(Phase(),), weights={"copying": 1.0}))
        result = one.trainer.run(span(one.network.graph, 0, 1), np.zeros(1), {"copying": np.array([3.0])})
        sorting, copying = (
            float(result.measures[name]["sum"] / result.measures[name]["count"]) for name in ("sorting", "copying")
        )
        assert result.objective[0] == pytest.approx(0.5 * sorting + 3.0 * copying, rel=1e-6)
