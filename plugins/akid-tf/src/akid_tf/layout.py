"""Where the channels lie: images are (batch, channels, height, width) by definition, channels last where kernels run.

Nobody plans regions. A value remembers each layout in which it was wanted, so between two layers that compute
channels last nothing is turned, and at the edge of such a region a value is turned once.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

from akid_tf.runtime import tf


class Layout(Enum):
    """How a layer takes and gives its values; `EITHER`: in whichever they already lie."""

    CANONICAL = "canonical"
    CHANNELS_LAST = "channels_last"
    EITHER = "either"


class Laid:
    """One value, in each of the layouts in which it was wanted so far. A value without space has but one."""

    def __init__(self, tensor: tf.Tensor, layout: Layout = Layout.CANONICAL) -> None:
        self._spatial = len(tensor.shape) > 2
        self._tensors = {layout if self._spatial else Layout.CANONICAL: tensor}

    def lies(self, layout: Layout) -> bool:
        """Whether the value is there in this layout."""
        return layout in self._tensors

    @property
    def lying(self) -> tuple[Layout, tf.Tensor]:
        """The value in a layout in which it is there."""
        return next(iter(self._tensors.items()))

    def lay(self, layout: Layout) -> tf.Tensor:
        """The value in this layout."""
        if not self._spatial:
            return self._tensors[Layout.CANONICAL]
        if layout not in self._tensors:
            (there,) = self._tensors.values()
            self._tensors[layout] = turn(there, layout)
        return self._tensors[layout]


def turn(tensor: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Bring a tensor that lies in the other layout into this one."""
    rank = len(tensor.shape)
    last = layout is Layout.CHANNELS_LAST
    return tf.transpose(tensor, (0, *range(2, rank), 1) if last else (0, rank - 1, *range(1, rank - 1)))


def shared(inputs: Sequence[Laid]) -> Layout:
    """The layout for a layer that takes either: channels last where an input exists in that layout alone."""
    if any(not value.lies(Layout.CANONICAL) for value in inputs):
        return Layout.CHANNELS_LAST
    return Layout.CANONICAL


def permutation(axes: str, wanted: str) -> tuple[int, ...] | None:
    """How a parameter whose axes lie as `axes` becomes `wanted`; None where nothing moves."""
    return None if axes == wanted else tuple(axes.index(axis) for axis in wanted)


def permuted(values: np.ndarray, axes: str, wanted: str) -> np.ndarray:
    """A parameter on the host, contiguous, with its axes as `wanted`."""
    order = permutation(axes, wanted)
    return values if order is None else np.ascontiguousarray(values.transpose(order))
