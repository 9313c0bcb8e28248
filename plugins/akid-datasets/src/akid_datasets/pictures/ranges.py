"""Ranges: values as parts of their full range, 255 for uint8 and 1 for floating numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from akid_core.data.augmenter import Specs
from akid_core.data.memory import empty
from akid_datasets.pictures.values import full_range, working


def parts_of_range(values: np.ndarray) -> np.ndarray:
    """A new array of the values divided by their full range, to compute with: float32, or wider as they are."""
    numbers = working(values)
    if values.dtype == np.uint8:
        numbers /= numbers.dtype.type(full_range(values.dtype))
    return numbers


def within(operation: np.ufunc, numbers: np.ndarray, others: np.ndarray | np.generic) -> np.ndarray:
    """`operation(numbers, others)`, put in the place of `numbers` unless the result has more rows or channels."""
    shape = np.broadcast_shapes(numbers.shape, others.shape)
    result: np.ndarray = operation(
        numbers, others, out=numbers if shape == numbers.shape else empty(shape, numbers.dtype)
    )
    return result


def floating(dtype: np.dtype) -> np.dtype:
    """The type of the results: float32 for uint8, and floating numbers keep theirs."""
    return np.dtype(np.float32) if dtype == np.uint8 else dtype


def in_floats(specs: Specs, fields: Sequence[str]) -> Specs:
    """The specs where `fields` have become floating."""
    changed = {name: specs[name].with_dtype(str(floating(np.dtype(specs[name].dtype)))) for name in fields}
    return {**specs, **changed}
