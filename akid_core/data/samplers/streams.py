"""Streams: neighbouring rows in the same place of neighbouring batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data.sampler import Sampler
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Streams(Sampler):
    """The rows cut into `count` streams of equal length that are read side by side, for truncated back-propagation.

    `count` is the batch size, so that row i of each batch is followed in the Source by row i of the next. Rows that are
    too few for one more of each stream are left out: size % count of them, at the end.
    """

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count must be at least 1, got {self.count}")

    def check(self, batch_size: int) -> None:
        if batch_size != self.count:
            raise ValueError(f"{self.count} streams are read in batches of {self.count} rows, not of {batch_size}")

    def bound(self, source: Source) -> Sampler:
        if len(source) < self.count:
            raise ConfigurationError(
                f"The sampler 'streams' cuts the rows into {self.count} streams, but the source "
                f"'{source.component()}' has {len(source)} rows; take a count of at most {len(source)}."
            )
        return self

    def length(self, size: int) -> int:
        return size // self.count * self.count

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        steps, streams = np.divmod(positions, self.count)
        rows: np.ndarray = streams * (size // self.count) + steps
        return rows
