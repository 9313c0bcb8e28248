"""Fill: one number wherever something is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from akid_core import Brain
from akid_core import layers as L
from akid_core.errors import SpecError
from akid_core.specs import Layer, TensorSpec
from akid_core.testing.layers import LayerSuite
from akid_core.testing.run_layer import run_layer


class TestFill(LayerSuite):
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")

    @pytest.fixture
    def layer(self) -> Layer:
        return L.Fill(value=0.9)

    @pytest.fixture
    def in_specs(self) -> Sequence[TensorSpec]:
        return (TensorSpec(("N", 3, 2), "float32"),)


def test_values_and_gradient_by_hand() -> None:
    x = np.array([[1.0, -2.0, 7.0]])
    ran = run_layer(L.Fill(value=2.5), x, cotangents=[np.ones((1, 3))])
    np.testing.assert_array_equal(ran.outputs[0], [[2.5, 2.5, 2.5]])
    np.testing.assert_array_equal(ran.input_gradients[0], [[0.0, 0.0, 0.0]])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        L.Fill(value=value)


def test_integers_have_no_place_for_it() -> None:
    brain = Brain.sequential(L.Fill(value=0.5), inputs="label")
    with pytest.raises(SpecError, match="'fill'"):
        brain.resolve({"label": TensorSpec(("N",), "int64")})
