"""Npz: arrays in `.npz` files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from akid_datasets.formats.npy import StoredArray, read_npz
from akid_datasets.sources.array_files import ArrayFiles


@dataclass(frozen=True, kw_only=True)
class Npz(ArrayFiles):
    """Arrays in one `.npz` file, or one for each split.

    `path`: a file to train on, `data/{split}.npz`, or a mapping from splits to files. `fields`: the key in the file by
    field, `{image: x}`; by default all keys are fields. A key may say the split, too: `{image: "x_{split}"}`.

    `channels_last`: fields that are pictures (rows, H, W) or (rows, H, W, C), and become (rows, C, H, W). `classes`:
    how many classes a field of labels has, `{label: 10}`; other labels are errors. `missing`: what stands for NaN
    and infinity, which are errors otherwise.

    Types stay, except that integers with one axis become int64. Arrays above 256 MiB that are not packed stay in the
    file, as `numpy.savez` writes them, without a look at their checksum; packed ones are read whole. Pickled objects
    are refused.
    """

    def _stored(self, path: Path) -> Mapping[str, StoredArray]:
        return read_npz(path)
