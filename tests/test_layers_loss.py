"""Losses and metrics, by hand-computed cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from akid_core.layers import Accuracy, Dense, MeanSquaredError, SoftmaxCrossEntropy
from akid_core.specs import TensorSpec
from akid_core.testing.run_layer import run_layer

# Softmax of (0, ln 3) is (1/4, 3/4).
LOGITS = np.array([[0.0, math.log(3.0)], [0.0, math.log(3.0)]])
QUARTER, REST = math.log(4.0), math.log(4.0 / 3.0)


def mean(loss: object, *inputs: np.ndarray) -> float:
    """The weighted mean over the batch, as a backend forms it."""
    value, weight = run_layer(loss, *inputs).outputs  # type: ignore[arg-type]
    return float(np.sum(value * weight) / np.sum(weight))


def test_cross_entropy_of_indices() -> None:
    run = run_layer(SoftmaxCrossEntropy(), LOGITS, np.array([0, 1]), cotangents=[np.ones(2), np.zeros(2)])
    np.testing.assert_allclose(run.outputs[0], [QUARTER, REST], rtol=1e-14)
    assert run.outputs[1].tolist() == [1, 1]
    np.testing.assert_allclose(run.input_gradient, [[-0.75, 0.75], [0.25, -0.25]], rtol=1e-13)


def test_cross_entropy_of_probabilities() -> None:
    run = run_layer(
        SoftmaxCrossEntropy(),
        LOGITS,
        np.array([[0.5, 0.5], [0.0, 1.0]]),
        cotangents=[np.ones(2), np.zeros(2)],
    )
    np.testing.assert_allclose(run.outputs[0], [(QUARTER + REST) / 2, REST], rtol=1e-14)
    np.testing.assert_allclose(run.input_gradient, [[-0.25, 0.25], [0.25, -0.25]], rtol=1e-13)


def test_smoothing_spreads_the_label() -> None:
    value = run_layer(SoftmaxCrossEntropy(smoothing=0.5), LOGITS, np.array([1, 0])).outputs[0]
    np.testing.assert_allclose(value, [0.25 * QUARTER + 0.75 * REST, 0.75 * QUARTER + 0.25 * REST], rtol=1e-14)
    dense = run_layer(SoftmaxCrossEntropy(smoothing=0.5), LOGITS, np.array([[0.0, 1.0], [1.0, 0.0]])).outputs[0]
    np.testing.assert_allclose(dense, value, rtol=1e-14)


def test_class_weights_weigh_rows() -> None:
    loss = SoftmaxCrossEntropy(class_weights=(1.0, 3.0))
    assert run_layer(loss, LOGITS, np.array([0, 1])).outputs[1].tolist() == [1, 3]
    assert math.isclose(mean(loss, LOGITS, np.array([0, 1])), (QUARTER + 3 * REST) / 4)
    assert run_layer(loss, LOGITS, np.array([[0.5, 0.5], [1.0, 0.0]])).outputs[1].tolist() == [2, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_do_not_overflow(dtype: type) -> None:
    x = np.array([[1000.0, 0.0], [-1000.0, 0.0]], dtype)
    run = run_layer(SoftmaxCrossEntropy(), x, np.array([1, 1]), cotangents=[np.ones(2), np.zeros(2)])
    assert run.outputs[0].tolist() == [1000, 0]
    assert run.input_gradient.tolist() == [[1, -1], [0, 0]]


@pytest.mark.parametrize("index", [-1, 2])
def test_an_index_without_a_class_is_not_a_number(index: int) -> None:
    value = run_layer(SoftmaxCrossEntropy(), LOGITS, np.array([index, 1])).outputs[0]
    assert [math.isnan(number) for number in value] == [True, False]


def test_a_class_weight_does_not_hide_an_index_without_a_class() -> None:
    value, weight = run_layer(SoftmaxCrossEntropy(class_weights=(1.0, 3.0)), LOGITS, np.array([-1, 1])).outputs
    assert math.isnan(value[0])
    assert weight.tolist() == [1, 3]


def test_half_precision_is_reduced_in_single() -> None:
    value, weight = run_layer(SoftmaxCrossEntropy(), LOGITS.astype(np.float16), np.array([0, 1])).outputs
    assert value.dtype == weight.dtype == np.float32
    outputs = SoftmaxCrossEntropy().outputs(TensorSpec(("N", 2), "float16"), TensorSpec(("N",), "int64"))
    assert outputs == (TensorSpec(("N",), "float32", "N"),) * 2
    squares = run_layer(MeanSquaredError(), np.full((1, 2), 400.0, np.float16), np.zeros((1, 2), np.float16))
    assert squares.outputs[0].tolist() == [160000]


def test_mean_squared_error_of_matrices() -> None:
    x, y = np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    assert run_layer(MeanSquaredError(), x, y).outputs[0].tolist() == [0.5, 0]
    assert mean(MeanSquaredError(), x, y) == 0.25
    assert mean(MeanSquaredError(), y + 0.25, y) == 0.0625


@pytest.mark.parametrize(
    ("x", "weight", "labels", "expected"),
    [
        ([[1, 0], [0, 0]], [[1, 1], [0, 0]], [[2, 1], [1, 1]], 0.25),
        ([[1, 1], [1, 0]], [[1, 1], [0, 1]], [[2, 3], [2, 2]], 0.0),
    ],
)
def test_dense_then_mean_squared_error(x: object, weight: object, labels: object, expected: float) -> None:
    params = {"weight": np.array(weight, float), "bias": np.ones(2)}
    out = run_layer(Dense(units=2), np.array(x, float), params=params).output
    assert mean(MeanSquaredError(), out, np.array(labels, float)) == expected


def test_gradient_of_the_mean_squared_error() -> None:
    x, y = np.array([[1.0], [2.0]]), np.array([[3.0], [3.0]])
    params = {"weight": np.array([[2.0]])}
    out = run_layer(Dense(units=1, bias=False), x, params=params).output
    loss = run_layer(MeanSquaredError(), out, y, cotangents=[np.full(2, 0.5), np.zeros(2)])
    back = run_layer(Dense(units=1, bias=False), x, params=params, cotangents=[loss.input_gradient])
    assert loss.outputs[0].mean() == 1
    assert back.param_gradients["weight"].tolist() == [[1.0]]


def test_mean_squared_error_of_images_and_of_numbers() -> None:
    images = run_layer(MeanSquaredError(), np.full((2, 1, 2, 2), 3.0), np.ones((2, 1, 2, 2)))
    assert images.outputs[0].tolist() == [4, 4]
    assert run_layer(MeanSquaredError(), np.array([3.0, 1.0]), np.array([1.0, 1.0])).outputs[0].tolist() == [4, 0]


def test_accuracy() -> None:
    logits = np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]])
    parts = run_layer(Accuracy(), logits, np.array([0, 1]), extra=[np.ones(2, np.float32)]).outputs
    assert [float(part) for part in parts] == [1, 2]
    dense = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert [float(p) for p in run_layer(Accuracy(), logits, dense, extra=[np.ones(2, np.float32)]).outputs] == [1, 2]


def test_accuracy_counts_by_weight_and_takes_the_first_of_equals() -> None:
    logits = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    weights = np.array([4.0, 2.0, 0.5], np.float32)
    parts = run_layer(Accuracy(), logits, np.array([0, 1, 1], np.int32), extra=[weights]).outputs
    assert [float(part) for part in parts] == [4.5, 6.5]


def test_accuracy_over_batches() -> None:
    metric = Accuracy()
    state = metric.merge([{"sum": 3.0, "count": 4.0}, {"sum": 0.0, "count": 1.0}])
    assert metric.result(state) == 0.6
    assert math.isnan(metric.result({"sum": 0.0, "count": 0.0}))


LOGIT_SPEC = TensorSpec(("N", 3))


@pytest.mark.parametrize("block", [SoftmaxCrossEntropy(), Accuracy()])
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((LOGIT_SPEC,), "takes logits and labels, got 1 inputs"),
        ((LOGIT_SPEC, TensorSpec(("N",), "float32")), "integer indices"),
        ((LOGIT_SPEC, TensorSpec(("N", 4))), "probabilities"),
        ((LOGIT_SPEC, TensorSpec(("N", 3), "int64")), "probabilities"),
        ((TensorSpec(("N", 3, 2)), TensorSpec(("N",), "int64")), r"takes logits \(batch, classes\)"),
        ((TensorSpec(("N", 3), "int64"), TensorSpec(("N",), "int64")), "needs floating numbers"),
    ],
)
def test_labels_that_do_not_fit(
    block: SoftmaxCrossEntropy | Accuracy, inputs: tuple[TensorSpec, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        block.outputs(*inputs)


def test_other_refusals() -> None:
    labels = TensorSpec(("N",), "int64")
    with pytest.raises(ValueError, match="has 2 class_weights for 3 classes"):
        SoftmaxCrossEntropy(class_weights=(1.0, 2.0)).outputs(LOGIT_SPEC, labels)
    with pytest.raises(ValueError, match="class_weights must be at least 0"):
        SoftmaxCrossEntropy(class_weights=(1.0, -2.0))
    with pytest.raises(ValueError, match="smoothing is the share"):
        SoftmaxCrossEntropy(smoothing=1.5)
    with pytest.raises(ValueError, match="of one shape"):
        MeanSquaredError().outputs(LOGIT_SPEC, TensorSpec(("N", 1)))
    with pytest.raises(ValueError, match="takes predictions and targets, got 1"):
        MeanSquaredError().outputs(LOGIT_SPEC)
