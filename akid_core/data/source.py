"""Source: a collection of measurements."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from akid_core.config import Typed
from akid_core.data.named_row import named_row
from akid_core.data.sampler import Sampler, Sequential
from akid_core.errors import DataError, suggest
from akid_core.specs.names import snake_case
from akid_core.specs.tensor import TensorSpec

Split = Literal["train", "val", "test"]
About = Mapping[str, str | tuple[str, ...]]
"""Texts by heading; what is several, such as the names of classes, is a tuple."""
SPLITS: tuple[Split, ...] = get_args(Split)
_ROWS, _BYTES = 4096, 1 << 26
"""How many rows are read at once where a whole field is asked for, and how many bytes they may have."""


@dataclass(frozen=True, kw_only=True)
class Source(Typed, ABC):
    """Rows by index, for one split. Subclass it as a frozen dataclass; `rows` must be a pure function of the indices.

    A field named `sample_weight`, if there is one, says how much each row counts. Floating fields are finite:
    a Sensor refuses NaN and infinity, naming field and row. A source that reads files does so itself, naming the file
    too, unless a setting (`missing`) says what stands for them.
    """

    split: Split = "train"

    @classmethod
    def component(cls) -> str:
        """The name of this class in YAML and in the registry."""
        return snake_case(cls.__name__)

    @property
    @abstractmethod
    def spec(self) -> Mapping[str, TensorSpec]:
        """The fields of a batch, each with the batch dimension `"N"` first."""

    @abstractmethod
    def __len__(self) -> int:
        """How many rows this split has; 0 where the split does not exist."""

    @abstractmethod
    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        """The rows at `indices` (n,) int64, in that order: each field (n, …)."""

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        """One field of the rows at `indices` (n,) int64: (n, …). Override it where the others cost time to read."""
        return self.rows(indices)[name]

    def row_name(self, row: int) -> str:
        """What messages call a row; where it is one of another source, also what it is there."""
        return f"row {row}"

    def fingerprint(self) -> str:
        """A digest of the rows, where it costs little to make; a resumed run must find the same. Empty: not known."""
        return ""

    @property
    def in_memory(self) -> bool:
        """Whether `rows` is a mere copy from memory; if not, the Sensor reads ahead, see `Reading`."""
        return False

    @property
    def sequential(self) -> bool:
        """Whether rows can be read one after another only, so that no sampler may change their order."""
        return False

    @property
    def live_only(self) -> bool:
        """Whether it holds what no file can, such as arrays, so that a run over it is made in Python."""
        return False

    def order(self) -> Sampler | None:
        """The order to train in where none is asked for; None: every row once, in a new random order each epoch."""
        return Sequential() if self.sequential else None

    def column(self, name: str) -> np.ndarray:
        """One field of all rows, (rows, …), such as the labels. Raises `DataError` for an unknown field."""
        if name not in self.spec:
            known = ", ".join(f"'{field}'" for field in self.spec)
            raise DataError(
                f"The source '{self.component()}' has no field '{name}'.{suggest(name, self.spec)} It has {known}."
            )
        row = sum(_row_bytes(spec) for spec in self.spec.values())
        at_once = min(_ROWS, max(1, _BYTES // max(1, row)))
        starts = range(0, max(1, len(self)), at_once)
        return np.concatenate(
            [self._piece(name, np.arange(start, min(start + at_once, len(self)))) for start in starts]
        )

    def _piece(self, name: str, indices: np.ndarray) -> np.ndarray:
        with named_row(self, indices):
            return self.field_rows(name, indices)

    def fetch(self) -> None:
        """Get what is missing, such as files to download; else it is got when a row is first read."""

    def about(self) -> About:
        """What there is to know of the data, such as `title`, `home`, `licence`, `citation`, `folder`, `classes`."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """What other processes are given: the settings, without what was made of them here, such as open files."""
        made = {
            name for cls in type(self).__mro__ for name, what in vars(cls).items() if isinstance(what, cached_property)
        }
        return {name: value for name, value in vars(self).items() if name not in made}


def _row_bytes(spec: TensorSpec) -> int:
    """How many bytes a row of a field has, counting 1 for dimensions that are not known."""
    return math.prod(size for size in spec.shape[1:] if isinstance(size, int)) * np.dtype(spec.dtype).itemsize
