"""Shards: rows in tar archives, here or elsewhere, larger than memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from akid_core.data import Sampler, Source, Windowed
from akid_core.data.source import SPLITS
from akid_core.errors import DataError
from akid_core.specs import TensorSpec
from akid_datasets.shards.collection import Collection, Encoded
from akid_datasets.shards.member import Member, fitting
from akid_datasets.shards.remote import CHUNK

Patterns = str | Path | tuple[str | Path, ...]


@dataclass(frozen=True, kw_only=True)
class Shards(Source):
    """Rows in tar archives as WebDataset lays them out: neighbours named `key.ending` with one key are a row.

    `train`, `val`, `test`: the shards of each split, one pattern or several: a path, with `*` or with braces as in
    `train-{000000..000119}.tar`, or a URL of anything that fsspec reads (extra `remote`). `fields`: by name, the
    ending of the member, as "jpg|png", or a `Member` with settings. `cache`: how many bytes of remote shards a process
    keeps.

    Images are (batch, channels, height, width) uint8, integers (batch,) int64, arrays (batch, …) as they are.

    Where members lie is found from the headers of each shard when it is first used, and kept under `AKID_DATA_DIR`.
    So any row can be read by itself, and a run resumes in the middle of an epoch without reading what was before. Rows
    are trained on in the order `windowed`, which reads long pieces of the shards; its blocks are so short that two
    windows of remote shards fit into `cache`, so that little is asked for twice.

    Raises `DataError`, naming shard, member and row, for archives that are cut short, packed, or have members that are
    neither files nor folders; for rows without a wanted member, of another shape or type than the first, with NaN; and
    for members that cannot be decoded. Names of members say which row they belong to and are never used as paths.
    """

    train: Patterns = ()
    val: Patterns = ()
    test: Patterns = ()
    fields: Mapping[str, str | Member] = field(default_factory=lambda: {"image": "jpg|jpeg|png|webp", "label": "cls"})
    cache: int = 1 << 28

    def __post_init__(self) -> None:
        if not self.fields:
            raise ValueError("fields must name at least one field, such as {image: jpg, label: cls}")
        if self.cache < 0:
            raise ValueError(f"cache must be at least 0 bytes, got {self.cache}")

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {path: spec for specs in self._specs.values() for path, spec in specs.items()}

    def __len__(self) -> int:
        return len(self._collection)

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return self._read(indices, self._members)

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        member = next(field for field, specs in self._specs.items() if name in specs)
        return self._read(indices, {member: self._members[member]})[name]

    def order(self) -> Sampler:
        usual, shards = Windowed(), self._collection.shards
        if not len(self) or not any(shard.remote for shard in shards):
            return usual
        row = sum(shard.size for shard in shards) / len(self)
        rows = self.cache / 2 / row / usual.blocks  # half: one window begins while another ends
        return Windowed(block=min(usual.block, math.ceil(max(rows, CHUNK / row))))

    def fingerprint(self) -> str:
        return self._collection.digest

    def fetch(self) -> None:
        """Find where the rows of all splits lie."""
        for split in SPLITS:
            len(replace(self, split=split))

    @cached_property
    def _collection(self) -> Collection:
        given = getattr(self, self.split)
        patterns = given if isinstance(given, tuple | list) else (given,)
        return Collection.of(tuple(map(str, patterns)), self.split)

    @cached_property
    def _members(self) -> dict[str, Member]:
        return {name: Member(ending=said) if isinstance(said, str) else said for name, said in self.fields.items()}

    @cached_property
    def _specs(self) -> dict[str, dict[str, TensorSpec]]:
        """By field, what it becomes: as in the first row of the first split, which all rows must resemble."""
        first = next((split for split in SPLITS if getattr(self, split)), None)
        if first is None:
            raise DataError("The source 'shards' was given no shards; name some, such as train: 'train-*.tar'.")
        if first != self.split:
            return replace(self, split=first)._specs
        members = self._collection.read(np.zeros(1, np.int64), self._members, self.cache)
        return {
            encoded.field: {
                path: self._members[encoded.field].spec(values, encoded.ending)
                for path, values in self._decoded(encoded).items()
            }
            for encoded in members
        }

    def _read(self, indices: np.ndarray, members: Mapping[str, Member]) -> dict[str, np.ndarray]:
        """What some members of the rows at `indices` hold."""
        specs = {path: spec for field in members for path, spec in self._specs[field].items()}
        rows = {path: np.empty((len(indices), *spec.row), spec.dtype) for path, spec in specs.items()}
        for encoded in self._collection.read(indices, members, self.cache):
            for path, values in self._decoded(encoded, self._specs[encoded.field]).items():
                rows[path][encoded.place] = values
        return rows

    def _decoded(self, encoded: Encoded, specs: Mapping[str, TensorSpec] | None = None) -> dict[str, np.ndarray]:
        """What a member holds, by path. Raises `DataError` that names it where it does not decode, or fit `specs`."""
        try:
            found = self._members[encoded.field].fields(encoded.field, encoded.ending, encoded.data)
            return found if specs is None else fitting(found, specs)
        except ValueError as error:
            raise self._collection.wrong(encoded.row, encoded.at, error, self.cache) from error
