"""Layers that arrange, cut, pair and group values, by hand-computed cases; what their axes are called afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.errors import SpecError
from akid_core.layers import Add, Maxout, MeanOut, Multiply, Reshape, Slice, Split, Transpose
from akid_core.specs import TensorSpec
from akid_core.testing.run_layer import run_layer

IMAGE = TensorSpec(("N", 4, 5, 6), "float32", "NCHW")
SEQUENCE = TensorSpec(("N", "T", 8), "float32", "NTC")
X = np.arange(24.0).reshape(2, 3, 4)


def test_reshape_is_row_major() -> None:
    assert run_layer(Reshape(shape=(2, -1)), X).output.tolist() == X.reshape(2, 2, 6).tolist()
    assert run_layer(Reshape(shape=(-1,)), X, cotangents=[X.reshape(2, 12)]).input_gradient.tolist() == X.tolist()
    assert run_layer(Reshape(shape=(6, 2)), np.zeros((0, 3, 4))).output.shape == (0, 6, 2)


def test_transpose() -> None:
    assert run_layer(Transpose(axes=(2, 1)), X).output.tolist() == X.transpose(0, 2, 1).tolist()
    cycled = run_layer(Transpose(axes=(2, 3, 1)), np.zeros((2, 3, 4, 5)))
    assert cycled.output.shape == (2, 4, 5, 3)
    assert cycled.input_gradient.shape == (2, 3, 4, 5)


def test_split_into_equal_parts() -> None:
    run = run_layer(Split(parts=2, axis=-1), X, cotangents=[np.full((2, 3, 2), 1.0), np.full((2, 3, 2), 2.0)])
    assert [out.tolist() for out in run.outputs] == [X[..., :2].tolist(), X[..., 2:].tolist()]
    assert run.input_gradient.tolist() == [[[1.0, 1.0, 2.0, 2.0]] * 3] * 2


def test_split_by_sizes() -> None:
    # Width 5 by (1, 2) leaves 2 over, which is an error here.
    run = run_layer(Split(parts=(1, 2)), X)
    assert [out.shape for out in run.outputs] == [(2, 1, 4), (2, 2, 4)]
    assert run.outputs[1].tolist() == X[:, 1:].tolist()


def test_parts_are_wired_by_number() -> None:
    brain = akid.Brain.graph(
        Split(parts=(1, 3), name="cut").on("image"),
        Slice(axis=1, start=2, name="end").on("cut:1"),
        Multiply(name="gated").on("cut:0", "end"),
        inputs={"image": IMAGE}, outputs="gated",
    )  # fmt: skip
    graph = brain.resolve({"image": IMAGE}, losses=False)
    assert graph.spec(graph.outputs["gated"]) == TensorSpec(("N", 1, 5, 6), "float32", "NCHW")
    with pytest.raises(SpecError, match="'cut' gives 2 outputs"):
        akid.Brain.graph(
            Split(parts=2, name="cut").on("image"), L.ReLU().on("cut:2"), inputs={"image": IMAGE}
        ).resolve({"image": IMAGE}, losses=False)  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Slice(start=1), X[:, 1:]),
        (Slice(stop=-1), X[:, :-1]),
        (Slice(axis=2, start=-3, stop=4, step=2), X[:, :, -3:4:2]),
        (Slice(axis=-1, start=3), X[..., 3:]),
    ],
)
def test_slice(layer: Slice, expected: np.ndarray) -> None:
    run = run_layer(layer, X)
    assert run.output.tolist() == expected.tolist()
    assert run.input_gradient.sum() == expected.size
    assert layer.outputs(TensorSpec(("N", 3, 4))).shape[1:] == expected.shape[1:]


def test_multiply() -> None:
    run = run_layer(Multiply(), np.array([[2.0, 3.0]]), np.array([[5.0, 7.0]]), np.array([[1.0, -1.0]]))
    assert run.output.tolist() == [[10.0, -21.0]]
    gradients = [gradient.tolist() for gradient in run.input_gradients if gradient is not None]
    assert gradients == [[[5.0, -7.0]], [[2.0, -3.0]], [[10.0, 21.0]]]


def test_an_axis_of_size_one_is_stretched() -> None:
    gate = np.array([[[2.0], [3.0], [4.0]]] * 2)
    run = run_layer(Multiply(), gate, X)
    assert run.output.tolist() == (gate * X).tolist()
    gradient = run.input_gradients[0]
    assert gradient is not None
    assert gradient.tolist() == X.sum(axis=2, keepdims=True).tolist()
    assert run_layer(Add(), X, gate).output.tolist() == (gate + X).tolist()
    ragged = TensorSpec(("N", 1, 6)), TensorSpec(("N", "T", 1), "float32", "NTC")
    assert Multiply().outputs(*ragged) == TensorSpec(("N", "T", 6), "float32", "NTC")


def test_maxout_and_mean_out() -> None:
    assert run_layer(Maxout(group_size=2), np.array([[1.0, 0.0]])).output.tolist() == [[1.0]]
    assert run_layer(MeanOut(group_size=2), np.array([[1.0, 0.0]])).output.tolist() == [[0.5]]
    x = np.array([[1.0, 5.0, 2.0, 4.0, 4.0, 0.0]])
    run = run_layer(Maxout(group_size=3), x, cotangents=[np.array([[1.0, 10.0]])])
    assert run.output.tolist() == [[5.0, 4.0]]
    assert run.input_gradient.tolist() == [[0, 1, 0, 10, 0, 0]]
    assert run_layer(MeanOut(group_size=3), x).input_gradient.tolist() == [[1 / 3] * 6]


def test_groups_are_consecutive_along_the_axis() -> None:
    assert run_layer(Maxout(group_size=3), X).output.tolist() == X[:, 2:].tolist()
    assert run_layer(MeanOut(group_size=2, axis=-1), X).output.tolist() == ((X[..., ::2] + X[..., 1::2]) / 2).tolist()
    assert Maxout(group_size=2, axis=3).outputs(IMAGE) == TensorSpec(("N", 4, 5, 3), "float32", "NCHW")


@pytest.mark.parametrize(
    ("layer", "spec", "axes"),
    [
        (Transpose(axes=(2, 3, 1)), IMAGE, "NHWC"),
        (Transpose(axes=(2, 1)), SEQUENCE, "NCT"),
        (Transpose(axes=(2, 1)), TensorSpec(("N", 3, 4)), ""),
        (Slice(axis=2, stop=2), IMAGE, "NCHW"),
        (Split(parts=2), IMAGE, "NCHW"),
        (Reshape(shape=(4, 5, 6)), IMAGE, "NCHW"),
        (Reshape(shape=(-1,)), IMAGE, "NC"),
        (Reshape(shape=(20, 6)), IMAGE, ""),
        (Maxout(group_size=2), IMAGE, "NCHW"),
    ],
)
def test_axes_keep_their_letters(layer: Any, spec: TensorSpec, axes: str) -> None:
    outputs = layer.outputs(spec)
    assert {out.axes for out in (outputs if isinstance(outputs, tuple) else (outputs,))} == {axes}


def test_a_dense_layer_still_knows_an_image() -> None:
    (half, _) = Split(parts=2).outputs(IMAGE)
    with pytest.raises(ValueError, match="put Flatten before it"):
        L.Dense(units=3).outputs(half)
    assert L.Dense(units=3).outputs(Transpose(axes=(2, 3, 1)).outputs(IMAGE)).shape == ("N", 5, 6, 3)


def spec(*shape: Any) -> TensorSpec:
    return TensorSpec(shape)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Reshape(shape=(2, -1, -1)), r"at most one -1, got \(2, -1, -1\)"),
        (lambda: Reshape(shape=(0, 3)), "shape holds sizes of at least 1"),
        (lambda: Reshape(shape=(7, -1)).outputs(IMAGE), r"has 120 values, which do not fill the shape \(7, -1\)"),
        (lambda: Reshape(shape=(5, 5)).outputs(IMAGE), r"has 120 values, which do not fill the shape \(5, 5\)"),
        (lambda: Reshape(shape=(8,)).outputs(SEQUENCE), "symbolic dimensions beside the batch"),
        (lambda: Transpose(axes=(0, 1)), r"the batch, 0, stays in front\), got \(0, 1\)"),
        (lambda: Transpose(axes=(1, 1)), "each axis of a row once"),
        (lambda: Transpose(axes=(2, 1)).outputs(IMAGE), r"axes \(2, 1\) order 2 axes, and a row .* has 3"),
        (lambda: Split(parts=0), "parts is a number of parts or the size of each, all at least 1, got 0"),
        (lambda: Split(parts=()), r"all at least 1, got \(\)"),
        (lambda: Split(parts=(2, 0)), r"all at least 1, got \(2, 0\)"),
        (lambda: Split(parts=2, axis=0), "axis 0 is the batch"),
        (lambda: Split(parts=3).outputs(IMAGE), "4 values along axis 1 do not fall into 3 equal parts"),
        (lambda: Split(parts=(1, 2)).outputs(spec("N", 5)), r"parts \(1, 2\) are 3 values together, .* has 5"),
        (lambda: Split(parts=2).outputs(SEQUENCE), "needs to know the size of axis 1, which is 'T'"),
        (lambda: Slice(step=0), "step must be at least 1, got 0"),
        (lambda: Slice(axis=0), "axis 0 is the batch"),
        (lambda: Slice(axis=2).outputs(spec("N", 3)), "use an axis from 1 to 1"),
        (lambda: Slice(stop=5).outputs(IMAGE), r"stop 5 lies outside axis 1 of .*, which has 4 values"),
        (lambda: Slice(start=-5).outputs(IMAGE), "start -5 lies outside axis 1"),
        (lambda: Slice(start=2, stop=2).outputs(IMAGE), "leaves nothing of axis 1 .* from 2 to before 2"),
        (lambda: Multiply().outputs(IMAGE), "joins two or more inputs, got 1"),
        (lambda: Multiply().outputs(spec("N", 3), spec("N", 4)), "multiplies inputs of one shape, got"),
        (lambda: Multiply().outputs(spec("N", 3), spec("N", 3, 1)), "one type and number of dimensions"),
        (lambda: Maxout(group_size=0), "group_size must be at least 1, got 0"),
        (lambda: Maxout(group_size=3).outputs(IMAGE), r"4 values along axis 1 of .* do not fall into groups of 3"),
        (lambda: MeanOut(group_size=2, axis=4).outputs(IMAGE), "cannot act along axis 4"),
        (lambda: MeanOut(group_size=2).outputs(TensorSpec(("N", 4), "int32")), "needs floating numbers"),
    ],
)  # fmt: skip
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
