"""Windowed: a random order that still reads files from front to back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data.permutation import Permutation, Permutations
from akid_core.data.sampler import Sampler
from akid_core.random import derive_word


@dataclass(frozen=True, kw_only=True)
class Windowed(Sampler):
    """Every row once, in blocks of consecutive rows: the blocks in a new order each epoch, the rows mixed in windows.

    `block`: consecutive rows that stay together. `blocks`: how many of them, from anywhere, are one window, within
    which rows come in any order. So what is read in a while lies in a few long pieces, as disks and networks like it.
    More blocks mix better; the rows of one window should fit into whatever keeps them from being read twice.

    The rows form a ring, cut into blocks from a place that is drawn for each epoch: other rows are neighbours each
    time. What is left where the rows are no multiple of `block` joins the last window.
    """

    block: int = 256
    blocks: int = 16

    def __post_init__(self) -> None:
        for name in ("block", "blocks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        places = self._mixed(np.asarray(positions, dtype=np.int64), size, seed, epoch)
        numbers, within = np.divmod(places, self.block)
        whole = size // self.block
        moving = numbers < whole  # the rest, shorter than a block, stays at the end
        numbers[moving] = Permutation(whole, derive_word(seed, "blocks"), epoch)(numbers[moving])
        cut = derive_word(seed, "ring", epoch) % size
        rows: np.ndarray = (numbers * self.block + within + cut) % size
        return rows

    def _mixed(self, positions: np.ndarray, size: int, seed: int, epoch: int) -> np.ndarray:
        """The positions, each moved to a place in its window."""
        length = self.block * self.blocks
        last = max(0, size // self.block - 1) // self.blocks  # takes in what is left over, too
        windows = np.minimum(positions // length, last)
        starts = windows * length
        within, early = positions - starts, windows < last
        sizes = np.broadcast_to(np.int64(length), last)  # one number in memory, however many windows there are
        orders = Permutations(sizes, derive_word(seed, "windows"), epoch)
        within[early] = orders(windows[early], within[early])
        order = Permutation(size - last * length, derive_word(seed, "last window"), epoch)
        within[~early] = order(within[~early])
        places: np.ndarray = starts + within
        return places
