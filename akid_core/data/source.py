"""Source: a collection of measurements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from akid_core.specs.names import snake_case
from akid_core.specs.tensor import TensorSpec

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """Rows by index, for one split. Subclass it as a frozen dataclass; `rows` must be a pure function of the indices.

    A field named `sample_weight`, if there is one, says how much each row counts.
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

    def fingerprint(self) -> str:
        """A digest of the rows, where it costs little to make; a resumed run must find the same. Empty: not known."""
        return ""

    @property
    def in_memory(self) -> bool:
        """Whether `rows` is a mere copy from memory; if not, the Sensor reads ahead in a thread."""
        return False
