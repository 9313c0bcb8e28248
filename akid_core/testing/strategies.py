"""A test suite for a strategy: subclass it and say which.

::

    class TestMine(StrategySuite):
        @pytest.fixture
        def strategy(self):
            return Mine
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from akid_core.backends.contract import Arrays, Backend, MetricStates
from akid_core.backends.plan import Execution
from akid_core.errors import UsageError
from akid_core.graph.resolved import Graph
from akid_core.initializers.fill import initial_values
from akid_core.optimizers import Adam
from akid_core.optimizers.regime import Regime
from akid_core.strategies.base import Strategy
from akid_core.testing.backends.brains import ROWS, live, span, vectors
from akid_core.testing.group import errors
from akid_core.testing.referee import FLOAT64, referee

RATES = np.array([0.05, 0.02])


class StrategySuite:
    """Fill the fixture `strategy`, a class or function that gives a new strategy; `backend` is NumPy unless given.

    The tests run in every process that shares the work alike; each sees what a single process would have computed.
    """

    @pytest.fixture
    def strategy(self) -> Callable[[], Strategy]:
        raise NotImplementedError("a StrategySuite is about one strategy: give the fixture `strategy`")

    @pytest.fixture
    def backend(self) -> Backend:
        return referee()

    @pytest.fixture
    def graph(self) -> Graph:
        return vectors(FLOAT64)

    @pytest.fixture
    def make(self, strategy: Callable[[], Strategy], backend: Backend, graph: Graph) -> Callable[..., Strategy]:
        """A strategy that is built and filled with the initial values of seed 7."""

        def make(*, trains: bool = True) -> Strategy:
            made = strategy()
            regime = Regime.of(Adam()) if trains else None
            made.build(backend, graph, regime, backend.plan(Execution(), graph), 7)
            made.fill(initial_values(graph, 7), {})
            return made

        return make

    def test_it_has_the_name_it_is_chosen_by(self, make: Callable[..., Strategy]) -> None:
        assert make().name == type(make()).name

    def test_what_is_filled_is_gathered(self, make: Callable[..., Strategy], graph: Graph) -> None:
        made = make()
        values = {path: value * 1.5 + 0.5 for path, value in initial_values(graph, 3).items()}
        slots = {name: np.full_like(value, 0.25) for name, value in made.gather()[1].items()}
        made.fill(values, slots)
        params, kept = made.gather()
        _same(params, values)
        _same(kept, slots)
        made.fill(values, {})
        assert not any(value.any() for value in made.gather()[1].values()), "a slot that is not named stays"

    def test_rows_are_a_part_of_the_batch(self, make: Callable[..., Strategy]) -> None:
        for size in (1, 5, 64):
            rows = make().rows(size)
            assert rows.step in (None, 1)
            assert 0 <= rows.start <= rows.stop <= size

    def test_steps_are_those_of_one_process(
        self, make: Callable[..., Strategy], backend: Backend, graph: Graph
    ) -> None:
        made, alone = make(), live(backend, graph, Adam())
        whole = span(graph, 0, 2)
        result, wanted = made.run(_share(whole, made.rows(ROWS)), RATES), alone.trainer.run(whole, RATES)
        np.testing.assert_allclose(result.objective, wanted.objective, rtol=1e-9)
        params, slots = made.gather()
        wrong = errors({**params, **slots}, alone.everything)
        assert max(wrong.values()) <= 1e-9, wrong
        _close(made.reduce(result.measures), wanted.measures)

    def test_measures_are_joined(self, make: Callable[..., Strategy], backend: Backend, graph: Graph) -> None:
        made, whole = make(trains=False), span(graph, 0, 1)
        mine = made.reduce(made.measure(_share(whole, made.rows(ROWS)).batch(0)))
        _close(mine, live(backend, graph, Adam()).network.measure(whole.batch(0)))

    def test_a_flag_is_agreed_on(self, make: Callable[..., Strategy]) -> None:
        assert make().agree(True) is True
        assert make().agree(False) is False

    def test_what_is_saved_is_loaded(self, make: Callable[..., Strategy], graph: Graph) -> None:
        one, other, saved = make(), make(), []
        steps = _share(span(graph, 0, 2), one.rows(ROWS))
        one.run(steps, RATES)
        one.save(lambda params, slots: saved.append((params, slots)))
        one.run(steps, RATES)
        if saved:  # on the process that saves
            assert any(not np.array_equal(one.gather()[0][path], value) for path, value in saved[0][0].items())
            other.load(lambda: saved[0])
            other.run(steps, RATES)
            for mine, theirs in zip(other.gather(), one.gather(), strict=True):
                _same(mine, theirs)

    def test_without_an_optimizer_it_evaluates_alone(self, make: Callable[..., Strategy], graph: Graph) -> None:
        made = make(trains=False)
        assert made.gather()[1] == {}
        with pytest.raises(UsageError, match="optimizer"):
            made.run(_share(span(graph, 0, 1), made.rows(ROWS)), RATES[:1])

    def test_two_live_side_by_side(self, make: Callable[..., Strategy], graph: Graph) -> None:
        one, other = make(), make()
        before = other.gather()[0]
        one.run(_share(span(graph, 0, 2), one.rows(ROWS)), RATES)
        _same(other.gather()[0], before)


def _share(whole: Any, rows: slice) -> Any:
    """This process's part of the steps."""
    return type(whole)(
        epoch=whole.epoch,
        first_step=whole.first_step,
        fields={name: value[:, rows] for name, value in whole.fields.items()},
        weights=whole.weights[:, rows],
        positions=whole.positions[:, rows],
        rows=whole.rows[:, rows],
        first_row=rows.start,
    )


def _same(one: Arrays, other: Arrays) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def _close(one: MetricStates, other: MetricStates) -> None:
    assert one.keys() == other.keys()
    for path, state in one.items():
        wrong = errors(state, other[path])
        assert max(wrong.values()) <= 1e-6, f"{path}: {wrong}"
