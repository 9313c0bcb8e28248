"""Huggingface: data sets of the library `datasets`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.data import Source
from akid_core.data.labels import labels_as_int64
from akid_core.data.place import OFFLINE
from akid_core.errors import AkidWarning, DataError, suggest
from akid_core.specs import TensorSpec
from akid_datasets.download import offline
from akid_datasets.extras import extra
from akid_datasets.formats.arrow import arrow_numbers
from akid_datasets.formats.decoding import Decoding
from akid_datasets.formats.numbers import without_missing

_NAMES = {"train": ("train",), "val": ("val", "validation", "valid", "dev"), "test": ("test",)}
"""What data sets call the splits."""


@dataclass(frozen=True, kw_only=True)
class Huggingface(Source):
    """A data set of Hugging Face's library `datasets` (the extra `huggingface`).

    `dataset`: a `Dataset` to train on or a `DatasetDict`; or a folder that `save_to_disk` wrote; or the name of one on
    the hub, which the library downloads unless `AKID_OFFLINE` forbids it, with `config` for one of several. `splits`:
    what the data set calls a split, `{val: test}`, where that is not train, validation, or test. `fields`: the column
    of each field, by default all columns have their own name; columns in columns are called "meta/age".

    Images become (batch, channels, height, width) uint8 as `decoding` says; numbers keep their types, except that
    integers with one axis become int64; lists of equal length are further axes. `missing`: what stands for missing
    numbers, NaN and infinity, which are errors otherwise.
    """

    dataset: Any
    config: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    decoding: Decoding = field(default_factory=Decoding)
    missing: float | None = None

    @property
    def live_only(self) -> bool:
        return not isinstance(self.dataset, str | Path)

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {name: TensorSpec(("N", *row.shape[1:]), row.dtype.name) for name, row in self._first_row.items()}

    def __len__(self) -> int:
        return 0 if self._data is None else len(self._data)

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        if self._data is None or not len(indices):
            return {name: row[:0] for name, row in self._first_row.items()}
        table = self._data.with_format("arrow")[indices]
        return {name: self._values(name, table, indices) for name in self._columns}

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        if self._data is None or not len(indices):
            return self._first_row[name][:0]
        column = self._columns[name][0]
        return self._values(name, self._data.select_columns([column]).with_format("arrow")[indices], indices)

    def fetch(self) -> None:
        self._loaded  # noqa: B018  (the library downloads what it has not got)

    def fingerprint(self) -> str:
        return str(getattr(self._data, "_fingerprint", ""))

    def about(self) -> Mapping[str, str]:
        try:
            info = getattr(self._data, "info", None)
        except DataError:  # what is not here says nothing of itself
            return {}
        said = {"title": "description", "home": "homepage", "licence": "license", "citation": "citation"}
        return {heading: text for heading, name in said.items() if (text := str(getattr(info, name, "") or ""))}

    @cached_property
    def _first_row(self) -> Mapping[str, np.ndarray]:
        if self._data is None:
            return replace(self, split="train")._first_row
        if not len(self._data):
            raise DataError(f"The split '{self.split}' of {self._called} has no rows.")
        return self.rows(np.zeros(1, np.int64))

    @cached_property
    def _loaded(self) -> Any:
        """The `Dataset` or `DatasetDict`."""
        if self.live_only:
            return self.dataset
        library, name = extra("datasets", "huggingface"), str(self.dataset)
        try:
            folder = Path(name).expanduser()
            if folder.is_dir():
                return library.load_from_disk(folder)
            with _offline_where_asked(library):
                return library.load_dataset(name, self.config)
        except Exception as error:  # of many types, by what the library stumbles on
            if offline():
                raise DataError(
                    f"'{name}' is no folder that save_to_disk wrote, the library has downloaded nothing by this name "
                    f"before, and {OFFLINE} forbids it to. Load it where there is a network, and name the folder that "
                    f"save_to_disk writes: {error}"
                ) from error
            raise DataError(
                f"'{name}' is no folder that save_to_disk wrote, nor a data set that can be loaded by its name: {error}"
            ) from error

    @cached_property
    def _data(self) -> Any:
        """The `Dataset` of this split; None where there is none."""
        library, loaded = extra("datasets", "huggingface"), self._loaded
        if isinstance(loaded, library.Dataset):
            return self._plain(loaded) if self.split == "train" else None
        if not isinstance(loaded, library.DatasetDict):
            raise DataError(
                f"{self._called} is a {type(loaded).__name__}, and only a Dataset or DatasetDict has rows by number; "
                f"load it without streaming."
            )
        asked = self.splits.get(self.split)
        found = next((name for name in ((asked,) if asked else _NAMES[self.split]) if name in loaded), None)
        if found is None and (asked or self.split == "train"):
            raise DataError(
                f"{self._called} has no split '{asked or self.split}'.{suggest(asked or self.split, loaded)} It has "
                f"{', '.join(loaded)}; say which is which, as splits: {{{self.split}: …}}."
            )
        return None if found is None else self._plain(loaded[found])

    def _plain(self, data: Any) -> Any:
        """The data set; what it would make of rows that are read through the library is left out, and that is said."""
        if data.format["type"] == "custom":
            warnings.warn(
                f"The transform (with_transform, set_transform) of {self._called} is left out. Make its rows once, by "
                f"map, or change them in an augmenter.",
                AkidWarning,
                stacklevel=2,
            )
        return data

    @cached_property
    def _columns(self) -> dict[str, tuple[str, ...]]:
        """For each field the path of its column: the names of the columns inside each other."""
        known = dict(_paths(self._data.features))
        if not self.fields:
            return known
        for column in self.fields.values():
            if column not in known:
                raise DataError(
                    f"{self._called} has no column '{column}'.{suggest(column, known)} It has {', '.join(known)}."
                )
        return {name: known[column] for name, column in self.fields.items()}

    def _values(self, name: str, table: Any, indices: np.ndarray) -> np.ndarray:
        """One field of some rows."""
        compute, path = extra("pyarrow.compute", "huggingface"), self._columns[name]
        column, feature = table.column(path[0]), self._data.features[path[0]]
        for inner in path[1:]:
            column, feature = compute.struct_field(column, [inner]), feature[inner]
        what = f"The column '{'/'.join(path)}' of {self._called}"
        if isinstance(feature, extra("datasets", "huggingface").Image):
            return self._images(column.to_pylist(), what, indices)
        values, absent = arrow_numbers(column, what, indices)
        values = without_missing(values, self.missing, lambda row: f"{what}, row {indices[row]},", absent)
        return labels_as_int64(values, what)

    def _images(self, cells: list[Any], what: str, indices: np.ndarray) -> np.ndarray:
        images: list[np.ndarray] = []
        for row, cell in zip(indices, cells, strict=True):
            try:
                encoded = b"" if cell is None else cell["bytes"] or Path(cell["path"])
                image = self.decoding.decode(encoded)
            except (ValueError, OSError) as error:
                raise DataError(f"{what}: the image in row {row} {error}.") from error
            if images and image.shape != images[0].shape:
                raise DataError(
                    f"{what}: the image in row {row} has the shape {image.shape}, but that in row {indices[0]} "
                    f"{images[0].shape}; say a size, as decoding: {{size: [32, 32]}}."
                )
            images.append(image)
        return np.stack(images)

    @property
    def _called(self) -> str:
        return f"'{self.dataset}'" if not self.live_only else "the data set given in Python"


@contextmanager
def _offline_where_asked(library: Any) -> Iterator[None]:
    """Without network where `AKID_OFFLINE` forbids downloads; the library knows that as a state, not as an argument."""
    places = (library.config, extra("huggingface_hub.constants", "huggingface")) if offline() else ()
    before = [place.HF_HUB_OFFLINE for place in places]
    for place in places:
        place.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = value


def _paths(features: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The columns with those inside them, by names such as "meta/age"."""
    for name, feature in features.items():
        path = (*above, name)
        if isinstance(feature, Mapping):
            yield from _paths(feature, path)
        else:
            yield "/".join(path), path
