"""A tensor that remembers how it was made, and the reverse pass over what it remembers.

A `Tape` is a list of records in the order of computation. Each record knows which slot it fills, and for each tracked
input a function from the gradient of the result to the gradient of that input (its vector-Jacobian product). Walking
the list backwards once is the whole of differentiation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Vjp = Callable[[np.ndarray], np.ndarray]
"""The gradient of a result -> the gradient of one input, in that input's shape and type."""


class Record(NamedTuple):
    """One tracked operation: the slot of its result, and for each tracked input its slot and its Vjp."""

    slot: int
    inputs: tuple[tuple[int, Vjp], ...]


class Tape:
    """The tracked operations of one computation, in order."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._slots = 0

    def watch(self, data: np.ndarray) -> Tensor:
        """A tensor that gradients are wanted for."""
        self._slots += 1
        return Tensor(data, self, self._slots - 1)

    def add(self, data: np.ndarray, inputs: Sequence[tuple[Tensor, Vjp]]) -> Tensor:
        """The result of a tracked operation."""
        result = self.watch(data)
        self._records.append(Record(result.slot, tuple((x.slot, vjp) for x, vjp in inputs)))
        return result

    def gradients(self, target: Tensor, sources: Sequence[Tensor]) -> list[np.ndarray]:
        """The gradient of the sum of `target` with respect to each source: zeros where it does not depend on it."""
        wanted = {source.slot for source in sources}
        gradients = {target.slot: np.ones_like(target.data)} if target.tape is self else {}
        for record in reversed(self._records):
            keep = record.slot in wanted
            gradient = gradients.get(record.slot) if keep else gradients.pop(record.slot, None)
            if gradient is None:
                continue
            for slot, vjp in record.inputs:
                share = vjp(gradient)
                gradients[slot] = gradients[slot] + share if slot in gradients else share
        return [gradients.get(source.slot, np.zeros_like(source.data)) for source in sources]


class Tensor:
    """A NumPy array with Python's operators; on a tape if gradients flow through it.

    Arrays of different types never mix; a Python number takes the tensor's type.
    """

    __slots__ = ("data", "slot", "tape")
    __array_ufunc__ = None  # a NumPy array on the left leaves the operator to us

    def __init__(self, data: np.ndarray, tape: Tape | None = None, slot: int = -1) -> None:
        self.data = data
        self.tape = tape
        self.slot = slot

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    def __repr__(self) -> str:
        return f"Tensor({self.data!r})"

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.data)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("this is no array, since gradients may flow through it: compute in context.ops, look at .data")

    def operand(self, value: Any) -> Tensor:
        """The other side of an operator: a tensor of the same type, or a number that takes this type."""
        if isinstance(value, Tensor):
            if value.dtype != self.dtype:
                raise TypeError(f"types never mix by themselves: {self.dtype} with {value.dtype}; use astype")
            return value
        if isinstance(value, int) or (isinstance(value, float) and self.data.dtype.kind == "f"):
            return Tensor(np.asarray(value, self.dtype))
        raise TypeError(f"{type(value).__name__} does not go with a tensor of {self.dtype}; use asarray or astype")

    def __add__(self, other: Any) -> Tensor:
        y = self.operand(other)
        return record(self.data + y.data, (self, to_shape(self)), (y, to_shape(y)))

    def __sub__(self, other: Any) -> Tensor:
        y = self.operand(other)
        return record(self.data - y.data, (self, to_shape(self)), (y, to_shape(y, lambda g: -g)))

    def __mul__(self, other: Any) -> Tensor:
        y = self.operand(other)
        return record(
            self.data * y.data,
            (self, to_shape(self, lambda g: g * y.data)),
            (y, to_shape(y, lambda g: g * self.data)),
        )

    def __truediv__(self, other: Any) -> Tensor:
        y = self.operand(other)
        quotient = self.data / y.data
        return record(
            quotient,
            (self, to_shape(self, lambda g: g / y.data)),
            (y, to_shape(y, lambda g: -g * quotient / y.data)),
        )

    def __pow__(self, other: Any) -> Tensor:
        y = self.operand(other)
        power = self.data**y.data

        def by_exponent(g: np.ndarray) -> np.ndarray:
            # The derivative x^y log x tends to 0 as x does, where the logarithm alone is infinite.
            return np.asarray(g * power * np.log(np.where(self.data > 0, self.data, 1)))

        return record(
            power,
            (self, to_shape(self, lambda g: g * y.data * self.data ** (y.data - 1))),
            (y, to_shape(y, by_exponent)),
        )

    def __neg__(self) -> Tensor:
        return record(-self.data, (self, lambda g: -g))

    def __radd__(self, other: Any) -> Tensor:
        return self.operand(other) + self

    def __rsub__(self, other: Any) -> Tensor:
        return self.operand(other) - self

    def __rmul__(self, other: Any) -> Tensor:
        return self.operand(other) * self

    def __rtruediv__(self, other: Any) -> Tensor:
        return self.operand(other) / self

    def __rpow__(self, other: Any) -> Tensor:
        return self.operand(other) ** self

    def __matmul__(self, other: Tensor) -> Tensor:
        """Product of the last two axes; those before them broadcast."""
        x, y = self, self.operand(other)
        if min(x.data.ndim, y.data.ndim) < 2:
            raise TypeError(f"a matrix product takes two axes or more on both sides, got {x.shape} and {y.shape}")
        return record(
            x.data @ y.data,
            (x, to_shape(x, lambda g: g @ y.data.swapaxes(-1, -2))),
            (y, to_shape(y, lambda g: x.data.swapaxes(-1, -2) @ g)),
        )

    def compare(self, compare: Callable[[Any, Any], Any], other: Any) -> Tensor:
        """True and false by element. An integer may lie outside the range of the tensor's type."""
        right = other if isinstance(other, int) else self.operand(other).data
        return Tensor(np.asarray(compare(self.data, right)))

    def __lt__(self, other: Any) -> Tensor:
        return self.compare(operator.lt, other)

    def __le__(self, other: Any) -> Tensor:
        return self.compare(operator.le, other)

    def __gt__(self, other: Any) -> Tensor:
        return self.compare(operator.gt, other)

    def __ge__(self, other: Any) -> Tensor:
        return self.compare(operator.ge, other)

    def __getitem__(self, key: Any) -> Tensor:
        def vjp(g: np.ndarray) -> np.ndarray:
            gradient = np.zeros_like(self.data)
            gradient[key] = g
            return gradient

        return record(self.data[key], (self, vjp))


def record(data: Any, *inputs: tuple[Tensor, Vjp]) -> Tensor:
    """The result of an operation: tracked where an input is tracked and the result can have a gradient."""
    data = np.asarray(data)
    tracked = [(x, vjp) for x, vjp in inputs if x.tape is not None]
    if not tracked or data.dtype.kind != "f":
        return Tensor(data)
    tape = tracked[0][0].tape
    assert tape is not None
    return tape.add(data, tracked)


def to_shape(x: Tensor, vjp: Vjp = lambda g: g) -> Vjp:
    """`vjp`, then summed over the axes along which `x` was broadcast."""

    def summed(g: np.ndarray) -> np.ndarray:
        gradient = vjp(g)
        if gradient.shape == x.shape:
            return gradient
        gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(x.shape))))
        stretched = tuple(axis for axis, size in enumerate(x.shape) if size == 1 and gradient.shape[axis] != 1)
        return np.asarray(gradient.sum(axis=stretched, keepdims=True))

    return summed
