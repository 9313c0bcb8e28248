"""Native losses: one kernel for the values of all rows, or for their mean at once where all count alike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from akid_core.backends.contract import Built
from akid_core.layers import BinaryCrossEntropy, Huber, MeanAbsoluteError, MeanSquaredError, SoftmaxCrossEntropy
from akid_core.layers.losses.regression import Regression
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext, Frame
from akid_torch.measures import ShortLoss


class NativeCrossEntropy(ShortLoss):
    """Softmax and cross-entropy in one kernel; the short way where classes and labels count alike."""

    layer: SoftmaxCrossEntropy

    def usual(self, fields: Sequence[np.ndarray | None], steps: int) -> np.ndarray:
        (_, labels, *mask), (logits, spec, *_) = fields, self.context.call.in_specs
        weighed = mask or self.layer.class_weights is not None or self.layer.ignore_index is not None
        if weighed or logits.rank > 2 or (labels is None and not spec.floating):
            return np.zeros(steps, dtype=bool)
        if spec.floating or labels is None:
            return np.ones(steps, dtype=bool)
        # torch skips a label of -100 and stops at others that name no class; for the core they are not a number.
        return _within(labels, steps, 0, logits.row[0] - 1)

    def mean(self, *inputs: Tensor) -> Tensor:
        return self._entropy("mean", *inputs)

    def each(self, *inputs: Tensor) -> Tensor:
        return self._entropy("none", *inputs)

    def forward(
        self, frame: Frame, logits: Tensor, labels: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        classes, positions = logits.shape[-1], logits.shape[:-1]
        if labels.is_floating_point():
            targets = labels.reshape(-1, classes)
        else:
            targets = torch.where((labels >= 0) & (labels < classes), labels, 0).reshape(-1)
        values = self._entropy("none", logits.reshape(-1, classes), targets).reshape(positions)
        dtype = self.context.call.out_specs[0].dtype
        return self.layer.weighed(self.context.ops, dtype, values, labels, mask, classes)

    def _entropy(self, reduction: str, logits: Tensor, labels: Tensor) -> Tensor:
        targets = labels if labels.is_floating_point() else labels.long()
        return functional.cross_entropy(logits, targets, reduction=reduction, label_smoothing=self.layer.smoothing)


class ElementLoss(ShortLoss):
    """A loss whose kernel gives a value for each element; a row's value is the mean over its axes."""

    def usual(self, fields: Sequence[np.ndarray | None], steps: int) -> np.ndarray:
        return np.ones(steps, dtype=bool)

    def mean(self, *inputs: Tensor) -> Tensor:
        return self.kernel(*inputs, reduction="mean")

    def each(self, *inputs: Tensor) -> Tensor:
        values = self.kernel(*inputs, reduction="none")
        return values.flatten(1).mean(1) if values.dim() > 1 else values

    @abstractmethod
    def kernel(self, predictions: Tensor, targets: Tensor, reduction: str) -> Tensor:
        """One kernel of torch: the values of all elements, or their mean."""


class NativeRegression(ElementLoss):
    """A function of the difference in one kernel."""

    layer: Regression

    def kernel(self, predictions: Tensor, targets: Tensor, reduction: str) -> Tensor:
        return regression_kernel(self.layer)(predictions, targets, reduction=reduction)


class NativeBinaryCrossEntropy(ElementLoss):
    """Sigmoid and cross-entropy in one kernel, where all labels are between 0 and 1."""

    layer: BinaryCrossEntropy

    def usual(self, fields: Sequence[np.ndarray | None], steps: int) -> np.ndarray:
        labels = fields[1]
        return np.zeros(steps, dtype=bool) if labels is None else _within(labels, steps, 0, 1)

    def kernel(self, predictions: Tensor, targets: Tensor, reduction: str) -> Tensor:
        weight = self.layer.positive_weight
        return functional.binary_cross_entropy_with_logits(
            predictions,
            targets.to(predictions.dtype).reshape(predictions.shape),
            reduction=reduction,
            pos_weight=None if weight == 1.0 else self.context.ops.asarray(weight, str(predictions.dtype)[6:]),
        )


def regression_kernel(loss: Regression) -> Callable[..., Tensor]:
    """The kernel of torch that is exactly this loss."""
    if isinstance(loss, Huber):
        return partial(functional.huber_loss, delta=loss.delta)
    return functional.mse_loss if isinstance(loss, MeanSquaredError) else functional.l1_loss


def _within(labels: np.ndarray, steps: int, least: int, most: int) -> np.ndarray:
    """In which steps all labels are in a range: bool (steps,). What is not a number is not."""
    flat = labels.reshape(steps, -1)
    within: np.ndarray = (flat.min(axis=1, initial=most) >= least) & (flat.max(axis=1, initial=least) <= most)
    return within


def build_softmax_cross_entropy(
    layer: SoftmaxCrossEntropy, in_specs: tuple[TensorSpec, ...], context: BuildContext
) -> Built:
    return NativeCrossEntropy(layer, context).built


def build_binary_cross_entropy(
    layer: BinaryCrossEntropy, in_specs: tuple[TensorSpec, ...], context: BuildContext
) -> Built:
    return NativeBinaryCrossEntropy(layer, context).built


def build_regression(
    layer: MeanSquaredError | MeanAbsoluteError | Huber, in_specs: tuple[TensorSpec, ...], context: BuildContext
) -> Built:
    return NativeRegression(layer, context).built
