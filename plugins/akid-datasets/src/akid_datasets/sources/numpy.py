"""Numpy: a folder of `.npy` files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from akid_datasets.formats.npy import StoredArray, read_npy
from akid_datasets.sources.array_files import ArrayFiles


@dataclass(frozen=True, kw_only=True)
class Numpy(ArrayFiles):
    """Arrays in `.npy` files, one for each field; the large ones stay there, and rows are read as they are needed.

    `path`: a folder to train on, `data/{split}`, or a mapping from splits to folders; or a single file. `fields`: the
    name of the file, without its ending, by field: `{image: "images_{split}"}`; by default all files are fields. The
    other settings are those of `Npz`.
    """

    def _stored(self, path: Path) -> Mapping[str, StoredArray]:
        files = sorted(path.glob("*.npy")) if path.is_dir() else [path]
        wanted = {key.replace("{split}", self.split) for key in self.fields.values()}
        return {file.stem: read_npy(file) for file in files if not wanted or file.stem in wanted}
