"""Labels: the forms in which losses and metrics take them, and the sentences about those that do not fit."""

from __future__ import annotations

from akid_core.layers.checks import check_floating, known_size
from akid_core.ops import Ops
from akid_core.specs.layer import Array
from akid_core.specs.tensor import Dimension, TensorSpec


def is_index(labels: TensorSpec) -> bool:
    """Whether labels are integers, which name classes."""
    return labels.dtype.startswith(("int", "uint"))


def check_classes(logits: TensorSpec, labels: TensorSpec, mask: TensorSpec | None = None) -> int:
    """The number of classes.

    logits: (batch, classes), or (batch, time, classes) for sequences. labels: integer indices, one for each position,
    or probabilities of the shape of the logits. mask: one number for each position. Raises `ValueError` for anything
    else.
    """
    if check_floating(logits).rank not in (2, 3):
        raise ValueError(f"takes logits (batch, classes), or (batch, time, classes) for sequences, got {logits}")
    positions = logits.shape[:-1]
    indices = labels.shape == positions and is_index(labels)
    if not indices and (labels.shape != logits.shape or not labels.floating):
        raise ValueError(
            f"takes labels that are integer indices {_written(positions)} or floating probabilities "
            f"{_written(logits.shape)}, got {labels}"
        )
    if mask is not None and mask.shape != positions:
        raise ValueError(f"takes a mask {_written(positions)}, a number for each label, got {mask}")
    return known_size(logits, -1)


def check_ignored(ignore_index: int | None, labels: TensorSpec) -> None:
    """Raise `ValueError` where an index is to be ignored, but labels are no indices."""
    if ignore_index is not None and labels.floating:
        raise ValueError(f"has ignore_index {ignore_index}, but its labels are probabilities: give a mask instead")


def check_binary(scores: TensorSpec, labels: TensorSpec) -> None:
    """Raise `ValueError` unless each score has a label: the same shape, or (batch,) for scores (batch, 1)."""
    if labels.shape not in (check_floating(scores).shape, _column(scores)):
        raise ValueError(f"takes scores and labels of one shape, got {scores} and {labels}")


def beside(ops: Ops, scores: TensorSpec, labels: TensorSpec, values: Array, dtype: str) -> Array:
    """The values of binary labels in the shape of the scores that they belong to, in a floating type."""
    values = ops.astype(values, dtype)
    return values if labels.rank == scores.rank else ops.reshape(values, (-1, 1))


def _column(scores: TensorSpec) -> tuple[Dimension, ...] | None:
    """The shape of labels without the last axis, where scores (batch, 1) have but one."""
    return scores.shape[:1] if scores.rank == 2 and scores.shape[1] == 1 else None


def _written(shape: tuple[Dimension, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
