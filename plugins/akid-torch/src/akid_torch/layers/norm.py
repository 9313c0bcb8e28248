"""Native batch normalisation."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from akid_core.backends.contract import Built
from akid_core.layers.norm import BatchNorm
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext, Frame
from akid_torch.portable import Portable


class NativeBatchNorm(Portable):
    """torch's kernel, which moves the running statistics as the core does (biased inside, unbiased in `variance`)."""

    layer: BatchNorm

    def forward(self, frame: Frame, x: Tensor) -> Tensor:
        if frame.training and x.numel() <= x.shape[1]:  # torch refuses a single value for each channel, or none
            return super().forward(frame, x)  # type: ignore[no-any-return]
        mean, variance = self._buffers["mean"], self._buffers["variance"]
        if frame.training and not frame.learning:  # a pass that is not kept moves copies
            mean, variance = mean.clone(), variance.clone()  # type: ignore[union-attr]
        return functional.batch_norm(
            x,
            mean,
            variance,
            self._parameters.get("scale"),
            self._parameters.get("shift"),
            training=frame.training,
            momentum=1.0 - self.layer.decay,
            eps=self.layer.epsilon,
        )


def build(layer: BatchNorm, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeBatchNorm(layer, context).built
