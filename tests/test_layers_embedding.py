"""Embedding: rows of a table, repeated, missing and padded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tensor
from akid_core.layers import Embedding
from akid_core.optimizers.regularizer import limited
from akid_core.specs import TensorSpec
from akid_core.specs.precision import Precision
from akid_core.testing.run_layer import run_layer

TABLE = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
LAYER = Embedding(entries=3, units=2)


def test_rows_of_the_table_by_index() -> None:
    indices = np.array([[2, 0], [1, 1]])
    run = run_layer(LAYER, indices, params={"weight": TABLE})
    assert run.output.tolist() == [[[5, 6], [1, 2]], [[3, 4], [3, 4]]]
    assert run.input_gradients == (None,)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_the_gradient_of_a_row_is_summed_over_its_uses(dtype: str) -> None:
    cotangent = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    run = run_layer(LAYER, np.array([1, 0, 1], dtype), params={"weight": TABLE}, cotangents=[cotangent])
    assert run.param_gradients["weight"].tolist() == [[2, 20], [5, 50], [0, 0]]


@pytest.mark.parametrize("index", [-1, 3, 1000, -(2**40)])
def test_an_index_outside_the_table_gives_no_number(index: int) -> None:
    run = run_layer(LAYER, np.array([2, index]), params={"weight": TABLE})
    assert run.output[0].tolist() == [5, 6]
    assert np.isnan(run.output[1]).all()
    assert run.param_gradients["weight"].tolist() == [[0, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize("padding", [0, -1])
def test_padding_gives_zeros_and_lets_no_gradient_through(padding: int) -> None:
    layer = Embedding(entries=3, units=2, padding_index=padding)
    run = run_layer(layer, np.array([[padding, 1]]), params={"weight": TABLE})
    assert run.output.tolist() == [[[0, 0], [3, 4]]]
    assert run.param_gradients["weight"].tolist() == [[0, 0], [1, 1], [0, 0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_vectors_have_the_type_of_the_brain(dtype: str) -> None:
    words = TensorSpec(("N", "T"), "int64", "NT")
    brain = akid.Brain.sequential(
        Embedding(entries=9, units=4, name="words"), L.Dense(units=3), inputs={"text": words},
        precision=Precision.of(dtype),
    )  # fmt: skip
    graph = brain.resolve({"text": words})
    assert graph.calls[0].out_specs == (TensorSpec(("N", "T", 4), dtype, "NTC"),)
    assert graph.params["words/weight"].dtype == dtype


def test_what_the_axes_are_called() -> None:
    assert LAYER.outputs(TensorSpec(("N",), "int32", "N")).axes == "NC"
    assert LAYER.outputs(TensorSpec(("N", 5), "int32")).axes == ""
    assert LAYER.outputs(TensorSpec(("N", 5), "int32", "NC")).axes == ""


def test_max_norm_limits_each_vector() -> None:
    (weight,) = LAYER.params(TensorSpec(("N",), "int32"))
    limit = limited(NumpyOps(), Tensor(np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])), weight.axes, 1.0)
    np.testing.assert_allclose(limit.data, [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]], rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Embedding(entries=0, units=2), "entries must be at least 1, got 0"),
        (lambda: Embedding(entries=2, units=0), "units must be at least 1, got 0"),
        (lambda: LAYER.outputs(TensorSpec(("N", 3))), r"takes integer indices, got float32\[N, 3\]"),
        (lambda: LAYER.outputs(TensorSpec(("N", 3), "bool")), "takes integer indices, got bool"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
