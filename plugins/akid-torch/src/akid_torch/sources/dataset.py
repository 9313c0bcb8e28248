"""TorchDataset: a data set of torch as a Source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset

from akid_core.data.collate import collated
from akid_core.data.forward import Chunk
from akid_core.data.wrapped import Wrapped
from akid_core.errors import ConfigurationError

_CHUNK = 32
"""Rows that are read at once where they come one after another."""


@dataclass(frozen=True, kw_only=True)
class TorchDataset(Wrapped):
    """A torch `Dataset`, or anything with a length and items by index; an `IterableDataset` is read in its own order.

    A row may be a dictionary, a tuple, a tensor, a number, a picture of Pillow, or these in each other. It must be the
    same whenever it is read: random transforms are the work of augmenters. An `IterableDataset` begins anew to go back,
    and skips rows to resume.
    """

    @property
    def sequential(self) -> bool:
        if isinstance(self.made, IterableDataset):
            return True
        if self.made is not None and not hasattr(self.made, "__getitem__"):
            raise ConfigurationError(
                f"The source '{self.component()}' wraps a torch Dataset, or anything with a length and items by index, "
                f"and was given a {type(self.made).__name__}."
            )
        return False

    def _known_length(self) -> int | None:
        try:
            return len(self.made)
        except TypeError:
            return None

    def _at(self, indices: np.ndarray) -> Chunk:
        asked = indices.tolist()
        # Data sets that read faster a batch at a time have this method; torch's own loader calls it too.
        many = getattr(self.made, "__getitems__", None)
        rows = [self.made[index] for index in asked] if many is None else many(asked)
        return collated(rows, self.fields, asked, as_array)

    def _from(self, skip: int) -> Iterator[Chunk]:
        rows = iter(self.made)
        next(islice(rows, skip, skip), None)
        while some := list(islice(rows, _CHUNK)):
            yield collated(some, self.fields, range(skip, skip + len(some)), as_array)
            skip += len(some)


def as_array(value: Any) -> np.ndarray:
    """A value of a row as NumPy knows it; bfloat16, which it does not know, becomes float32."""
    if not isinstance(value, torch.Tensor):
        return np.asarray(value)
    value = value.detach().cpu()
    return (value.float() if value.dtype == torch.bfloat16 else value).numpy()
