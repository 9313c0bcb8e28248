"""Losses, by hand-computed cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from akid_core.errors import SpecError
from akid_core.graph.brain import Brain
from akid_core.layers import (
    Accuracy,
    BinaryCrossEntropy,
    Dense,
    HardRanking,
    Hinge,
    Huber,
    KLDivergence,
    MarginRanking,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
    TripletMargin,
)
from akid_core.layers.losses.ranking import BatchRanking
from akid_core.specs import Loss, TensorSpec
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


LOGIT_SPEC = TensorSpec(("N", 3))


@pytest.mark.parametrize("block", [SoftmaxCrossEntropy(), Accuracy()])
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((LOGIT_SPEC, TensorSpec(("N",), "float32")), "integer indices"),
        ((LOGIT_SPEC, TensorSpec(("N", 4))), "probabilities"),
        ((LOGIT_SPEC, TensorSpec(("N", 3), "int64")), "probabilities"),
        ((LOGIT_SPEC, TensorSpec(("N",), "bool")), r"integer indices \(N,\) or floating probabilities \(N, 3\)"),
        ((TensorSpec(("N", 3, 2)), TensorSpec(("N",), "int64")), r"integer indices \(N, 3\)"),
        (
            (TensorSpec(("N", 3, 2, 2)), TensorSpec(("N",), "int64")),
            r"takes logits \(batch, classes\), or \(batch, time",
        ),
        ((LOGIT_SPEC, TensorSpec(("N",), "int64"), TensorSpec(("N", 3))), r"takes a mask \(N,\), a number for each"),
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
    with pytest.raises(ValueError, match="has ignore_index -1, but its labels are probabilities: give a mask"):
        SoftmaxCrossEntropy(ignore_index=-1).outputs(LOGIT_SPEC, LOGIT_SPEC)
    with pytest.raises(ValueError, match="of one shape"):
        MeanSquaredError().outputs(LOGIT_SPEC, TensorSpec(("N", 1)))
    with pytest.raises(ValueError, match="delta is where the square ends"):
        Huber(delta=0.0)
    with pytest.raises(ValueError, match="positive_weight must be at least 0"):
        BinaryCrossEntropy(positive_weight=(1.0, -1.0))
    with pytest.raises(ValueError, match="has 2 numbers as positive_weight, which do not fit"):
        BinaryCrossEntropy(positive_weight=(1.0, 2.0)).outputs(LOGIT_SPEC, LOGIT_SPEC)
    with pytest.raises(ValueError, match=r"takes scores and labels of one shape, got float32\[N, 3\] and int64\[N\]"):
        BinaryCrossEntropy().outputs(LOGIT_SPEC, labels)
    with pytest.raises(ValueError, match="scores are 'logits' or 'log_probabilities'"):
        KLDivergence(scores="odds")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"takes logits and probabilities \(batch, ..., classes\) of one shape"):
        KLDivergence().outputs(LOGIT_SPEC, TensorSpec(("N", 2)))
    for block in (Hinge, MarginRanking, HardRanking, TripletMargin):
        with pytest.raises(ValueError, match="margin is how far ahead is enough"):
            block(margin=-0.5)
    with pytest.raises(ValueError, match="takes scores .batch, classes. with integer indices"):
        Hinge().outputs(LOGIT_SPEC, TensorSpec(("N",)))
    with pytest.raises(ValueError, match=r"takes two scores, and a sign if wanted, of one shape, got .*int64\[N\]"):
        MarginRanking().outputs(LOGIT_SPEC, LOGIT_SPEC, labels)
    with pytest.raises(ValueError, match="takes one score for each row"):
        HardRanking().outputs(LOGIT_SPEC, labels)
    with pytest.raises(ValueError, match=r"takes a label for each row, integers \(N,\), got float32\[N\]"):
        TripletMargin().outputs(LOGIT_SPEC, TensorSpec(("N",)))
    with pytest.raises(ValueError, match=r"takes a mask \(N,\), a number for each row"):
        TripletMargin().outputs(LOGIT_SPEC, labels, LOGIT_SPEC)


def test_the_number_of_inputs_is_said_with_their_names() -> None:
    brain = Brain.sequential(Dense(units=3, name="logits"), inputs="x")
    with pytest.raises(SpecError, match=r"takes 2 to 3 inputs \(logits, labels, mask\), got 1"):
        brain.with_loss(SoftmaxCrossEntropy(), "logits").resolve({"x": TensorSpec(("N", 4))})


# --- sequences and masks ----------------------------------------------------------------------------------------------

STEPS = np.stack([LOGITS, LOGITS])
"""Two rows of two positions each, of two classes."""


def test_a_sequence_counts_for_each_of_its_labels() -> None:
    labels, mask = np.array([[0, 1], [1, 0]]), np.array([[True, False], [True, True]])
    run = run_layer(SoftmaxCrossEntropy(), STEPS, labels, mask, cotangents=[np.array([1.0, 2.0]), np.zeros(2)])
    np.testing.assert_allclose(run.outputs[0], [QUARTER, (REST + QUARTER) / 2], rtol=1e-14)
    assert run.outputs[1].tolist() == [1, 2]
    # value times weight of each row, derived by the logits: softmax - label where the mask is 1
    expected = [[[-0.75, 0.75], [0, 0]], [[0.25, -0.25], [-0.75, 0.75]]]
    np.testing.assert_allclose(run.input_gradient, expected, rtol=1e-13)
    assert math.isclose(mean(SoftmaxCrossEntropy(), STEPS, labels, mask), (2 * QUARTER + REST) / 3)


def test_a_mask_may_hold_any_weights() -> None:
    labels, mask = np.array([0, 1]), np.array([0.5, 2.0])
    assert run_layer(SoftmaxCrossEntropy(), LOGITS, labels, mask).outputs[1].tolist() == [0.5, 2]
    weighed = SoftmaxCrossEntropy(class_weights=(4.0, 1.0))
    assert run_layer(weighed, LOGITS, labels, mask).outputs[1].tolist() == [2, 2]


@pytest.mark.parametrize("dtype", [np.int8, np.int64])
def test_ignored_labels_count_for_nothing(dtype: type) -> None:
    labels = np.array([[0, -1], [-1, -1]], dtype)
    run = run_layer(SoftmaxCrossEntropy(ignore_index=-1, smoothing=0.1), STEPS, labels)
    assert run.outputs[1].tolist() == [1, 0]
    assert run.outputs[0][1] == 0
    assert (run.input_gradient[0, 1] == 0).all()
    assert (run.input_gradient[1] == 0).all()
    other = run_layer(SoftmaxCrossEntropy(ignore_index=0), LOGITS, np.array([0, -1], dtype))
    assert other.outputs[1].tolist() == [0, 1]
    assert math.isnan(other.outputs[0][1]), "a label that names no class is seen, unless it is the one to ignore"


def test_a_mask_of_zeros_hides_labels_that_name_no_class() -> None:
    run = run_layer(SoftmaxCrossEntropy(), STEPS, np.full((2, 2), 7, np.uint8), np.zeros((2, 2), bool))
    assert [output.tolist() for output in run.outputs] == [[0, 0], [0, 0]]
    assert (run.input_gradient == 0).all()


def test_a_class_can_be_taken_out() -> None:
    logits = np.array([[0.0, math.log(3.0), -math.inf]])
    run = run_layer(SoftmaxCrossEntropy(), logits, np.array([0]), cotangents=[np.ones(1), np.zeros(1)])
    np.testing.assert_allclose(run.outputs[0], [QUARTER], rtol=1e-14)
    np.testing.assert_allclose(run.input_gradient, [[-0.75, 0.75, 0]], rtol=1e-13)


# --- yes or no --------------------------------------------------------------------------------------------------------


def test_binary_cross_entropy() -> None:
    logits = np.array([[0.0, math.log(3.0)], [math.log(3.0), 0.0]])  # the sigmoid of ln 3 is 3/4
    labels = np.array([[1, 0], [1, 1]], np.uint8)
    run = run_layer(BinaryCrossEntropy(), logits, labels, cotangents=[np.ones(2), np.zeros(2)])
    np.testing.assert_allclose(run.outputs[0], [(math.log(2) + QUARTER) / 2, (REST + math.log(2)) / 2], rtol=1e-14)
    assert run.outputs[1].tolist() == [1, 1]
    np.testing.assert_allclose(run.input_gradient, [[-0.25, 0.375], [-0.125, -0.25]], rtol=1e-13)


def test_binary_cross_entropy_with_the_weight_of_what_is_positive() -> None:
    logits, labels = np.zeros((1, 2)), np.array([[True, False]])
    assert math.isclose(mean(BinaryCrossEntropy(positive_weight=3.0), logits, labels), math.log(2) * (3 + 1) / 2)
    assert math.isclose(mean(BinaryCrossEntropy(positive_weight=(5.0, 9.0)), logits, labels), math.log(2) * (5 + 1) / 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_of_large_logits(dtype: type) -> None:
    logits = np.array([1e4, -1e4, 1e4, -1e4], dtype)
    run = run_layer(BinaryCrossEntropy(), logits, np.array([1, 0, 0, 1]), cotangents=[np.ones(4), np.zeros(4)])
    assert run.outputs[0].tolist() == [0, 0, 1e4, 1e4]
    assert run.input_gradient.tolist() == [0, 0, 1, -1]


@pytest.mark.parametrize("label", [-1.0, 1.5, math.nan])
def test_a_label_that_is_no_probability_is_not_a_number(label: float) -> None:
    value = run_layer(BinaryCrossEntropy(), np.ones((2, 1)), np.array([label, 1.0])).outputs[0]
    assert [math.isnan(number) for number in value] == [True, False]


# --- real numbers -----------------------------------------------------------------------------------------------------


def test_absolute_and_huber_error() -> None:
    x, y = np.array([[3.0, -0.5], [1.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 2.0]])
    run = run_layer(MeanAbsoluteError(), x, y, cotangents=[np.full(2, 2.0), np.zeros(2)])
    assert run.outputs[0].tolist() == [1.75, 0.5]
    assert run.input_gradient.tolist() == [[1, -1], [0, -1]]
    # delta 1: 3 - 1/2 outside, 1/8 inside; the edge, 1, is 1/2 either way
    run = run_layer(Huber(), x, y, cotangents=[np.full(2, 2.0), np.zeros(2)])
    assert run.outputs[0].tolist() == [(2.5 + 0.125) / 2, 0.25]
    assert run.input_gradient.tolist() == [[1, -0.5], [0, -1]]
    assert run_layer(Huber(delta=2.0), x, y).outputs[0].tolist() == [(2 * (3 - 1) + 0.125) / 2, 0.25]


def test_an_outlier_does_not_overflow_huber() -> None:
    run = run_layer(Huber(), np.array([1e30], np.float32), np.zeros(1, np.float32))
    assert run.outputs[0].tolist() == [np.float32(1e30)]
    assert run.input_gradient.tolist() == [1]


# --- margins ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [np.array([1, 1, -1]), np.array([1.0, 1.0, 0.0]), np.array([1, 1, 0], np.uint8)])
def test_hinge_of_yes_and_no(labels: np.ndarray) -> None:
    scores = np.array([0.5, -2.0, 3.0])
    run = run_layer(Hinge(), scores, labels, cotangents=[np.ones(3), np.zeros(3)])
    assert run.outputs[0].tolist() == [0.5, 3, 4]
    assert run.outputs[0].mean() == 2.5
    assert run.input_gradient.tolist() == [-1, -1, 1]
    assert run_layer(Hinge(squared=True), scores, labels).outputs[0].tolist() == [0.25, 9, 16]
    assert run_layer(Hinge(margin=2.0), scores[:, None], labels).outputs[0].tolist() == [1.5, 4, 5]


def test_hinge_of_classes() -> None:
    scores = np.array([[1.0, 2.0, 2.0], [3.0, 0.5, 2.5], [2.0, 1.0, 0.0]])
    run = run_layer(Hinge(), scores, np.array([0, 0, 0]), cotangents=[np.ones(3), np.zeros(3)])
    assert run.outputs[0].tolist() == [2, 0.5, 0]
    # the first of equal others takes the gradient; a margin that is just met has none
    assert run.input_gradient.tolist() == [[-1, 1, 0], [-1, 0, 1], [0, 0, 0]]
    assert math.isnan(run_layer(Hinge(), scores, np.array([3, 0, 0])).outputs[0][0])


@pytest.mark.parametrize("label", [2, -2])
def test_a_label_that_is_neither_yes_nor_no_is_not_a_number(label: int) -> None:
    value = run_layer(Hinge(squared=True), np.zeros(2), np.array([label, 1])).outputs[0]
    assert [math.isnan(number) for number in value] == [True, False]


def test_margin_ranking() -> None:
    better, worse = np.array([[0.5], [0.75]]), np.array([[0.125], [0.125]])
    run = run_layer(MarginRanking(margin=0.5), better, worse, cotangents=[np.ones(2), np.zeros(2)])
    assert run.outputs[0].tolist() == [0.125, 0]
    assert [gradient.tolist() for gradient in run.input_gradients if gradient is not None] == [[[-1], [0]], [[1], [0]]]
    assert mean(MarginRanking(margin=0.5), better, worse) == 0.0625
    assert mean(MarginRanking(margin=0.5, hard=True), better, worse) == 0.125
    turned = run_layer(MarginRanking(margin=0.5), worse, better, np.array([[-1], [-1]])).outputs[0]
    assert turned.tolist() == [0.125, 0]
    assert math.isnan(run_layer(MarginRanking(), worse, better, np.array([[0], [1]])).outputs[0][0])


def test_hard_pairs_are_counted_one_by_one() -> None:
    better, worse = np.array([[1.0, 2.0, 0.0], [5.0, 5.0, 5.0]]), np.zeros((2, 3))
    value, weight = run_layer(MarginRanking(margin=1.5, hard=True), better, worse).outputs
    assert value.tolist() == [(0.5 + 1.5) / 2, 0]
    assert weight.tolist() == [2, 0]


def test_no_hard_pair_is_no_number_of_rows_but_no_nan() -> None:
    run = run_layer(MarginRanking(hard=True), np.full(3, 5.0), np.zeros(3))
    assert [output.tolist() for output in run.outputs] == [[0, 0, 0], [0, 0, 0]]
    assert (run.input_gradient == 0).all()


def test_hard_ranking() -> None:
    scores, labels = np.array([2.0, 0.0, 1.0, 1.5]), np.array([1, 1, 0, 0])
    run = run_layer(HardRanking(), scores, labels, cotangents=[np.array([1.0, 10, 100, 1000]), np.zeros(4)])
    # positives against 1.5, negatives against 0
    assert run.outputs[0].tolist() == [0.5, 2.5, 2, 2.5]
    assert run.outputs[1].tolist() == [1, 1, 1, 1]
    assert run.input_gradient.tolist() == [-1, -10 - 1100, 100, 1000 + 11]
    assert run_layer(HardRanking(), scores[:, None], labels.astype(np.uint8)).outputs[0].tolist() == [0.5, 2.5, 2, 2.5]


def test_a_mask_keeps_rows_from_being_compared() -> None:
    scores, labels = np.array([2.0, 0.0, 1.0, 1.5]), np.array([1, 1, 0, 0])
    run = run_layer(HardRanking(), scores, labels, np.array([1, 0, 1, 0]))
    assert run.outputs[0].tolist() == [0, 0, 0, 0]
    assert run.outputs[1].tolist() == [1, 0, 1, 0]


def test_triplet_margin() -> None:
    x, labels = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0], [6.0, 8.0]]), np.array([4, 4, 7, 4])
    run = run_layer(TripletMargin(), x, labels, cotangents=[np.array([1.0, 0, 0, 0]), np.zeros(4)])
    near, far = 1.0, math.hypot(6, 7)
    expected = [1 + 10 - near, 1 + 5 - math.hypot(3, 3), 0, 1 + 10 - far]
    np.testing.assert_allclose(run.outputs[0], expected, rtol=1e-14)
    assert run.outputs[1].tolist() == [1, 1, 0, 1], "the third has no companion"
    # towards the farthest friend (row 3, direction 0.6, 0.8), away from the nearest stranger (row 2, direction 0, 1)
    np.testing.assert_allclose(run.input_gradient, [[-0.6, 0.2], [0, 0], [0, -1], [0.6, 0.8]], atol=1e-15)


@pytest.mark.parametrize("block", [HardRanking(), TripletMargin()])
@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0, 0], [1], []])
def test_rows_without_anybody_to_compare_with_count_for_nothing(block: BatchRanking, labels: list[int]) -> None:
    x = np.ones((len(labels), 1))
    run = run_layer(block, x, np.array(labels, np.int64))
    assert [output.tolist() for output in run.outputs] == [[0.0] * len(labels)] * 2
    assert run.input_gradient.tolist() == np.zeros_like(x).tolist()


def test_equal_embeddings_have_a_gradient() -> None:
    run = run_layer(TripletMargin(), np.ones((4, 3)), np.array([0, 0, 1, 1]))
    assert run.outputs[0].tolist() == [1, 1, 1, 1]
    assert (run.input_gradient == 0).all()


def test_nothing_that_is_no_number_hides_among_triplets() -> None:
    x = np.array([[math.nan], [1.0], [2.0]])
    assert np.isnan(run_layer(TripletMargin(), x, np.array([0, 0, 1])).outputs[0]).any()


# --- divergence -------------------------------------------------------------------------------------------------------


def test_divergence() -> None:
    target = np.array([[0.5, 0.5], [0.0, 1.0]])
    run = run_layer(KLDivergence(), LOGITS, target, cotangents=[np.ones(2), np.zeros(2)])
    # entropies: ln 2 and 0
    np.testing.assert_allclose(run.outputs[0], [(QUARTER + REST) / 2 - math.log(2), REST], rtol=1e-14)
    np.testing.assert_allclose(run.input_gradient, [[-0.25, 0.25], [0.25, -0.25]], rtol=1e-13)
    given = run_layer(KLDivergence(scores="log_probabilities"), np.log([[0.25, 0.75], [0.25, 0.75]]), target)
    np.testing.assert_allclose(given.outputs[0], run.outputs[0], rtol=1e-14)


def test_nothing_times_the_logarithm_of_nothing() -> None:
    logs, target = np.array([[-math.inf, 0.0]]), np.array([[0.0, 1.0]])
    run = run_layer(KLDivergence(scores="log_probabilities"), logs, target, cotangents=[np.ones(1), np.zeros(1)])
    assert run.outputs[0].tolist() == [0]
    assert [gradient.tolist() for gradient in run.input_gradients if gradient is not None] == [[[0, -1]], [[0, 1]]]
    assert math.isnan(run_layer(KLDivergence(), LOGITS, np.array([[-0.5, 1.5], [0.5, 0.5]])).outputs[0][0])


def test_divergence_of_sequences_is_averaged() -> None:
    target = np.stack([np.full((2, 2), 0.5), np.array([[0.0, 1.0], [1.0, 0.0]])])
    value = run_layer(KLDivergence(), STEPS, target).outputs[0]
    np.testing.assert_allclose(value, [(QUARTER + REST) / 2 - math.log(2), (REST + QUARTER) / 2], rtol=1e-14)


# --- what holds for all -----------------------------------------------------------------------------------------------

UNSIGNED = np.array([1, 0], np.uint8)
EXTREME: list[tuple[Loss, tuple[np.ndarray, ...]]] = [
    (SoftmaxCrossEntropy(smoothing=0.1), (np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32), UNSIGNED)),
    (BinaryCrossEntropy(positive_weight=2.0), (np.array([[1e4], [-1e4]], np.float32), UNSIGNED)),
    (KLDivergence(), (np.array([[1e4, -1e4]], np.float32), np.array([[0.5, 0.5]], np.float32))),
    (Hinge(squared=True), (np.array([[1e4], [1e4]], np.float32), UNSIGNED)),
    (TripletMargin(), (np.array([[1e4, 0.0], [-1e4, 0.0], [0.0, 0.0]], np.float32), np.array([0, 0, 1], np.uint8))),
    (HardRanking(), (np.array([1e4, -1e4], np.float32), UNSIGNED)),
]


@pytest.mark.parametrize(("loss", "inputs"), EXTREME, ids=lambda case: getattr(case, "component", str)())
def test_extreme_scores_stay_finite(loss: Loss, inputs: tuple[np.ndarray, ...]) -> None:
    run = run_layer(loss, *inputs)
    assert np.isfinite(run.outputs[0]).all()
    assert np.isfinite(run.input_gradient).all()
    assert run.outputs[0].dtype == np.float32


@pytest.mark.parametrize(
    ("loss", "others"),
    [
        (SoftmaxCrossEntropy(ignore_index=-1), (np.zeros(0, np.int64), np.zeros(0))),
        (SoftmaxCrossEntropy(), (np.zeros((0, 3)),)),
        (BinaryCrossEntropy(), (np.zeros((0, 3), bool),)),
        (KLDivergence(), (np.zeros((0, 3)),)),
        (Huber(), (np.zeros((0, 3)),)),
        (Hinge(), (np.zeros(0, np.int64),)),
        (MarginRanking(), (np.zeros((0, 3)),)),
        (TripletMargin(), (np.zeros(0, np.int64),)),
    ],
    ids=repr,
)
def test_an_empty_batch(loss: Loss, others: tuple[np.ndarray, ...]) -> None:
    run = run_layer(loss, np.zeros((0, 3)), *others)
    assert [output.shape for output in run.outputs] == [(0,), (0,)]
    assert run.input_gradient.shape == (0, 3)
