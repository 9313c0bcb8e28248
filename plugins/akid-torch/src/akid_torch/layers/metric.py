"""Native metrics: the figure of each row in few kernels; the trainer sums them up on the host."""

from __future__ import annotations

import torch
from torch import Tensor

from akid_core.backends.contract import Built
from akid_core.layers import AbsoluteError, Accuracy, BinaryAccuracy, SquaredError
from akid_core.specs.tensor import TensorSpec
from akid_torch import portable
from akid_torch.context import BuildContext
from akid_torch.layers.loss import regression_kernel
from akid_torch.measures import ShortMetric


class NativeAccuracy(ShortMetric):
    """Whether the first largest logit is that of the label."""

    def each(self, *inputs: Tensor) -> Tensor:
        logits, labels = inputs
        return torch.eq(logits.argmax(1), labels.argmax(1) if labels.is_floating_point() else labels)


class NativeBinaryAccuracy(ShortMetric):
    """The share of a row's elements that are on the right side of the threshold."""

    layer: BinaryAccuracy

    def each(self, *inputs: Tensor) -> Tensor:
        scores, labels = inputs
        right = torch.eq(scores > self.layer.threshold, labels.reshape(scores.shape) > 0.5)
        return right.flatten(1).float().mean(1) if right.dim() > 1 else right


class NativeError(ShortMetric):
    """What a loss says of each row, in its kernel."""

    layer: SquaredError | AbsoluteError

    def each(self, *inputs: Tensor) -> Tensor:
        values = regression_kernel(self.layer.loss)(*inputs, reduction="none")
        return values.flatten(1).mean(1) if values.dim() > 1 else values


def build_accuracy(layer: Accuracy, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Natively where a row is one label, and all labels count."""
    if len(in_specs) > 2 or in_specs[0].rank > 2 or layer.ignore_index is not None:
        return portable.build(layer, context)
    return NativeAccuracy(layer, context).built


def build_binary_accuracy(layer: BinaryAccuracy, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeBinaryAccuracy(layer, context).built


def build_error(layer: SquaredError | AbsoluteError, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeError(layer, context).built
