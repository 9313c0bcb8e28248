"""The layers, losses and metrics of the core: values, gradients and state, for many, one and no rows."""

from __future__ import annotations

import pytest

from akid_core.backends.contract import Backend
from akid_core.specs.precision import Precision
from akid_core.testing.backends.flags import Flags, grouped
from akid_core.testing.cases import CASES
from akid_core.testing.group import Group, errors
from akid_core.testing.referee import FLOAT64, referee


class LayerTests(Flags):
    """Every case of every layer."""

    def test_values_of(self, backend: Backend, layer: str, dtype: str) -> None:
        group = grouped(layer, CASES[layer])
        network = self.live(backend, group, layer, dtype)
        for training in (False, True):
            got, wanted = group.values(network, training=training), group.forward(referee(), FLOAT64, training=training)
            self.assert_small(errors(got, wanted), dtype, self.forward_tolerance)

    def test_types_of_values_of(self, backend: Backend, layer: str, dtype: str) -> None:
        group = grouped(layer, CASES[layer])
        values = group.values(self.live(backend, group, layer, dtype))
        calls = group.plain(Precision.of(dtype)).calls
        promised = {
            f"{call.path.removesuffix('/layer')} output {n}": spec
            for call in calls
            for n, spec in enumerate(call.out_specs)
        }
        assert {name: str(values[name].dtype) for name in promised} == {
            name: spec.dtype for name, spec in promised.items()
        }

    def test_gradients_of(self, backend: Backend, differentiated: None, layer: str, dtype: str) -> None:
        group = grouped(layer, CASES[layer])
        wrong = group.gradient_errors(backend, Precision.of(dtype))
        self.assert_small(wrong, dtype, self.gradient_tolerance)

    def test_state_of(self, backend: Backend, trained: None, layer: str, dtype: str) -> None:
        group = grouped(layer, CASES[layer])
        self.assert_small(group.update_errors(backend, Precision.of(dtype)), dtype, self.forward_tolerance)

    def test_one_row_of(self, backend: Backend, layer: str) -> None:
        dtype = self.dtypes[0]
        group = grouped(layer, CASES[layer])
        network, alone = self.live(backend, group, layer, dtype), group.of(1)
        self.assert_small(
            errors(alone.values(network), alone.forward(referee(), FLOAT64)), dtype, self.forward_tolerance
        )

    def test_no_rows_of(self, backend: Backend, layer: str) -> None:
        if not self.empty_batches:
            pytest.skip("needs rows")
        group = grouped(layer, CASES[layer])
        network, empty = self.live(backend, group, layer, self.dtypes[0]), group.of(0)
        got, wanted = empty.values(network), empty.forward(referee(), FLOAT64)
        assert {name: value.shape for name, value in got.items()} == {
            name: value.shape for name, value in wanted.items()
        }

    def test_any_order_in_memory_of(self, backend: Backend, layer: str) -> None:
        group = grouped(layer, CASES[layer])
        network = self.live(backend, group, layer, self.dtypes[0])
        scattered = Group(trials={name: trial.scattered() for name, trial in group.trials.items()})
        wrong = errors(scattered.values(network), group.values(network))
        self.assert_small(wrong, self.dtypes[0], self.forward_tolerance)
