"""Parameter: one variable, how its axes lie, and its way between the canonical layout and its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from akid_core.errors import DataError, UsageError
from akid_core.specs.parameter import ParamSpec
from akid_tf.layout import permutation, permuted
from akid_tf.runtime import tf

_UNSUITED = re.compile(r"[^A-Za-z0-9_.\\/>-]")
"""What TensorFlow does not take in the name of a variable that it saves, such as the @ of `rnn/h@initial`."""


@dataclass(slots=True)
class Parameter:
    """One parameter of the network, by its full path.

    `shape`, `axes`: canonical. `lying`: the axes as they lie in the variable, such as `"HWIO"`. `placed`: the variable,
    once there is one; that of an attached module is there from the start, with values.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    trained: bool
    axes: str = ""
    lying: str = ""
    placed: tf.Variable | None = None

    @classmethod
    def promised(cls, path: str, spec: ParamSpec, lying: str) -> Parameter:
        """What a spec says, still without storage."""
        return cls(path, spec.shape, spec.dtype, spec.trained, spec.axes, lying or spec.axes)

    @classmethod
    def existing(cls, path: str, variable: tf.Variable, trained: bool) -> Parameter:
        """A variable that an attached module has made."""
        return cls(path, tuple(variable.shape), variable.dtype.name, trained, placed=variable)

    @property
    def variable(self) -> tf.Variable:
        if self.placed is None:
            raise UsageError(
                f"The network has no storage yet, so {self.path!r} has no values: call place(device) first."
            )
        return self.placed

    def place(self) -> None:
        """Make the variable, zero, on the current device, unless it exists."""
        if self.placed is None:
            order = permutation(self.axes, self.lying)
            shape = self.shape if order is None else tuple(self.shape[axis] for axis in order)
            name = _UNSUITED.sub("_", self.path)
            self.placed = tf.Variable(tf.zeros(shape, self.dtype), trainable=self.trained, name=name)

    def assign(self, variable: tf.Variable, values: np.ndarray, what: str) -> None:
        """Set this variable, or one that lies like it, from canonical values. Raises `DataError` for another shape."""
        if np.shape(values) != self.shape:
            raise DataError(f"{what} has shape {self.shape}, and was given {np.shape(values)}.")
        variable.assign(permuted(np.asarray(values, dtype=self.dtype), self.axes, self.lying))

    def canonical(self, tensor: tf.Tensor | tf.Variable) -> np.ndarray:
        """A copy, in the canonical layout, of a tensor that lies like the variable."""
        return permuted(tensor.numpy(), self.lying, self.axes)
