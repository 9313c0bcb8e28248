"""The portable operations."""

from __future__ import annotations

import pytest

from akid_core.backends.contract import Backend
from akid_core.specs.precision import Precision
from akid_core.testing.backends.flags import Flags, grouped
from akid_core.testing.cases.operations import OPERATION_TRIALS, OPERATOR_TRIALS
from akid_core.testing.group import Group, errors
from akid_core.testing.referee import FLOAT64, referee

OPERATORS = tuple(OPERATOR_TRIALS)


class OperationTests(Flags):
    """Each operation by itself, as a layer: values, types and gradients."""

    def test_operation(self, backend: Backend, operation: str, dtype: str) -> None:
        self._check(backend, grouped("operation", OPERATION_TRIALS[operation]), dtype)

    @pytest.mark.parametrize("operator", OPERATORS)
    def test_operator(self, backend: Backend, operator: str, dtype: str) -> None:
        self._check(backend, grouped("operator", OPERATOR_TRIALS[operator]), dtype)

    def _check(self, backend: Backend, group: Group, dtype: str) -> None:
        precision = Precision.of(dtype)
        graph = group.plain(precision)
        values = group.values(group.network(backend, graph))
        promised = [spec.dtype for call in graph.everything for spec in call.out_specs]
        assert [str(value.dtype) for value in values.values()] == promised
        self.assert_small(errors(values, group.forward(referee(), FLOAT64)), dtype, self.forward_tolerance)
        if self.trains and self.gradients:
            self.assert_small(group.gradient_errors(backend, precision), dtype, self.gradient_tolerance)
