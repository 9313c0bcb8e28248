"""Metrics: by hand-computed cases, and those of order by counting pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from akid_core.layers import (
    AUC,
    AbsoluteError,
    Accuracy,
    BinaryAccuracy,
    ConfusionMatrix,
    MeanAveragePrecision,
    Perplexity,
    SquaredError,
    TopK,
)
from akid_core.specs import Metric, TensorSpec
from akid_core.testing.run_layer import run_layer

ONES = np.ones(2, np.float32)
LOGITS = np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]])


def parts(metric: Metric, *inputs: np.ndarray, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """What one batch gives."""
    rows = np.ones(len(inputs[0]), np.float32) if weights is None else weights.astype(np.float32)
    return dict(zip(metric.parts, run_layer(metric, *inputs, extra=[rows]).outputs, strict=True))


def result(metric: Metric, *inputs: np.ndarray, weights: np.ndarray | None = None, batches: int = 1) -> float:
    """The figure of rows that come in some batches."""
    given = [*inputs, np.ones(len(inputs[0])) if weights is None else weights]
    states = [
        parts(metric, *batch[:-1], weights=batch[-1])
        for batch in zip(*(np.array_split(values, batches) for values in given), strict=True)
    ]
    return float(metric.result(metric.merge(states)))


# --- classes ----------------------------------------------------------------------------------------------------------


def test_accuracy() -> None:
    assert parts(Accuracy(), LOGITS, np.array([0, 1])) == {"sum": 1, "count": 2}
    dense = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert parts(Accuracy(), LOGITS, dense) == {"sum": 1, "count": 2}


def test_accuracy_counts_by_weight_and_takes_the_first_of_equals() -> None:
    logits = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    weights = np.array([4.0, 2.0, 0.5])
    assert parts(Accuracy(), logits, np.array([0, 1, 1], np.int32), weights=weights) == {"sum": 4.5, "count": 6.5}


def test_accuracy_over_batches() -> None:
    metric = Accuracy()
    state = metric.merge([{"sum": 3.0, "count": 4.0}, {"sum": 0.0, "count": 1.0}])
    assert metric.result(state) == 0.6
    assert math.isnan(metric.result({"sum": 0.0, "count": 0.0}))


SEQUENCE = np.array([[[2.0, 1.0], [0.0, 1.0]], [[2.0, 1.0], [0.0, 1.0]]])
TOKENS = np.array([[0, 1], [1, -1]])


def test_accuracy_of_sequences_is_over_all_labels() -> None:
    assert parts(Accuracy(), SEQUENCE, TOKENS) == {"sum": 2, "count": 4}
    assert parts(Accuracy(ignore_index=-1), SEQUENCE, TOKENS) == {"sum": 2, "count": 3}
    mask = np.array([[True, False], [True, False]])
    assert parts(Accuracy(), SEQUENCE, TOKENS, mask) == {"sum": 1, "count": 2}
    assert parts(Accuracy(), SEQUENCE, TOKENS, mask, weights=np.array([3.0, 0.5])) == {"sum": 3, "count": 3.5}
    assert math.isnan(result(Accuracy(), SEQUENCE, TOKENS, np.zeros((2, 2))))


def test_the_label_is_among_the_first_k() -> None:
    logits = np.array([[0.1, 0.4, 0.3, 0.2]] * 4)
    labels = np.arange(4)
    for k, right in ((1, 1), (2, 2), (3, 3), (4, 4)):
        assert parts(TopK(k=k), logits, labels)["sum"] == right


def test_of_equal_logits_the_first_come_first() -> None:
    logits = np.array([[1.0, 1.0, 1.0, 0.0]] * 4)
    assert [parts(TopK(k=2), logits[:1], np.array([label]))["sum"] for label in range(4)] == [1, 1, 0, 0]
    for labels in (np.array([-1, 4]), np.array([200, 255], np.uint8)):
        assert parts(TopK(k=4), logits[:2], labels) == {"sum": 0, "count": 2}
    nan = np.array([[math.nan, 1.0, 2.0, 3.0]])
    assert [parts(TopK(k=3), nan, np.array([label]))["sum"] for label in range(4)] == [0, 0, 1, 1]


def test_top_one_is_accuracy() -> None:
    random = np.random.default_rng(0)
    logits, labels = random.integers(0, 3, (50, 4)).astype(float), random.integers(0, 4, 50)
    assert parts(TopK(k=1), logits, labels) == parts(Accuracy(), logits, labels)


def test_confusion_matrix() -> None:
    metric = ConfusionMatrix()
    logits = np.array([[3.0, 1.0, 2.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 5.0, 1.0]])
    weights = np.array([1.0, 2.0, 0.5, 1.0])
    one = parts(metric, logits, np.array([0, 0, 1, 7]), weights=weights)
    other = parts(metric, logits, np.array([2, 2, 2, 2]))
    assert one["counts"].tolist() == [[1, 0, 2], [0.5, 0, 0], [0, 0, 0]]
    joined = metric.result(metric.merge([one, other]))
    assert joined.tolist() == [[1, 0, 2], [0.5, 0, 0], [2, 1, 1]]
    assert joined.dtype == np.float64
    assert parts(metric, SEQUENCE, TOKENS)["counts"].tolist() == [[1, 0], [1, 1]]


def test_perplexity() -> None:
    uniform = np.zeros((3, 7))
    assert math.isclose(result(Perplexity(), uniform, np.array([0, 3, 6])), 7)
    # probabilities 1/4 and 3/4: exp of the mean of ln 4 and ln 4/3
    logits = np.array([[0.0, math.log(3.0)]] * 2)
    assert math.isclose(result(Perplexity(), logits, np.array([0, 1]), batches=2), math.sqrt(16 / 3))
    assert math.isclose(result(Perplexity(ignore_index=-1), logits, np.array([0, -1])), 4)
    assert math.isclose(result(Perplexity(), logits, np.array([0, 9]), weights=np.array([1.0, 0.0])), 4)
    assert math.isnan(result(Perplexity(), logits, np.array([0, -1])))
    assert result(Perplexity(), np.array([[0.0, 1e4]]), np.array([0])) == math.inf


# --- yes or no, real numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [np.array([[1, 0], [1, 0]]), np.array([[1.0, -1.0], [1.0, -1.0]])])
def test_binary_accuracy(labels: np.ndarray) -> None:
    scores = np.array([[0.5, -0.5], [0.0, 0.2]])  # at the threshold is not above it
    assert parts(BinaryAccuracy(), scores, labels) == {"sum": 1, "count": 2}
    assert parts(BinaryAccuracy(threshold=0.3), scores, labels) == {"sum": 1.5, "count": 2}


def test_binary_accuracy_of_a_column() -> None:
    assert result(BinaryAccuracy(), np.array([[1.0], [-1.0], [2.0]]), np.array([True, True, False])) == pytest.approx(
        1 / 3
    )


def test_errors() -> None:
    x, y = np.array([[3.0, 1.0], [0.0, 0.0]]), np.zeros((2, 2))
    weights = np.array([1.0, 3.0])
    assert result(SquaredError(), x, y, weights=weights) == 5 / 4
    assert result(SquaredError(root=True), x, y, weights=weights) == math.sqrt(5 / 4)
    assert result(AbsoluteError(), x, y, weights=weights, batches=2) == 2 / 4
    infinite = np.array([[math.inf, 0.0], [0.0, 0.0]])
    with np.errstate(invalid="ignore"):  # the gradient, which nobody wants of a metric
        assert result(SquaredError(), infinite, y, weights=np.array([0.0, 1.0])) == 0


# --- order ------------------------------------------------------------------------------------------------------------


def pairs(score: np.ndarray, label: np.ndarray, weight: np.ndarray) -> float:
    """The share of right pairs, by counting all."""
    right = whole = 0.0
    for i in np.flatnonzero(label):
        for j in np.flatnonzero(~label):
            both = weight[i] * weight[j]
            whole += both
            right += both * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return right / whole if whole else math.nan


def precision(score: np.ndarray, label: np.ndarray, weight: np.ndarray) -> float:
    """The average precision: at the score of each positive row, the share of positive ones at or above it."""
    if not label.any():
        return math.nan
    each = [weight[(score >= at) & label].sum() / weight[score >= at].sum() for at in score[label]]
    return float(np.average(each, weights=weight[label]))


BY_HAND = {AUC: pairs, MeanAveragePrecision: precision}


def test_order_by_hand() -> None:
    scores, labels = np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 0])
    assert result(AUC(), scores, labels) == 3 / 4
    assert math.isclose(result(MeanAveragePrecision(), scores, labels), (1 + 2 / 3) / 2)
    tied = np.array([1.0, 1.0, 1.0, 0.0])
    assert result(AUC(), tied, labels) == (0.5 + 0.5 + 1 + 1) / 4
    assert math.isclose(result(MeanAveragePrecision(), tied, labels), 2 / 3)


@pytest.mark.parametrize("metric", [AUC(), MeanAveragePrecision()], ids=repr)
@pytest.mark.parametrize("levels", [3, 1000])
@pytest.mark.parametrize("batches", [1, 4])
def test_order_by_counting(metric: Metric, levels: int, batches: int) -> None:
    random = np.random.default_rng(levels)
    scores = (random.integers(0, levels, 40) - 1).astype(np.float32)
    labels, weights = random.integers(0, 2, 40), random.integers(0, 3, 40).astype(float)
    expected = BY_HAND[type(metric)](scores, labels == 1, weights)  # type: ignore[operator]
    assert result(metric, scores, labels, weights=weights, batches=batches) == pytest.approx(expected, rel=1e-12)
    column = result(metric, scores[:, None], np.where(labels, 1.0, -1.0), weights=weights)
    assert column == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", [AUC(), MeanAveragePrecision()], ids=repr)
def test_several_classes_are_averaged(metric: Metric) -> None:
    random = np.random.default_rng(1)
    scores, labels = random.standard_normal((30, 4)), random.integers(0, 2, (30, 4))
    labels[:, 3] = 0  # a class without a positive row is left out
    weights, by_hand = random.uniform(0.5, 2.0, 30).astype(np.float32), BY_HAND[type(metric)]
    each = [by_hand(scores[:, c], labels[:, c] == 1, weights) for c in range(3)]  # type: ignore[operator]
    assert result(metric, scores, labels, weights=weights, batches=3) == pytest.approx(np.mean(each), rel=1e-6)


@pytest.mark.parametrize("metric", [AUC(), MeanAveragePrecision()], ids=repr)
def test_one_class_among_several_is_ranked_by_its_softmax(metric: Metric) -> None:
    random = np.random.default_rng(2)
    logits, labels = random.standard_normal((30, 3)) * 2, random.integers(0, 3, 30)
    labels[0] = -1  # names no class: left out
    shares, by_hand = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), BY_HAND[type(metric)]
    each = [by_hand(shares[1:, c], labels[1:] == c, np.ones(29)) for c in range(3)]  # type: ignore[operator]
    assert result(metric, logits, labels) == pytest.approx(np.mean(each), rel=1e-12)


def test_probabilities_near_one_keep_their_order() -> None:
    logits = np.array([[0.0, 100.0], [0.0, 200.0], [0.0, 300.0], [0.0, 400.0]])
    assert result(AUC(), logits, np.array([0, 0, 1, 1])) == 1
    assert result(AUC(), logits, np.array([1, 0, 0, 1])) == 0.5


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0, 0], []])
def test_one_class_alone_has_no_order(labels: Sequence[int]) -> None:
    assert math.isnan(result(AUC(), np.arange(len(labels), dtype=float), np.array(labels, np.uint8)))


def test_average_precision_without_a_negative_row() -> None:
    assert result(MeanAveragePrecision(), np.arange(3.0), np.ones(3, bool)) == 1
    assert math.isnan(result(MeanAveragePrecision(), np.arange(3.0), np.zeros(3, bool)))


def test_rows_that_do_not_count_are_left_out_of_the_order() -> None:
    scores, labels = np.array([1.0, 2.0, math.nan]), np.array([0, 1, 1])
    assert result(AUC(), scores, labels, weights=np.array([1.0, 1.0, 0.0])) == 1
    assert math.isnan(result(AUC(), scores, labels))


# --- what does not fit ------------------------------------------------------------------------------------------------

LOGIT, INDEX = TensorSpec(("N", 3)), TensorSpec(("N",), "int64")


@pytest.mark.parametrize(
    ("metric", "inputs", "message"),
    [
        (TopK(), (LOGIT, INDEX), "looks at the first 5 of 3 classes: give a smaller k"),
        (Perplexity(ignore_index=0), (LOGIT, LOGIT), "has ignore_index 0, but its labels are probabilities"),
        (ConfusionMatrix(), (LOGIT, LOGIT, LOGIT), r"takes a mask \(N,\), a number for each label"),
        (AUC(), (LOGIT, TensorSpec(("N",))), "takes scores and labels of one shape"),
        (AUC(), (TensorSpec(("N", 2, 2)),) * 2, r"takes scores \(batch,\) or \(batch, classes\), got"),
        (BinaryAccuracy(), (INDEX, INDEX), "needs floating numbers"),
        (SquaredError(), (LOGIT, TensorSpec(("N", 1))), "of one shape"),
    ],
)
def test_inputs_that_do_not_fit(metric: Metric, inputs: tuple[TensorSpec, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric.outputs(*inputs)


def test_k_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="k is a number of classes of at least 1, got 0"):
        TopK(k=0)


@pytest.mark.parametrize("metric", [Accuracy(), ConfusionMatrix()])
def test_one_score_is_no_choice_among_classes(metric: Metric) -> None:
    with pytest.raises(ValueError, match="got one score, .*: use BinaryAccuracy"):
        metric.outputs(TensorSpec(("N", 1)), TensorSpec(("N",), "int64"))
