"""ArrayFiles: what `npz` and `numpy` have in common, fields that are arrays of NumPy in files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from akid_core.data import Source
from akid_core.data.collate import channels_first
from akid_core.data.labels import labels_as_int64
from akid_core.errors import ConfigurationError, DataError, suggest
from akid_core.specs import TensorSpec
from akid_datasets.formats.npy import StoredArray
from akid_datasets.formats.numbers import check_classes, without_missing
from akid_datasets.formats.splits import SplitPaths, as_paths, file_digest, path_of


@dataclass(frozen=True, kw_only=True)
class ArrayFiles(Source):
    """Arrays of NumPy in files; see `Npz` and `Numpy`."""

    path: SplitPaths
    fields: Mapping[str, str] = field(default_factory=dict)
    channels_last: tuple[str, ...] = ()
    classes: Mapping[str, int] = field(default_factory=dict)
    missing: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", as_paths(self.path))
        object.__setattr__(self, "channels_last", tuple(self.channels_last))

    @abstractmethod
    def _stored(self, path: Path) -> Mapping[str, StoredArray]:
        """The arrays that lie at a path, by key."""

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return _specs(self._described or replace(self, split="train")._described, self.channels_last)

    def __len__(self) -> int:
        return next((stored.shape[0] for stored in self._described.values()), 0)

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {name: self._rows(name, values, indices) for name, values in self._arrays.items()}

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        return self._rows(name, self._arrays[name], indices)

    def fingerprint(self) -> str:
        return file_digest(*sorted({stored.path for stored in self._described.values()}))

    @property
    def in_memory(self) -> bool:
        return not any(stored.mapped for stored in self._described.values())

    @cached_property
    def _described(self) -> dict[str, StoredArray]:
        """The fields of this split as they lie in files; empty where there is no such split."""
        keyed = any("{split}" in key for key in self.fields.values())
        path = path_of(self.path, self.split, keyed=keyed)
        if path is None:
            return {}
        stored = self._stored(path)
        keys = {name: key.replace("{split}", self.split) for name, key in self.fields.items()} or {k: k for k in stored}
        if keyed and self.split != "train" and not any(key in stored for key in keys.values()):
            return {}
        chosen = {name: _chosen(stored, key, name, path) for name, key in keys.items()}
        self._check(chosen, path)
        return chosen

    def _check(self, chosen: Mapping[str, StoredArray], path: Path) -> None:
        """Raise a typed error where the arrays of a split do not go together, or differ from those to train on."""
        if not chosen:
            folders = f" It has folders for splits: write {path}/{{split}}." if (path / "train").is_dir() else ""
            raise DataError(f"{path} holds no arrays.{folders}")
        if len({stored.shape[0] for stored in chosen.values()}) > 1:
            listed = ", ".join(f"'{name}' has {stored.shape[0]}" for name, stored in chosen.items())
            raise DataError(f"The arrays in {path} differ in their number of rows: {listed}.")
        for setting in ("channels_last", "classes"):
            for name in getattr(self, setting):
                if name not in chosen:
                    known = ", ".join(f"'{field}'" for field in chosen)
                    raise ConfigurationError(
                        f"{setting} names the field '{name}', which {path} does not hold."
                        f"{suggest(name, chosen)} Fields: {known}."
                    )
        if self.split == "train":
            return
        train = replace(self, split="train").spec
        for name, spec in _specs(chosen, self.channels_last).items():
            if train.get(name) != spec:
                raise DataError(f"The field '{name}' in {path} is {spec}, but {train.get(name)} in the split 'train'.")

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: stored.load() for name, stored in self._described.items()}

    def _rows(self, name: str, array: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """The rows of one field as they are promised."""

        def place(row: int) -> str:
            return f"Row {indices[row]} of {self._described[name].place}"

        values = without_missing(np.asarray(array[indices]), self.missing, place)
        if name in self.classes:
            check_classes(values, self.classes[name], place)
        if name in self.channels_last:
            values = channels_first(values, 1)
        values = labels_as_int64(values, self._described[name].place)
        return np.ascontiguousarray(values, self.spec[name].dtype)


def _chosen(stored: Mapping[str, StoredArray], key: str, field: str, path: Path) -> StoredArray:
    if key not in stored:
        known = ", ".join(f"'{each}'" for each in stored) or "nothing"
        raise DataError(f"{path} has no array '{key}' for the field '{field}'.{suggest(key, stored)} It holds {known}.")
    return stored[key]


def _specs(chosen: Mapping[str, StoredArray], channels_last: tuple[str, ...]) -> dict[str, TensorSpec]:
    """What rows look like, pictures with their channels first, labels as int64."""
    specs = {}
    for name, stored in chosen.items():
        row = stored.shape[1:]
        if name in channels_last:
            if len(row) not in (2, 3):
                raise ConfigurationError(
                    f"channels_last names '{name}', whose rows have the shape {row}; pictures are (H, W) or (H, W, C)."
                )
            row = (1, *row) if len(row) == 2 else (row[2], *row[:2])
        label = not row and stored.dtype.kind in "iu"
        specs[name] = TensorSpec(("N", *row), "int64" if label else stored.dtype.name)
    return specs
