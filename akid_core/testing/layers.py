"""A test suite for a layer: subclass it, say which layer and for which inputs, and switch flags.

::

    class TestSwish(LayerSuite):
        @pytest.fixture
        def layer(self):
            return Swish(beta=2.0)

        @pytest.fixture
        def in_specs(self):
            return (TensorSpec(("N", 3, 8, 8), "float32", "NCHW"),)

The referee is NumPy in float64. With a fixture `backend` the same suite compares another backend with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from akid_core.backends.contract import Backend
from akid_core.config.components import decode, encode
from akid_core.config.yaml import dump_yaml, load_yaml
from akid_core.plugins.manager import default_manager
from akid_core.specs.layer import Layer, Loss, Metric
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import (
    FLOAT32,
    FLOAT64,
    Trial,
    compare_forward,
    compare_gradients,
    compare_updates,
    referee,
)

__all__ = ["LayerSuite", "Trial", "compare_forward", "compare_gradients", "compare_updates", "referee"]

SPACE = "HWLT"
"""The letters of axes whose size is free."""


class LayerSuite:
    """What every layer promises. Fill the fixtures `layer` and `in_specs`; a flag says where a layer differs.

    `differentiable`: gradients flow through it. `random`: it draws at random in training. `trains_differently`: it does
    something else in training than in evaluation. `by_row`: in evaluation each row is computed by itself. `portable`:
    it has a portable definition; one without runs on the fixture `backend` alone, and its gradients are compared with
    finite differences there, in float64. `empty_batches`: it can compute a batch without rows. `dtypes`: the types that
    it computes in.
    """

    differentiable: ClassVar[bool] = True
    random: ClassVar[bool] = False
    trains_differently: ClassVar[bool] = False
    by_row: ClassVar[bool] = True
    portable: ClassVar[bool] = True
    empty_batches: ClassVar[bool] = True
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")

    forward_tolerance: ClassVar[float] = 1e-5
    gradient_tolerance: ClassVar[float] = 1e-4

    @pytest.fixture
    def layer(self) -> Layer:
        raise NotImplementedError("give the suite a fixture `layer`")

    @pytest.fixture
    def in_specs(self) -> Sequence[TensorSpec]:
        raise NotImplementedError("give the suite a fixture `in_specs`, the specs of the inputs, the batch 'N' first")

    @pytest.fixture
    def inputs(self) -> tuple[np.ndarray, ...] | None:
        """The inputs, where the random ones of `Trial` will not do."""
        return None

    @pytest.fixture
    def backend(self) -> Backend:
        """What is compared with the referee."""
        return referee()

    @pytest.fixture
    def registry(self) -> Any:
        return default_manager().registry

    @pytest.fixture
    def trial(self, layer: Layer, in_specs: Sequence[TensorSpec], inputs: tuple[np.ndarray, ...] | None) -> Trial:
        return Trial(layer=layer, in_specs=tuple(in_specs), inputs=inputs, batch=len(inputs[0]) if inputs else 5)

    @pytest.mark.parametrize("training", [False, True])
    def test_outputs_are_as_promised(self, trial: Trial, backend: Backend, training: bool) -> None:
        promised = trial.outputs_in(FLOAT32)
        outputs = trial.forward(backend, FLOAT32, training=training)
        assert [str(output.dtype) for output in outputs] == [promise.dtype for promise in promised]
        for output, promise in zip(outputs, promised, strict=True):
            assert output.ndim == promise.rank
            for size, got in zip(promise.shape, output.shape, strict=True):
                assert got == (trial.batch if size == "N" else size) or isinstance(size, str)

    def test_parameters_start_as_promised(self, trial: Trial) -> None:
        for spec in trial.layer.params(*trial.in_specs):
            values = spec.init.values(spec, (1, 2))
            assert values.shape == spec.shape
            assert values.dtype == np.float64
            assert np.isfinite(values).all()
            assert not spec.axes or len(spec.axes) == len(spec.shape)

    def test_gradients_match_finite_differences(self, trial: Trial, backend: Backend) -> None:
        if not self.differentiable:
            pytest.skip("not differentiable")
        random, step = np.random.default_rng(7), 1e-6
        judge = referee() if self.portable else backend
        gradients = trial.gradients(judge, FLOAT64)
        for name, gradient in gradients.items():
            value = {**trial.fields, **trial.params}[name].astype(np.float64)
            for _ in range(3):
                direction = random.normal(size=value.shape)
                ahead, behind = (trial.objective({name: value + sign * step * direction}, judge) for sign in (1, -1))
                along = float(np.sum(gradient * direction))
                assert (ahead - behind) / (2 * step) == pytest.approx(along, rel=1e-6, abs=1e-6), name

    def test_agrees_with_the_referee(self, trial: Trial, backend: Backend) -> None:
        self._compare(trial, backend)

    def test_other_sizes(self, trial: Trial, backend: Backend) -> None:
        """Odd sizes where they were even, and the other way round, along axes whose letters say that they are space."""
        larger = _larger(trial)
        if larger is None:
            pytest.skip("has no axes of space, or inputs of its own")
        self._compare(larger, backend)

    def _compare(self, trial: Trial, backend: Backend) -> None:
        if not self.portable:
            pytest.skip("the referee does not know it")
        settings: dict[str, Any] = {"batch": trial.batch, "inputs": trial.inputs}
        errors = compare_forward(backend, trial.layer, trial.in_specs, **settings)
        assert max(errors.values()) <= self.forward_tolerance, errors
        if self.differentiable:
            errors = compare_gradients(backend, trial.layer, trial.in_specs, **settings)
            assert max(errors.values(), default=0.0) <= self.gradient_tolerance, errors
            errors = compare_updates(backend, trial.layer, trial.in_specs, **settings)
            assert max(errors.values(), default=0.0) <= self.forward_tolerance, errors

    def test_computes_in_its_types(self, trial: Trial, backend: Backend) -> None:
        if isinstance(trial.layer, Loss | Metric):
            pytest.skip("a measure may be wider than it says")
        for dtype in self.dtypes:
            precision = Precision.of(dtype)
            promised = [spec.dtype for spec in trial.outputs_in(precision)]
            assert [str(output.dtype) for output in trial.forward(backend, precision)] == promised

    def test_any_order_in_memory(self, trial: Trial, backend: Backend) -> None:
        plain, scattered = (each.forward(backend, FLOAT64) for each in (trial, trial.scattered()))
        for one, other in zip(plain, scattered, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)

    def test_is_a_function_of_its_inputs_and_the_step(self, trial: Trial, backend: Backend) -> None:
        for training in (False, True):
            _equal(*(trial.forward(backend, FLOAT32, training=training) for _ in range(2)))
        steps = [trial.forward(backend, FLOAT32, training=True, step=step) for step in (0, 1)]
        if self.random:
            assert any(not np.array_equal(*pair) for pair in zip(*steps, strict=True)), "the same at every step"
        else:
            _equal(*steps)

    def test_training_and_evaluation(self, trial: Trial, backend: Backend) -> None:
        evaluating, training = (trial.forward(backend, FLOAT32, training=training) for training in (False, True))
        if self.random or self.trains_differently:
            assert any(not np.array_equal(*pair) for pair in zip(evaluating, training, strict=True))
        else:
            _equal(evaluating, training)

    def test_batch_of_one(self, trial: Trial, backend: Backend) -> None:
        first = tuple(trial.fields[f"input{number}"][:1] for number in range(len(trial.in_specs)))
        alone = dataclasses.replace(trial, batch=1, inputs=first)
        assert all(np.isfinite(output).all() for output in alone.forward(backend, FLOAT64, training=True))
        if self.by_row and not isinstance(trial.layer, Metric):
            rows = zip(alone.forward(backend, FLOAT64), trial.forward(backend, FLOAT64), strict=True)
            for row, batch in rows:
                np.testing.assert_allclose(row, batch[:1], rtol=1e-12, atol=1e-12)

    def test_batch_of_none(self, trial: Trial, backend: Backend) -> None:
        if not self.empty_batches:
            pytest.skip("needs rows")
        outputs = trial.of(0).forward(backend, FLOAT64)
        for output, promise in zip(outputs, trial.outputs_in(FLOAT64), strict=True):
            assert output.ndim == promise.rank
            assert promise.shape[:1] != ("N",) or len(output) == 0

    def test_yaml_round_trip(self, layer: Layer, registry: Any) -> None:
        text = dump_yaml({"block": encode(layer, registry)})
        assert decode("layer", load_yaml(text)["block"], registry, "block") == layer

    def test_is_plain_data(self, layer: Layer) -> None:
        assert dataclasses.replace(layer) == layer
        field = dataclasses.fields(layer)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, field, None)


def _larger(trial: Trial) -> Trial | None:
    """The trial with one more place along each axis of space; None where there is none or the layer refuses it."""
    if trial.inputs is not None or not any(letter in SPACE for spec in trial.in_specs for letter in spec.axes):
        return None
    specs = []
    for spec in trial.in_specs:
        letters = spec.axes or " " * spec.rank
        sizes = (
            size + 1 if letter in SPACE and isinstance(size, int) else size
            for size, letter in zip(spec.shape, letters, strict=True)
        )
        specs.append(dataclasses.replace(spec, shape=tuple(sizes)))
    try:
        trial.layer.outputs(*specs)
    except ValueError:
        return None
    return dataclasses.replace(trial, in_specs=tuple(specs))


def _equal(first: list[Any], second: list[Any]) -> None:
    """The same bits."""
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
