"""Member: what becomes of the bytes of one file in a shard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from akid_core.data.nested import flat_fields
from akid_core.specs import TensorSpec
from akid_datasets.formats.decoding import SUFFIXES, Decoding
from akid_datasets.formats.numbers import no_class

INTEGERS = ("cls", "id", "index", "txt")
"""The endings of members that hold one integer as text."""


@dataclass(frozen=True, kw_only=True)
class Member(Decoding):
    """Which member of a row a field is read from, and how.

    `ending`: of its name, after the first point; "jpg|png" takes whichever of them a row has. What is in it follows
    from the last part of the ending: images, as `Decoding` says; "npy", an array; "json", numbers, lists of them or
    mappings, each value of which is a field; "cls", "txt", "index" and "id", one integer. `shape` and `dtype` of a row
    are those of the first, where they are not stated: of integers int64, of JSON's real numbers float32. `axes`: what
    the dimensions of a batch are, such as "NTD". `classes`: integers must be 0 to classes - 1.
    """

    ending: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    axes: str = ""
    classes: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.endings or not all(self.endings):
            raise ValueError(f"ending must be like 'jpg', or 'jpg|png', got '{self.ending}'")
        unknown = [ending for ending in self.endings if last_part(ending) not in DECODERS]
        if unknown:
            raise ValueError(f"nothing reads members that end on '{unknown[0]}'; known are {', '.join(DECODERS)}")
        if self.dtype is not None and np.dtype(self.dtype).kind not in "biuf":
            raise ValueError(f"dtype must be a type of numbers, got '{self.dtype}'")

    @property
    def endings(self) -> tuple[str, ...]:
        return tuple(ending.strip().lower() for ending in self.ending.split("|"))

    def fields(self, name: str, ending: str, data: bytes) -> dict[str, np.ndarray]:
        """The arrays that a member holds, by the name of the field; of a mapping, by the path below that name.

        Raises `ValueError` with the reason for what cannot be decoded, is not finite, or is no class.
        """
        try:
            value = DECODERS[last_part(ending)](self, data)
            found = {path: self._array(part) for path, part in flat_fields({name: value}).items()}
        except RecursionError as error:
            raise ValueError("is nested too deeply") from error
        for path, values in found.items():
            if not np.isfinite(values).all():
                raise ValueError(f"has NaN or infinity in the field '{path}'")
            if self.classes is not None and values.dtype.kind in "iu" and no_class(values, self.classes).any():
                raise ValueError(f"has the label {values}; valid are 0 to {self.classes - 1}")
        return found

    def spec(self, values: np.ndarray, ending: str) -> TensorSpec:
        """What all rows must look like, where one of them is `values`."""
        shape = values.shape if self.shape is None else self.shape
        known = "NCHW" if last_part(ending) in SUFFIXES else "" if shape else "N"
        return TensorSpec(("N", *shape), values.dtype.name, self.axes or known)

    def _array(self, value: Any) -> np.ndarray:
        """A decoded value in the type that is wanted; integers as int64 where they are single."""
        array = value if isinstance(value, np.ndarray) else _numbers(value)
        if self.dtype is not None:
            wanted = np.dtype(self.dtype)
            if not np.can_cast(array.dtype, wanted, "same_kind"):
                raise ValueError(f"has {array.dtype} numbers, which are not kept by the type '{self.dtype}'")
            return array.astype(wanted)
        return array.astype(np.int64) if array.ndim == 0 and array.dtype.kind in "iu" else array


def last_part(ending: str) -> str:
    """What is after the last point of an ending, which says how a member is decoded."""
    return ending.rpartition(".")[2]


def fitting(found: Mapping[str, np.ndarray], specs: Mapping[str, TensorSpec]) -> dict[str, np.ndarray]:
    """The arrays of a member in the types of `specs`. Raises `ValueError` where fields, shapes or types do not fit."""
    for name in {**specs, **found}:
        if name not in found or name not in specs:
            raise ValueError(f"has {'a' if name in found else 'no'} '{name}', unlike the first row")
    for name, spec in specs.items():
        values = found[name]
        if values.shape != spec.row:
            way_out = "; give a size for images that differ" if spec.axes == "NCHW" else ""
            raise ValueError(f"has '{name}' of the shape {values.shape} instead of {spec.row}{way_out}")
        if not np.can_cast(values.dtype, spec.dtype, "same_kind"):
            raise ValueError(f"has {values.dtype} in '{name}', unlike the first row's {spec.dtype}; state a dtype")
    return {name: values.astype(specs[name].dtype, copy=False) for name, values in found.items()}


def _numbers(value: Any) -> np.ndarray:
    """An array of what JSON holds; its real numbers become float32."""
    if not all(isinstance(number, bool | int | float) for number in _leaves(value)):
        raise ValueError(f"has {str(value)[:40]!r}, where numbers are wanted")
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is not one array of numbers ({error})") from error
    if array.dtype.kind not in "biuf":
        raise ValueError("has a number that is too large")
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _leaves(value: Any) -> Iterable[Any]:
    if not isinstance(value, list):
        return (value,)
    return (leaf for item in value for leaf in _leaves(item))


def _integer(member: Member, data: bytes) -> np.ndarray:
    try:
        return np.array(int(data.decode("ascii")), np.int64)
    except (ValueError, OverflowError):
        raise ValueError(f"has {data[:40]!r}, where an integer is wanted") from None


def _npy(member: Member, data: bytes) -> np.ndarray:
    try:
        stored: np.ndarray = np.load(BytesIO(data), allow_pickle=False)
        array = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:
        raise ValueError(f"is no sound npy file ({error})") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"has the type {array.dtype}, where numbers are wanted")
    return array


def _json(member: Member, data: bytes) -> Any:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise ValueError(f"is no sound JSON ({error})") from error
    if isinstance(value, Mapping) and not value:
        raise ValueError("has no values")
    return value


DECODERS: dict[str, Callable[[Member, bytes], Any]] = {
    **dict.fromkeys(SUFFIXES, Member.decode),
    **dict.fromkeys(INTEGERS, _integer),
    "npy": _npy,
    "json": _json,
}
"""By the last part of an ending: an array, a number, nested lists or a mapping, of the bytes of a member."""
