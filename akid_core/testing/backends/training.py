"""Train programs: steps, optimizers and their state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.contract import Backend
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch
from akid_core.errors import ConfigurationError, UnknownNameError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Graph, Value
from akid_core.optimizers import SGD, Adam, Optimizer, Regularizer
from akid_core.optimizers.regime import Regime
from akid_core.plugins import default_manager
from akid_core.specs.precision import Precision
from akid_core.testing.backends.brains import VECTORS, Live, Remembers, images, live, same, span, vectors
from akid_core.testing.backends.flags import Flags
from akid_core.testing.group import errors
from akid_core.testing.referee import referee

STEPS = 3
RATES = np.array([0.05, 0.02, 0.01])

OPTIMIZERS: dict[str, Optimizer] = {
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
    "weight decay": SGD(weight_decay=0.1),
    "clip_norm": Adam(clip_norm=0.1),
    "clip_value": SGD(clip_value=0.01),
    "l1 and l2": SGD(regularizers=(Regularizer(l1=0.01, l2=0.1),)),
    "max_norm": SGD(regularizers=(Regularizer(params=("hidden/weight",), max_norm=0.3),)),
    "average": Adam(average=0.9),
}
"""Settings that every optimizer has, and those of the first."""


class TrainingTests(Flags):
    """What `Trainer` promises."""

    @pytest.fixture
    def graph(self) -> Graph:
        return images(self.precision)

    def compare(
        self,
        backend: Backend,
        graph: Graph,
        optimizer: Optimizer | Regime,
        steps: int = STEPS,
        *,
        rates: np.ndarray = RATES,
        loss_weights: Mapping[str, np.ndarray] | None = None,
        execution: Execution | None = None,
    ) -> None:
        """Steps of training against the referee: objectives, measures, parameters and slots."""
        mine, judge = (live(each, graph, optimizer, execution) for each in (backend, referee()))
        results = [each.trainer.run(span(graph, 0, steps), rates[:steps], loss_weights) for each in (mine, judge)]
        found = {"objective": results[0].objective, **mine.everything}
        wanted = {"objective": results[1].objective, **judge.everything}
        self.assert_small(errors(found, wanted), graph.precision.compute, self.gradient_tolerance)
        for path, state in results[1].measures.items():  # metrics count in float32
            self.assert_small(errors(results[0].measures[path], state), "float32", self.gradient_tolerance)

    def test_steps_are_those_of_the_referee(self, backend: Backend, trained: None, dtype: str) -> None:
        self.compare(backend, images(Precision.of(dtype)), SGD(momentum=0.9))

    @pytest.mark.parametrize("name", default_manager().registry.names("optimizer"))
    def test_optimizer(self, backend: Backend, trained: None, name: str) -> None:
        optimizer = default_manager().registry.get("optimizer", name)()
        self.compare(backend, vectors(self.precision), optimizer)

    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_optimizer_with(self, backend: Backend, trained: None, name: str) -> None:
        self.compare(backend, vectors(self.precision), OPTIMIZERS[name])

    def test_what_is_frozen_stays(self, backend: Backend, trained: None, graph: Graph) -> None:
        frozen = replace(graph, frozen=("conv/*", "norm/*"))
        one = live(backend, frozen, SGD())
        before = one.network.read()
        one.trainer.run(span(frozen, 0, 1), RATES[:1])
        for path, value in one.network.read().items():
            assert np.array_equal(value, before[path]) == frozen.freezes(path), path
        self.compare(backend, frozen, SGD(), steps=1)

    def test_gradients_change_nothing(self, backend: Backend, differentiated: None, graph: Graph) -> None:
        one = live(backend, graph, Adam())
        before, batch = one.everything, span(graph, 0, 1).batch(0)
        first, again = one.trainer.gradients(batch, 4), one.trainer.gradients(batch, 4)
        assert list(first) == list(graph.trained)
        same(first, again)
        same(one.everything, before)

    def test_gradients_by_values_are_those_of_the_referee(
        self, backend: Backend, differentiated: None, graph: Graph
    ) -> None:
        values = (Value("conv"), Value("norm"), Value("drop"), Value("logits"))
        batch, found = span(graph, 0, 1).batch(0), []
        for each in (live(backend, graph, SGD()), live(referee(), graph, SGD())):
            gradients = each.trainer.gradients(batch, 4, values)
            assert list(gradients) == [*graph.trained, *map(str, values)]
            found.append(gradients)
        self.assert_small(errors(*found), self.dtypes[-1], self.gradient_tolerance)

    def test_a_gradient_by_a_value_is_that_of_all_that_take_it(self, backend: Backend, differentiated: None) -> None:
        """The loss sees `kept`, and `x` through a second block: the gradient by `kept` is of the one way alone."""
        brain = Brain.graph(
            L.Dense(units=5, name="x").on("image"),
            L.Dropout(rate=0.0, name="kept").on("x"),
            L.Add(name="sum").on("kept", "x"),
            inputs="image",
        ).with_loss(L.MeanSquaredError(name="loss"), "sum", "image")
        graph = replace(brain, precision=self.precision).resolve(VECTORS)
        one, batch = live(backend, graph, SGD()), span(graph, 0, 1).batch(0)
        values = (Value("x"), Value("kept"), Value("sum"))
        gradients = one.trainer.gradients(replace(batch, weights=np.ones(len(batch), np.float32)), 0, values)
        (given,) = one.network.values(batch.fields, [Value("sum")])
        wanted = 2 * (given - batch.fields["image"]) / given.size
        np.testing.assert_allclose(gradients["sum"], wanted, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(gradients["kept"], wanted, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(gradients["x"], 2 * wanted, rtol=1e-4, atol=1e-6)

    def test_gradients_by_values_of_micro_batches(self, backend: Backend, differentiated: None) -> None:
        if not self.micro_batches:
            pytest.skip("computes every batch at once")
        graph = vectors(self.precision)
        batch, values = span(graph, 0, 1).batch(0), (Value("hidden"),)
        whole, parts = (live(backend, graph, SGD(), Execution(micro_batches=count)) for count in (1, 4))
        found, wanted = (each.trainer.gradients(batch, 0, values) for each in (parts, whole))
        self.assert_small(errors(found, wanted), self.dtypes[-1], self.gradient_tolerance)

    def test_who_watches_sees_training(self, backend: Backend, trained: None, graph: Graph) -> None:
        watched, alone = live(backend, graph, SGD()), live(backend, graph, SGD())
        seen: dict[str, list[np.ndarray]] = {}
        taken = span(graph, 2, 1)
        (wanted,) = watched.network.values(
            {**taken.batch(0).fields, Batch.WEIGHTS: taken.weights[0]}, [Value("drop")], training=True, step=2
        )
        with watched.network.watch("drop", after=lambda path, outputs: seen.setdefault(path, []).extend(outputs)):
            result = watched.trainer.run(taken, RATES[:1])
        expected = alone.trainer.run(taken, RATES[:1])
        (drop,) = seen["drop"]
        self.assert_small(errors({"drop": drop}, {"drop": wanted}), self.dtypes[-1], self.forward_tolerance)
        np.testing.assert_allclose(result.objective, expected.objective, rtol=1e-5)
        self.assert_small(errors(watched.everything, alone.everything), self.dtypes[-1], self.gradient_tolerance)
        watched.trainer.run(span(graph, 3, 1), RATES[:1])
        assert len(seen["drop"]) == 1, "somebody is shown something who does not watch any more"

    def test_masked_rows_count_for_nothing(self, backend: Backend, differentiated: None) -> None:
        graph = vectors(self.precision)
        one, batch = live(backend, graph, SGD()), span(graph, 0, 1).batch(0)
        weights = np.array([1, 0, 1, 0, 1, 1], np.float32)
        kept = weights > 0
        masked = replace(
            batch, weights=weights, fields={**batch.fields, "label": np.where(kept, batch.fields["label"], -1)}
        )
        fewer = replace(
            batch,
            weights=weights[kept],
            fields={name: value[kept] for name, value in batch.fields.items()},
            positions=batch.positions[kept],
            rows=batch.rows[kept],
        )
        got, wanted = one.trainer.gradients(masked, 0), one.trainer.gradients(fewer, 0)
        self.assert_small(errors(got, wanted), self.dtypes[-1], self.gradient_tolerance)

    def test_a_batch_without_rows_changes_nothing(self, backend: Backend, differentiated: None) -> None:
        if not self.empty_batches:
            pytest.skip("needs rows")
        graph = vectors(self.precision)
        one, batch = live(backend, graph, SGD()), span(graph, 0, 1, rows=0).batch(0)
        assert not any(value.any() for value in one.trainer.gradients(batch, 0).values())
        assert {part: float(value) for part, value in one.network.measure(batch)["loss"].items()} == {
            "sum": 0.0,
            "count": 0.0,
        }

    def test_a_span_is_its_steps(self, backend: Backend, trained: None, graph: Graph) -> None:
        whole, parts = live(backend, graph, Adam()), live(backend, graph, Adam())
        together = whole.trainer.run(span(graph, 0, STEPS), RATES)
        single = [parts.trainer.run(span(graph, step, 1), RATES[step : step + 1]) for step in range(STEPS)]
        objectives = np.concatenate([result.objective for result in single])
        assert together.objective.shape == (STEPS,)
        assert together.objective.dtype == np.float64
        np.testing.assert_allclose(together.objective, objectives, rtol=1e-6)
        self.assert_small(errors(whole.everything, parts.everything), self.dtypes[-1], self.forward_tolerance)
        counted = sum(result.measures["loss"]["count"] for result in single)
        assert together.measures["loss"]["count"] == pytest.approx(counted, rel=1e-6)

    def test_the_same_steps_give_the_same_bits(self, backend: Backend, trained: None, graph: Graph) -> None:
        runs = []
        for _ in range(2):
            one = live(backend, graph, Adam())
            runs.append({"objective": one.trainer.run(span(graph, 0, STEPS), RATES).objective, **one.everything})
        same(*runs)

    def test_slots_start_at_zero_and_come_back(self, backend: Backend, trained: None) -> None:
        graph, optimizer = vectors(self.precision), Adam()
        one, other = live(backend, graph, optimizer), live(backend, graph, optimizer)
        names = {f"{slot}:{path}" for slot in optimizer.every_slot for path in graph.trained}
        slots = one.trainer.read_slots()
        assert set(slots) == names
        assert not any(value.any() for value in slots.values())
        one.trainer.run(span(graph, 0, 2), RATES[:2])
        saved = one.everything
        _fill(other, saved)
        same(other.everything, saved)
        results = [each.trainer.run(span(graph, 2, 1), RATES[2:]) for each in (one, other)]
        np.testing.assert_array_equal(results[0].objective, results[1].objective)
        same(one.everything, other.everything)
        other.trainer.fill_slots({})
        assert not any(value.any() for value in other.trainer.read_slots().values()), "a slot not named stays"

    def test_unknown_slots_are_refused(self, backend: Backend, trained: None) -> None:
        with pytest.raises(UnknownNameError, match="mean"):
            live(backend, vectors(self.precision), Adam()).trainer.fill_slots({"maen:logits/weight": np.zeros((4, 3))})

    def test_training_one_network_leaves_the_other(self, backend: Backend, trained: None, graph: Graph) -> None:
        one, other = live(backend, graph, Adam()), live(backend, graph, Adam())
        before = other.everything
        one.trainer.run(span(graph, 0, 2), RATES[:2])
        same(other.everything, before)

    def test_masks_follow_step_and_row(self, backend: Backend, trained: None) -> None:
        graph = vectors(self.precision, Remembers(name="drawn"))
        pair = [live(each, graph, SGD()) for each in (backend, referee())]
        masks = {}
        for step, row in ((0, 0), (5, 0), (0, 3)):
            for each in pair:
                each.trainer.run(span(graph, step, 1, first_row=row), np.zeros(1))
            mine, theirs = (each.network["drawn/mask"] for each in pair)
            np.testing.assert_array_equal(mine, theirs, err_msg=f"step {step}, first row {row}")
            masks[step, row] = mine
        np.testing.assert_array_equal(masks[0, 3][:3], masks[0, 0][3:], err_msg="a mask belongs to its row")
        assert not np.array_equal(masks[0, 0], masks[5, 0])

    def test_a_brain_without_a_loss_is_refused(self, backend: Backend, trained: None, graph: Graph) -> None:
        with pytest.raises(ConfigurationError, match="loss"):
            live(backend, replace(graph, losses=(), metrics=()), SGD())


def _fill(one: Live, everything: dict[str, np.ndarray]) -> None:
    """Set parameters and slots; the names of slots have a colon."""
    one.network.fill({name: value for name, value in everything.items() if ":" not in name})
    one.trainer.fill_slots({name: value for name, value in everything.items() if ":" in name})
