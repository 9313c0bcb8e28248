"""TfDataset: a `tf.data.Dataset` as a Source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from akid_core.data.collate import stacked
from akid_core.data.forward import Chunk
from akid_core.data.wrapped import Wrapped
from akid_core.errors import ConfigurationError, DataError
from akid_tf.runtime import tf

_CHUNK = 64
"""Rows that are read at once."""
_ORIGIN = re.compile(r"\{\{.*?\}\} ?| \[Op:.*")
"""What a message says of the operation that raised the error."""


@dataclass(frozen=True, kw_only=True)
class TfDataset(Wrapped):
    """A `tf.data.Dataset`, read in its own order; resuming skips rows, which reads them, but nothing after them.

    An element may be a dictionary, a tuple or a tensor, or these in each other: one row, or with `batched` several,
    which are taken apart. It must be the same whenever it is read: random changes are the work of augmenters. Where the
    data set does not know its length, such as after `filter`, say it.
    """

    batched: bool = False

    @property
    def sequential(self) -> bool:
        return True

    def _known_length(self) -> int | None:
        size = int(self._dataset.cardinality())
        return size if size >= 0 else None  # below are the codes of TensorFlow for unknown and infinite

    @cached_property
    def _dataset(self) -> Any:
        """The data set, of one row an element. Raises `ConfigurationError` for anything else than a data set."""
        if not isinstance(self.made, tf.data.Dataset):
            raise ConfigurationError(
                f"The source '{self.component()}' wraps a tf.data.Dataset, and was given a {type(self.made).__name__}."
            )
        return self.made.unbatch() if self.batched else self.made

    def _at(self, indices: np.ndarray) -> Chunk:
        raise TypeError("a tf.data.Dataset has no row at an index")

    def _from(self, skip: int) -> Iterator[Chunk]:
        chunks = iter(self._dataset.skip(skip).batch(_CHUNK))
        while True:
            try:
                chunk = next(chunks, None)
            except tf.errors.OpError as error:
                raise DataError(self._reason(skip, error)) from error
            if chunk is None:
                return
            fields = stacked(chunk, self.fields, skip, as_array)
            skip += len(next(iter(fields.values())))
            yield fields

    def _reason(self, start: int, error: tf.errors.OpError) -> str:
        """Why the chunk that begins with row `start` cannot be read: a row of it by itself, or that they differ."""
        row = start
        try:
            for _ in self._dataset.skip(start).take(_CHUNK):
                row += 1
        except tf.errors.OpError as alone:
            return f"TensorFlow cannot give row {row}: {_said(alone)}"
        return f"TensorFlow cannot give rows {start} to {row - 1} at once: {_said(error)}"


def as_array(value: Any) -> np.ndarray:
    """A stacked tensor as NumPy knows it. Raises `TypeError` where rows have no common shape."""
    if not isinstance(value, tf.Tensor):
        raise TypeError(f"a {type(value).__name__} has rows of different shapes; pad them, such as by to_tensor()")
    array: np.ndarray = (tf.cast(value, tf.float32) if value.dtype == tf.bfloat16 else value).numpy()
    return array


def _said(error: tf.errors.OpError) -> str:
    """The message, without which operation raised it."""
    return _ORIGIN.sub("", str(error.message))
