"""Wrapped: a data set of another library as a Source, by import path or as an object."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from akid_core.data.collate import channels_first
from akid_core.data.forward import Chunk, Forward
from akid_core.data.source import Source
from akid_core.errors import AkidWarning, ConfigurationError, DataError
from akid_core.specs.target import call_target, check_target
from akid_core.specs.tensor import TensorSpec

_TRIED = 8
"""Rows that are read twice, to see whether they come again."""


@dataclass(frozen=True, kw_only=True)
class Wrapped(Source):
    """A data set of another library; a plugin subclasses it for its own.

    `target`: the data set to train on, and `val` and `test` those of the other splits; or the import path of what makes
    it from `arguments`, and `val` and `test` are the arguments that differ for them (`{train: false}`). Without them
    the split does not exist. `fields`: names of a tuple's values; dictionaries bring their own. `channels_last`:
    fields that are pictures (H, W) or (H, W, C), and become (C, H, W). `length`: how many rows a split has, where the
    data set does not know it.
    """

    target: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)
    val: Any = None
    test: Any = None
    fields: tuple[str, ...] = ("image", "label")
    channels_last: tuple[str, ...] = ()
    length: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_target(self.target)
        for name in ("fields", "channels_last"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        others = [other for other in (self.val, self.test) if other is not None]
        if not isinstance(self.target, str) and self.arguments:
            raise ValueError("arguments are for a target that is an import path; this one is made already")
        if isinstance(self.target, str) and not all(isinstance(other, Mapping) for other in others):
            raise ValueError("val and test are arguments that differ from the others, since the target is a path")

    @property
    def live_only(self) -> bool:
        return not isinstance(self.target, str)

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {name: TensorSpec(("N", *row.shape), row.dtype.name) for name, row in self._first_row.items()}

    def __len__(self) -> int:
        return 0 if self.made is None else self._length

    def rows(self, indices: np.ndarray) -> Chunk:
        if not len(indices):
            return {name: np.empty((0, *row.shape), row.dtype) for name, row in self._first_row.items()}
        return self._with_channels_first(self._forward.rows(indices) if self.sequential else self._at(indices))

    @abstractmethod
    def _at(self, indices: np.ndarray) -> Chunk:
        """The rows at `indices` (n,), at least one, where rows can be read in any order."""

    @abstractmethod
    def _from(self, skip: int) -> Iterator[Chunk]:
        """All rows behind the first `skip` ones, in chunks, where they can only be read one after another."""

    @abstractmethod
    def _known_length(self) -> int | None:
        """How many rows the data set says that it has; None where it does not know."""

    @cached_property
    def made(self) -> Any:
        """The data set of this split; None where there is none."""
        other = {"val": self.val, "test": self.test}.get(self.split, {})
        if other is None:
            return None
        if isinstance(self.target, str):
            return call_target(self.target, {**self.arguments, **other}, f"the source '{self.component()}'")
        return self.target if self.split == "train" else other

    @cached_property
    def _length(self) -> int:
        length = self.length.get(self.split)
        length = self._known_length() if length is None else length
        if length is None:
            raise ConfigurationError(
                f"The data set that the source '{self.component()}' wraps does not know how many rows its split "
                f"'{self.split}' has; say it: length={{'{self.split}': …}}."
            )
        return length

    @cached_property
    def _first_row(self) -> Mapping[str, np.ndarray]:
        """The fields of the first row of the split, or of what there is to train on."""
        if not len(self):
            if self.split == "train":
                raise DataError(f"The data set to train on that the source '{self.component()}' wraps has no rows.")
            return replace(self, split="train")._first_row
        self._warn_of_chance()
        row = {name: values[0] for name, values in self.rows(np.array([0])).items()}
        if self.fields != type(self).fields:  # by default a data set may as well have no labels
            for name in self.fields:
                if not any(path == name or path.startswith(f"{name}/") for path in row):
                    raise ConfigurationError(f"fields names '{name}', but a row has the fields {_listed(row)}.")
        return row

    @cached_property
    def _forward(self) -> Forward:
        return Forward(self._from)

    def _warn_of_chance(self) -> None:
        """Say so where the first rows are others when they are read again."""
        some = np.arange(min(_TRIED, self._length))
        once, again = (Forward(self._from).rows(some) if self.sequential else self._at(some) for _ in range(2))
        for name, values in once.items():
            if not np.array_equal(values, again[name], equal_nan=values.dtype.kind == "f"):
                warnings.warn(
                    f"The data set that the source '{self.component()}' wraps gives other rows when it is read again "
                    f"('{name}' differs), so a run over it can neither be repeated nor resumed exactly. Give it a "
                    f"fixed order and fixed values; shuffling and augmenting are the sensors' work.",
                    AkidWarning,
                    stacklevel=2,
                )
                return

    def _with_channels_first(self, rows: Chunk) -> Chunk:
        for name in self.channels_last:
            if name not in rows:
                raise ConfigurationError(f"channels_last names '{name}', but a row has the fields {_listed(rows)}.")
        return {
            name: np.ascontiguousarray(channels_first(values, 1)) if name in self.channels_last else values
            for name, values in rows.items()
        }


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
