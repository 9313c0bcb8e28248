"""Native losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor
from torch.nn import functional

from akid_core.backends.contract import Built
from akid_core.layers import MeanSquaredError, SoftmaxCrossEntropy
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext
from akid_torch.measures import ShortLoss


class NativeCrossEntropy(ShortLoss):
    """Softmax and cross-entropy in one kernel, where each label names a class and classes count alike."""

    layer: SoftmaxCrossEntropy

    def usual(self, fields: Sequence[np.ndarray | None], steps: int) -> np.ndarray:
        labels, (logits, spec) = fields[1], self.context.call.in_specs
        if self.layer.class_weights is not None:
            return np.zeros(steps, dtype=bool)
        if spec.floating:
            return np.ones(steps, dtype=bool)
        if labels is None:
            return np.zeros(steps, dtype=bool)
        # torch skips a label of -100 and stops at others that name no class; for the core they are not a number.
        flat = labels.reshape(steps, -1)
        valid: np.ndarray = (flat.min(axis=1, initial=0) >= 0) & (flat.max(axis=1, initial=0) < logits.row[0])
        return valid

    def mean(self, *inputs: Tensor) -> Tensor:
        return self._entropy("mean", *inputs)

    def each(self, *inputs: Tensor) -> Tensor:
        return self._entropy("none", *inputs)

    def _entropy(self, reduction: str, logits: Tensor, labels: Tensor) -> Tensor:
        targets = labels if labels.is_floating_point() else labels.long()
        return functional.cross_entropy(logits, targets, reduction=reduction, label_smoothing=self.layer.smoothing)


class NativeSquaredError(ShortLoss):
    """The squares of the difference in one kernel."""

    def usual(self, fields: Sequence[np.ndarray | None], steps: int) -> np.ndarray:
        return np.ones(steps, dtype=bool)

    def mean(self, *inputs: Tensor) -> Tensor:
        predictions, targets = inputs
        return functional.mse_loss(predictions, targets)

    def each(self, *inputs: Tensor) -> Tensor:
        predictions, targets = inputs
        squares = functional.mse_loss(predictions, targets, reduction="none")
        return squares.flatten(1).mean(1) if squares.dim() > 1 else squares


def build_softmax_cross_entropy(
    layer: SoftmaxCrossEntropy, in_specs: tuple[TensorSpec, ...], context: BuildContext
) -> Built:
    return NativeCrossEntropy(layer, context).built


def build_mean_squared_error(layer: MeanSquaredError, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeSquaredError(layer, context).built
