"""Micro-batches: a batch in parts of nearly equal size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from akid_torch.context import Frame


def parts(values: tuple[Tensor, ...], frame: Frame, count: int) -> Iterator[tuple[tuple[Tensor, ...], Frame]]:
    """`count` parts of the rows, no more than there are rows; each keeps the numbers of its rows.

    All share the updates of the frame, so each sees what the one before it made of state.
    """
    rows = torch.tensor_split(frame.rows, max(1, min(count, len(frame.rows))))
    split = [torch.tensor_split(value, len(rows)) for value in values]
    for own, *fields in zip(rows, *split, strict=True):
        yield tuple(fields), replace(frame, rows=own)
