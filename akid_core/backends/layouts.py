"""Layouts: what another framework's files call the parameters that akid holds, and how their axes lie there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from akid_core.backends.meaning import Meaning
from akid_core.backends.unpack import keras_parts, torch_parts


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Names and axes of a file.

    `separator`: between the parts of a path. `leaves`: what a parameter may be called there, by its name here. `axes`:
    the order in which axes lie there, by their canonical letters (`{"OIHW": "HWIO"}`); others lie as they do here.
    `transposed`: the same, for transposed convolutions. `channels_last`: a flattened image has its channels innermost.
    `depthwise`: a convolution with a group for each channel has its outputs apart, by channel: I is the channel, and O
    the number of the output among those of its channel; or it lies like others.
    `unpack`: takes apart what akid keeps one by one, see `akid_core.backends.unpack`.
    """

    separator: str = "/"
    leaves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    axes: Mapping[str, str] = field(default_factory=dict)
    transposed: Mapping[str, str] = field(default_factory=dict)
    channels_last: bool = False
    depthwise: bool = False
    unpack: Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]] = dict

    def names(self, path: str) -> list[str]:
        """What the parameter at a path of akid's may be called there, the usual name first."""
        block, slash, leaf = path.rpartition("/")
        prefix = (block + slash).replace("/", self.separator)
        return [prefix + name for name in self.leaves.get(leaf, (leaf,))]

    def canonical(self, array: np.ndarray, meaning: Meaning) -> np.ndarray:
        """An array of theirs with its axes in the canonical order, where it has as many."""
        axes = meaning.axes
        if array.ndim != len(axes):
            return array
        theirs = (self.transposed if meaning.groups else self.axes).get(axes, axes)
        array = array.transpose([theirs.index(axis) for axis in axes])
        if self.depthwise and meaning.depthwise and array.shape[1] > 1:
            array = array.swapaxes(0, 1).reshape(-1, 1, *array.shape[2:])
        if self.transposed and meaning.groups > 1:
            array = _regrouped(array, meaning.groups)
        if self.channels_last and meaning.image:
            array = _channels_first(array, max(axes.find("I"), 0), meaning.image)
        return array


def _regrouped(array: np.ndarray, groups: int) -> np.ndarray:
    """(out / groups, in, ...) -> (out, in / groups, ...), where each group of the inputs has outputs of its own."""
    out, entering, *kernel = array.shape
    if entering % groups:
        return array
    split = array.reshape(out, groups, entering // groups, *kernel).swapaxes(0, 1)
    return split.reshape(out * groups, entering // groups, *kernel)


def _channels_first(array: np.ndarray, axis: int, image: tuple[int, ...]) -> np.ndarray:
    """The places of an image along an axis, from (*space, channels) to (channels, *space)."""
    channels, *space = image
    if array.shape[axis] != math.prod(image):
        return array
    order = np.moveaxis(np.arange(math.prod(image)).reshape(*space, channels), -1, 0)
    return array.take(order.ravel(), axis)


LAYOUTS: Mapping[str, Layout] = {
    "akid": Layout(),
    "torch": Layout(
        separator=".",
        leaves={
            "scale": ("weight",), "shift": ("bias",), "mean": ("running_mean",), "variance": ("running_var",),
            "slope": ("weight",),
        },
        axes={"IO": "OI"},
        transposed={"OIHW": "IOHW"},
        unpack=torch_parts,
    ),
    "keras": Layout(
        leaves={
            "weight": ("kernel", "embeddings"), "recurrent_weight": ("recurrent_kernel",), "slope": ("alpha",),
            "scale": ("gamma",), "shift": ("beta",), "mean": ("moving_mean",), "variance": ("moving_variance",),
        },
        axes={"OIHW": "HWIO", "OIL": "LIO"},
        transposed={"OIHW": "HWOI"},
        channels_last=True,
        depthwise=True,
        unpack=keras_parts,
    ),
}  # fmt: skip
"""By name, as `practice.start.layout` has it."""
