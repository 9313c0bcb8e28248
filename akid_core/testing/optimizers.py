"""A test suite for an optimizer: subclass it and say which.

::

    class TestHeavyBall(OptimizerSuite):
        @pytest.fixture
        def optimizer(self):
            return HeavyBall(learning_rate=0.1)
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from akid_core.backends.contract import Backend
from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tensor
from akid_core.config.components import decode, encode
from akid_core.config.yaml import dump_yaml, load_yaml
from akid_core.optimizers import Optimizer
from akid_core.plugins.manager import default_manager
from akid_core.schedules.base import Schedule
from akid_core.testing.backends.brains import live, span, vectors
from akid_core.testing.group import errors
from akid_core.testing.referee import FLOAT64, referee

SHAPE = (4, 3)


class OptimizerSuite:
    """Fill the fixture `optimizer`; with a fixture `backend`, its steps there are compared with the formula."""

    @pytest.fixture
    def optimizer(self) -> Optimizer:
        raise NotImplementedError("an OptimizerSuite is about one optimizer: give the fixture `optimizer`")

    @pytest.fixture
    def backend(self) -> Backend:
        return referee()

    @pytest.fixture
    def registry(self) -> Any:
        return default_manager().registry

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_an_update_keeps_shapes_and_types(self, optimizer: Optimizer, dtype: str) -> None:
        value, gradient = (array.astype(dtype) for array in _arrays(2))
        new, slots = _update(optimizer, value, gradient, _zeros(optimizer, dtype))
        assert len(slots) == len(optimizer.slots) == len(set(optimizer.slots))
        for array in (new, *slots):
            assert (array.shape, str(array.dtype)) == (SHAPE, dtype)
            assert np.isfinite(array).all()

    def test_an_update_changes_nothing_that_it_was_given(self, optimizer: Optimizer) -> None:
        value, gradient = _arrays(2)
        slots = tuple(np.abs(array) for array in _arrays(len(optimizer.slots)))
        before = [array.copy() for array in (value, gradient, *slots)]
        _update(optimizer, value, gradient, slots)
        for array, old in zip((value, gradient, *slots), before, strict=True):
            np.testing.assert_array_equal(array, old)

    def test_every_element_moves_by_itself(self, optimizer: Optimizer) -> None:
        value, gradient = _arrays(2)
        slots = tuple(np.abs(array) for array in _arrays(len(optimizer.slots)))
        whole, new_slots = _update(optimizer, value, gradient, slots)
        part, part_slots = _update(optimizer, value[1:2], gradient[1:2], tuple(slot[1:2] for slot in slots))
        for one, other in zip((whole, *new_slots), (part, *part_slots), strict=True):
            np.testing.assert_allclose(other, one[1:2], rtol=1e-12)

    def test_without_a_gradient_and_a_rate_nothing_moves(self, optimizer: Optimizer) -> None:
        (value,) = _arrays(1)
        still, _ = _update(optimizer, value, np.zeros(SHAPE), _zeros(optimizer), rate=0.0)
        np.testing.assert_array_equal(still, value)

    def test_it_goes_down(self, optimizer: Optimizer) -> None:
        """On sum(value^2) / 2, whose gradient is the value."""
        (value,) = _arrays(1)
        now, slots = value, _zeros(optimizer)
        for count in range(1, 31):
            now, slots = _update(optimizer, now, now, slots, rate=0.01, count=count)
        assert np.linalg.norm(now) < np.linalg.norm(value)

    @pytest.mark.parametrize("count", [1, 2, 1000, 10**7])
    def test_coefficients_are_finite_at_any_step(self, optimizer: Optimizer, count: int) -> None:
        assert all(math.isfinite(number) for number in optimizer.coefficients(0.01, count))

    def test_slots_start_at_zero(self, optimizer: Optimizer, backend: Backend) -> None:
        graph = vectors(FLOAT64)
        slots = live(backend, graph, optimizer).trainer.read_slots()
        assert set(slots) == {f"{name}:{path}" for name in optimizer.every_slot for path in graph.trained}
        assert not any(slot.any() for slot in slots.values())

    def test_steps_on_the_backend_follow_the_formula(self, optimizer: Optimizer, backend: Backend) -> None:
        graph = vectors(FLOAT64)
        plain = dataclasses.replace(
            optimizer,
            weight_decay=0.0,
            clip_norm=None,
            clip_value=None,
            regularizers=(),
            average=None,
        )
        one = live(backend, graph, plain)
        now = one.network.read(graph.trained)
        slots = {path: tuple(np.zeros_like(value) for _ in plain.slots) for path, value in now.items()}
        for step in range(3):
            steps = span(graph, step, 1)
            gradients = one.trainer.gradients(steps.batch(0), step)
            one.trainer.run(steps, np.array([0.01]))
            for path, gradient in gradients.items():
                now[path], slots[path] = _update(plain, now[path], gradient, slots[path], rate=0.01, count=step + 1)
            wrong = errors(one.network.read(graph.trained), now)
            assert max(wrong.values()) <= 1e-9, f"step {step}: {wrong}"

    def test_it_goes_on_in_the_middle(self, optimizer: Optimizer, backend: Backend) -> None:
        graph, rates = vectors(FLOAT64), np.full(2, 0.01)
        one, other = live(backend, graph, optimizer), live(backend, graph, optimizer)
        one.trainer.run(span(graph, 0, 2), rates)
        other.network.fill(one.network.read())
        other.trainer.fill_slots(one.trainer.read_slots())
        for each in (one, other):
            each.trainer.run(span(graph, 2, 2), rates)
        for name, value in one.everything.items():
            np.testing.assert_array_equal(other.everything[name], value, err_msg=name)

    def test_yaml_round_trip(self, optimizer: Optimizer, registry: Any) -> None:
        text = dump_yaml({"optimizer": encode(optimizer, registry)})
        assert decode("optimizer", load_yaml(text)["optimizer"], registry, "optimizer") == optimizer

    def test_is_plain_data(self, optimizer: Optimizer) -> None:
        assert dataclasses.replace(optimizer) == optimizer
        assert isinstance(optimizer.learning_rate, int | float | Schedule)
        with pytest.raises(dataclasses.FrozenInstanceError):
            optimizer.weight_decay = 1.0  # type: ignore[misc]


def _arrays(count: int) -> list[np.ndarray]:
    return [np.random.default_rng(number).normal(size=SHAPE) for number in range(count)]


def _zeros(optimizer: Optimizer, dtype: str = "float64") -> tuple[np.ndarray, ...]:
    return tuple(np.zeros(SHAPE, dtype) for _ in optimizer.slots)


def _update(
    optimizer: Optimizer,
    value: np.ndarray,
    gradient: np.ndarray,
    slots: tuple[np.ndarray, ...],
    *,
    rate: float = 0.1,
    count: int = 1,
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """One update by the optimizer's own formula, in NumPy."""
    old = (Tensor(value), Tensor(gradient), tuple(map(Tensor, slots)))
    new, new_slots = optimizer.update(NumpyOps(), *old, optimizer.coefficients(rate, count))
    return new.data, tuple(slot.data for slot in new_slots)
