"""What a tensor looks like before it exists."""

from __future__ import annotations

from dataclasses import dataclass, replace

from akid_core.errors import OpenSizeError

Dimension = int | str
"""A size, or a symbol such as `"N"` (the batch, always symbolic) or `"T"`."""

FLOATS = ("float16", "bfloat16", "float32", "float64")
"""The floating types, narrow ones first."""


def wider(dtype: str, least: str = "float32") -> str:
    """The wider of two floating types; sums are formed in at least float32."""
    return max(dtype, least, key=FLOATS.index)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Shape, type and meaning of one tensor: `TensorSpec(("N", 3, 32, 32), "float32", "NCHW")`.

    `axes` has one letter for each dimension, or is empty where nothing is said. A layer that makes floating numbers of
    none, such as an embedding, promises `dtype="float"`, which is settled as the Brain's type of computation.
    """

    shape: tuple[Dimension, ...]
    dtype: str = "float32"
    axes: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if self.axes and len(self.axes) != len(self.shape):
            raise ValueError(f"axes {self.axes!r} do not match the {len(self.shape)} dimensions of {self.shape}")

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def floating(self) -> bool:
        return self.dtype in FLOATS

    @property
    def row(self) -> tuple[int, ...]:
        """The shape of one row: everything after the batch, as integers."""
        sizes = tuple(size for size in self.shape[1:] if isinstance(size, int))
        if len(sizes) != len(self.shape) - 1:
            raise OpenSizeError(
                f"{self} has symbolic dimensions beside the batch, and their sizes must be known here: give all rows "
                "one length, such as by padding with a mask"
            )
        return sizes

    def with_shape(self, *shape: Dimension, axes: str = "") -> TensorSpec:
        return replace(self, shape=shape, axes=axes)

    def with_dtype(self, dtype: str) -> TensorSpec:
        return replace(self, dtype=dtype)

    def settled(self, compute: str) -> TensorSpec:
        """The spec with `"float"` as the type of computation."""
        return self.with_dtype(compute) if self.dtype == "float" else self

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"
