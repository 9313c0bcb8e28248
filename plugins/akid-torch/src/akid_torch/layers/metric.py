"""Native metrics."""

from __future__ import annotations

import torch
from torch import Tensor

from akid_core.backends.contract import Built
from akid_core.layers import Accuracy
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext
from akid_torch.measures import ShortMetric


class NativeAccuracy(ShortMetric):
    """Whether the first largest logit is that of the label."""

    def each(self, *inputs: Tensor) -> Tensor:
        logits, labels = inputs
        return torch.eq(logits.argmax(1), labels.argmax(1) if labels.is_floating_point() else labels)


def build_accuracy(layer: Accuracy, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeAccuracy(layer, context).built
