"""Synthetic: rows out of nothing, as many as wanted."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from akid_core.data import Source
from akid_core.data.source import About
from akid_core.random import derive_key, host_bits, spread_bits
from akid_core.specs import TensorSpec

_VALUES = {"bool": 2, "uint8": 256, "int32": 256, "int64": 256}
_SIZES = ("train", "val", "test")
_FLOATS = ("float16", "float32", "float64")
_COIN, _BITS = np.uint32(31), np.uint32(0x7FFFFFFF)


@dataclass(frozen=True, kw_only=True)
class Synthetic(Source):
    """Random pictures, vectors or sequences with labels that can be learnt from them, for tests and measurements.

    `train`, `val`, `test`: how many rows, up to 10^9 and more; none is stored. `shape`: of a row, such as [3, 32, 32].
    `dtype`: floating numbers are uniform in [0, 1), integers in 0 to `values` - 1. `classes`: how many labels there
    are. `fields`: the names of the values and of the labels.

    Each class has a pattern of its own. Of each row half of the elements, by the toss of a coin for each, are those of
    its class's pattern, the others are noise. All follows from `seed`, split and row alone, whoever asks.

    `image`: (batch, *shape) of `dtype`. `label`: (batch,) int64, 0 to classes - 1, each as likely.
    """

    train: int = 10_000
    val: int = 1_000
    test: int = 1_000
    shape: tuple[int, ...] = (3, 32, 32)
    dtype: str = "uint8"
    values: int | None = None
    classes: int = 10
    fields: tuple[str, str] = ("image", "label")
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        object.__setattr__(self, "fields", tuple(self.fields))
        if self.dtype not in (*_VALUES, *_FLOATS):
            raise ValueError(f"dtype must be one of {', '.join((*_VALUES, *_FLOATS))}, got {self.dtype!r}")
        for name in _SIZES:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not all(size > 0 for size in self.shape):
            raise ValueError(f"shape must have sizes of at least 1, got {self.shape}")
        if self.classes < 1:
            raise ValueError(f"classes must be at least 1, got {self.classes}")
        most = 1 << 31 if self.dtype.startswith("int") else _VALUES.get(self.dtype, 0)
        if self.values is not None and not 1 <= self.values <= most:
            allowed = f"1 to {most}" if most else "left out"
            raise ValueError(f"values must be {allowed} with dtype {self.dtype}, got {self.values}")

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        values, label = self.fields
        return {values: TensorSpec(("N", *self.shape), self.dtype), label: TensorSpec(("N",), "int64")}

    def __len__(self) -> int:
        return {"train": self.train, "val": self.val, "test": self.test}[self.split]

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        values, label = self.fields
        labels = self._labels(indices)
        words = spread_bits(self._key("row"), indices, 0, self.shape)
        return {values: self._numbers(np.where(words >> _COIN, words, self._patterns[labels])), label: labels}

    def fingerprint(self) -> str:
        settings = (getattr(self, each.name) for each in dataclasses.fields(self) if each.name not in _SIZES)
        return hashlib.blake2b(repr((*settings, len(self))).encode(), digest_size=16).hexdigest()

    def about(self) -> About:
        return {"title": "Random values with a pattern for each class, computed when they are read"}

    def _labels(self, indices: np.ndarray) -> np.ndarray:
        words = host_bits(self._key("label"), indices).astype(np.int64)
        return (words * self.classes) >> 32

    @cached_property
    def _patterns(self) -> np.ndarray:
        """The words of each class's pattern, (classes, *shape) uint32."""
        return spread_bits(derive_key(self.seed, "synthetic", "pattern"), np.arange(self.classes), 0, self.shape)

    def _numbers(self, words: np.ndarray) -> np.ndarray:
        """Numbers of the promised type from 31 random bits each."""
        words = words & _BITS
        if self.dtype in _FLOATS:
            bits = 11 if self.dtype == "float16" else 24  # what the type can hold, so that 1.0 is never reached
            return ((words >> np.uint32(31 - bits)) / 2.0**bits).astype(self.dtype)
        values = self.values or _VALUES[self.dtype]
        return ((words.astype(np.uint64) * np.uint64(values)) >> np.uint64(31)).astype(self.dtype)

    def _key(self, what: str) -> tuple[int, int]:
        return derive_key(self.seed, "synthetic", self.split, what)
