"""Sentences that several layers say of inputs that do not fit."""

from __future__ import annotations

from akid_core.specs.tensor import TensorSpec

SPACE = {1: "L", 2: "HW"}
"""The letters of the axes of space, by their number: a sequence is NCL, an image NCHW."""


def check_floating(x: TensorSpec) -> TensorSpec:
    """Return the spec. Raises `ValueError` for integers and truth values."""
    if not x.floating:
        cure = "end sensors.augment with rescale or normalize" if x.dtype == "uint8" else "convert them in the source"
        raise ValueError(f"needs floating numbers, got {x}: {cure}")
    return x


def known_size(x: TensorSpec, axis: int) -> int:
    """The size of one axis. Raises `ValueError` where it is a symbol."""
    size = x.shape[axis]
    if not isinstance(size, int):
        raise ValueError(
            f"needs to know the size of axis {axis % x.rank}, which is {size!r} in {x}: let the source say it"
        )
    return size


def check_axis(x: TensorSpec, axis: int) -> int:
    """The axis counted from the front, at least 1. Raises `ValueError` for one that a row does not have."""
    if x.rank < 2:
        raise ValueError(f"needs rows with at least one axis, got {x}")
    if not -x.rank < axis < x.rank or axis == 0:
        raise ValueError(f"cannot act along axis {axis} of {x}: use an axis from 1 to {x.rank - 1}")
    return axis % x.rank


def check_axes(x: TensorSpec, axes: int | tuple[int, ...]) -> tuple[int, ...]:
    """The axes counted from the front, ascending. Raises `ValueError` as `check_axis`, and for one said twice."""
    found = sorted(check_axis(x, axis) for axis in read_axes(axes))
    if len(set(found)) < len(found):
        raise ValueError(f"takes each axis once, got {axes} of {x}")
    return tuple(found)


def read_axes(axes: int | tuple[int, ...]) -> tuple[int, ...]:
    """The setting `axis`, one or several, as a tuple. Raises `ValueError` for none at all and for the batch."""
    found = (axes,) if isinstance(axes, int) else tuple(axes)
    if not found:
        raise ValueError("axis takes one axis or several, got none")
    if 0 in found:
        raise ValueError("axis 0 is the batch: use axis 1 or a later one")
    return found


def check_spatial(x: TensorSpec) -> tuple[int, ...]:
    """(channels, *space) of a spec (batch, channels, *space). Raises `ValueError` where there is no axis of space."""
    if check_floating(x).rank < 3:
        raise ValueError(f"needs (batch, channels, ...) with at least one axis of space, got {x}")
    return x.row


def check_space(x: TensorSpec, space: int) -> None:
    """Raise `ValueError` for a spec that is not (batch, channels, *space) with so many axes of space."""
    if check_floating(x).rank != 2 + space:
        wanted = {1: "sequences (batch, channels, length)", 2: "images (batch, channels, height, width)"}[space]
        raise ValueError(f"needs {wanted}, got {x} with {x.rank} dimensions")


def check_alike(inputs: tuple[TensorSpec, ...]) -> TensorSpec:
    """Return the first spec. Raises `ValueError` unless there are two or more of one type and number of dimensions."""
    if len(inputs) < 2:
        raise ValueError(f"joins two or more inputs, got {len(inputs)}: name them with .on('left', 'right')")
    first = inputs[0]
    for other in inputs[1:]:
        if (other.dtype, other.rank) != (first.dtype, first.rank):
            raise ValueError(
                f"needs inputs of one type and number of dimensions, got {first} and {other}: Flatten or Reshape one"
            )
    return first
