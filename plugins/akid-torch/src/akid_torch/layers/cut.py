"""Native parts of a tensor."""

from __future__ import annotations

from torch import Tensor, nn

from akid_core.backends.contract import Built
from akid_core.layers.cut import Split
from akid_core.layers.stack import Unstack
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext


class NativeSplit(nn.Module):
    """All parts in one operation, whose gradient is one `cat`."""

    def __init__(self, sizes: tuple[int, ...], axis: int) -> None:
        super().__init__()
        self.sizes, self.axis = list(sizes), axis

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.split_with_sizes(self.sizes, self.axis)  # type: ignore[no-any-return]


class NativeUnstack(nn.Module):
    """All positions in one operation: the gradient of as many slices would be a whole tensor for each."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.unbind(self.axis)  # type: ignore[no-any-return]


def build_split(layer: Split, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(NativeSplit(layer.sizes(in_specs[0]), layer.axis), {})


def build_unstack(layer: Unstack, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(NativeUnstack(layer.axis), {})
