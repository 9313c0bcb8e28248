"""Values: what augmenters share about the types, ranges and shapes of fields."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from akid_core.data.augmenter import Specs
from akid_core.specs import TensorSpec
from akid_core.specs.tensor import Dimension
from akid_datasets.pictures.window import Fill

PICTURES = ("uint8", "float16", "float32", "float64")
"""The types of pictures whose values can be computed with: 0 to 255, or 0 to 1."""


def full_range(dtype: np.dtype) -> float:
    """What counts as the full range of a picture: 255 for uint8, 1 for floating numbers."""
    return 255.0 if dtype == np.uint8 else 1.0


def working(values: np.ndarray) -> np.ndarray:
    """A new array to compute in: float32, or the type of the values where that is wider."""
    return values.astype(np.promote_types(values.dtype, np.float32))


def restored(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Computed values in the type that they came in: uint8 is rounded half to even and kept within 0 to 255."""
    if dtype == np.uint8:
        np.clip(np.rint(values, out=values), 0, 255, out=values)
    return values.astype(dtype, copy=False)


def flat_rows(values: np.ndarray) -> np.ndarray:
    """Each row as one line: (n, …) -> (n, values)."""
    return values.reshape(len(values), math.prod(values.shape[1:]))


def beside(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """One number a row, (n,), in the type of `values` and of as many axes, (n, 1, …), to compute with them."""
    return numbers.astype(values.dtype).reshape(-1, *(1,) * (values.ndim - 1))


def between(low: float, high: float, uniform: np.ndarray) -> np.ndarray:
    """Uniform numbers of [0, 1) moved to [low, high)."""
    return low + (high - low) * uniform


def filling(fill: Fill, pictures: np.ndarray) -> np.ndarray:
    """A value for all channels, or one for each, in the type of `pictures` (n, channels, …) and beside them."""
    values = np.atleast_1d(fill).astype(pictures.dtype)
    return values.reshape(-1, *(1,) * (pictures.ndim - 2))


def check_pictures(spec: Specs, fields: Sequence[str]) -> None:
    """Raise `ValueError` unless each field is (batch, …, height, width), of known height and width."""
    for name in fields:
        given = spec[name]
        if given.rank < 3 or not all(isinstance(size, int) and size for size in given.shape[-2:]):
            raise ValueError(f"it changes pictures (batch, …, height, width) of known size, but '{name}' is {given}")


def check_one_size(spec: Specs, fields: Sequence[str], what: str) -> None:
    """Raise `ValueError` unless all fields have one height and width. `what`: is cut out of all at one place."""
    if len({spec[name].shape[-2:] for name in fields}) > 1:
        listed = ", ".join(f"'{name}' is {spec[name]}" for name in fields)
        raise ValueError(f"it cuts one {what} out of pictures of one height and width, but {listed}")


def check_coloured(spec: Specs, fields: Sequence[str]) -> None:
    """Raise `ValueError` unless each field is (batch, 3, height, width), uint8 or floating."""
    for name in fields:
        given = spec[name]
        if given.rank != 4 or given.shape[1] != 3:
            raise ValueError(
                f"it changes pictures in colour (batch, 3, height, width), but '{name}' is {given}: leave it out, or "
                f"have the source give 3 channels"
            )
        check_type(given, name, PICTURES)


def check_floating(spec: Specs, fields: Sequence[str]) -> None:
    """Raise `ValueError` unless each field holds floating numbers."""
    for name in fields:
        if not spec[name].floating:
            raise ValueError(f"it changes floating numbers, but '{name}' is {spec[name]}")


def check_type(given: TensorSpec, name: str, dtypes: Sequence[str]) -> None:
    """Raise `ValueError` unless a field has one of the types, if any are asked for."""
    if dtypes and given.dtype not in dtypes:
        raise ValueError(f"it changes fields of type {' or '.join(dtypes)}, but '{name}' is {given}")


def with_row(spec: TensorSpec, *row: Dimension) -> TensorSpec:
    """The spec with other sizes beside the batch; what its axes are called stays."""
    return spec.with_shape(spec.shape[0], *row, axes=spec.axes if len(row) + 1 == spec.rank else "")
