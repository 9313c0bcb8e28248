"""Tally: figures over batches of unequal size and weight, saved and restored to the bit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.graph.resolved import Graph
from akid_core.specs.layer import Metric
from akid_core.training.tally import Tally, figures


@dataclass(frozen=True, kw_only=True)
class Largest(Metric):
    """A metric of parts that are not summed, though they are of one size."""

    parts: ClassVar[tuple[str, ...]] = ("value",)

    def merge(self, states: Any) -> dict[str, Any]:
        return {"value": np.max([state["value"] for state in states])}

    def result(self, state: Mapping[str, Any]) -> float:
        return float(state["value"])


@dataclass(frozen=True, kw_only=True)
class Median(Metric):
    """An exact figure of all rows."""

    parts: ClassVar[tuple[str, ...]] = ("rows",)
    reduction: ClassVar[str] = "gather"

    def result(self, state: Mapping[str, Any]) -> float:
        return float(np.median(state["rows"]))


def graph(losses: tuple[akid.Loss, ...] = (), metrics: tuple[Metric, ...] = ()) -> Graph:
    brain = akid.Brain.sequential(L.Dense(units=2, name="logits"), inputs="image")
    for loss in losses:
        brain = brain.with_loss(loss, "logits", "label")
    for metric in metrics:
        brain = brain.with_metric(metric, "logits", "label")
    return brain.resolve({"image": akid.TensorSpec(("N", 3)), "label": akid.TensorSpec(("N",), "int64")})


def sums(total: float, count: float) -> dict[str, Any]:
    return {"sum": total, "count": count}


ONE = (L.SoftmaxCrossEntropy(name="first", weight=2.0),)
TWO = (*ONE, L.SoftmaxCrossEntropy(name="second", weight=0.5))


def test_no_batch_gives_no_figures() -> None:
    assert Tally(graph(ONE, (L.Accuracy(),))).values() == {}


def test_means_are_over_all_rows_not_over_batches() -> None:
    tally = Tally(graph(ONE, (L.Accuracy(),)))
    tally.add({"first": sums(6.0, 4.0), "accuracy": sums(3.0, 4.0)})
    tally.add({"first": sums(4.0, 1.0), "accuracy": sums(0.0, 1.0)})
    # the loss is weighted: 2 * (6 + 4) / (4 + 1); accuracy (3 + 0) / 5
    assert tally.values() == {"loss": 4.0, "accuracy": 0.6}


def test_several_losses_are_named_and_summed_by_weight() -> None:
    tally = Tally(graph(TWO, (L.Accuracy(),)))
    tally.add({"first": sums(3.0, 2.0), "second": sums(8.0, 2.0), "accuracy": sums(1.0, 2.0)})
    # 2 * 1.5 + 0.5 * 4
    assert list(tally.values().items()) == [("loss", 5.0), ("first", 1.5), ("second", 4.0), ("accuracy", 0.5)]


def test_a_loss_called_loss_is_the_objective() -> None:
    tally = Tally(graph((L.SoftmaxCrossEntropy(name="loss", weight=3.0),)))
    tally.add({"loss": sums(2.0, 2.0)})
    assert tally.values() == {"loss": 3.0}


def test_nothing_that_counts_is_not_a_number() -> None:
    tally = Tally(graph(ONE, (L.Accuracy(),)))
    tally.add({"first": sums(0.0, 0.0), "accuracy": sums(0.0, 0.0)})
    assert all(math.isnan(value) for value in tally.values().values())


@pytest.mark.parametrize(
    ("losses", "metrics", "names"),
    [
        ((), (L.Accuracy(),), ["accuracy"]),
        (ONE, (), ["loss"]),
        (TWO, (L.Accuracy(),), ["loss", "first", "second", "accuracy"]),
    ],
)
def test_figures_are_known_before_there_are_any(losses: Any, metrics: Any, names: list[str]) -> None:
    assert figures(graph(losses, metrics)) == names


def test_sums_are_float64() -> None:
    tally = Tally(graph(metrics=(L.Accuracy(),)))
    tally.add({"accuracy": sums(np.float32(2**24), np.float32(2**24))})
    tally.add({"accuracy": sums(np.float32(0), np.float32(1))})  # float32 would not notice the one row
    assert tally.values() == {"accuracy": 2**24 / (2**24 + 1)}


def test_a_metric_joins_its_parts_itself() -> None:
    tally = Tally(graph(metrics=(Largest(),)))
    for value in (1.0, 5.0, 2.0):
        tally.add({"largest": {"value": value}})
    assert tally.values() == {"largest": 5.0}


def test_rows_are_gathered_for_exact_figures() -> None:
    tally = Tally(graph(metrics=(Median(),)))
    for rows in ([3.0, 9.0], [1.0], [4.0, 2.0]):
        tally.add({"median": {"rows": np.array(rows, np.float32)}})
    assert tally.values() == {"median": 3.0}


def restored(tally: Tally, of: Graph) -> Tally:
    """The tally after a checkpoint."""
    made = Tally(of)
    made.from_json(json.loads(json.dumps(tally.to_json())))
    return made


def test_a_tally_goes_on_to_the_bit_after_a_checkpoint() -> None:
    of = graph(ONE, (L.Accuracy(), Median()))
    random = np.random.default_rng(0)
    whole, parts = Tally(of), Tally(of)
    for number in range(20):
        states = {
            "first": sums(random.standard_normal(), random.uniform()),
            "accuracy": sums(np.float32(random.uniform()), np.float32(random.uniform())),
            "median": {"rows": random.standard_normal((number % 3, 2)).astype(np.float32)},
        }
        whole.add(states)
        parts.add(states)
        parts = restored(parts, of)
    assert whole.values() == parts.values()
    assert whole.to_json() == parts.to_json()
    assert restored(Tally(of), of).values() == {}


def test_clear_begins_anew() -> None:
    tally = Tally(graph(metrics=(L.Accuracy(),)))
    tally.add({"accuracy": sums(1.0, 1.0)})
    tally.clear()
    assert tally.values() == {}
    tally.add({"accuracy": sums(0.0, 1.0)})
    assert tally.values() == {"accuracy": 0.0}
