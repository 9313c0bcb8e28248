"""Parameter: one variable, how its axes lie, and its way between the canonical layout and its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.errors import DataError, UsageError
from akid_core.specs.parameter import ParamSpec
from akid_tf.layout import permutation, permuted
from akid_tf.runtime import tf


@dataclass(slots=True)
class Parameter:
    """One parameter of the network. `axes`: how they lie in the variable, such as `"HWIO"`."""

    path: str
    spec: ParamSpec
    axes: str
    placed: tf.Variable | None = None

    @property
    def variable(self) -> tf.Variable:
        if self.placed is None:
            raise UsageError(
                f"The network has no storage yet, so {self.path!r} has no values: call place(device) first."
            )
        return self.placed

    def place(self) -> tf.Variable:
        """Make the variable, zero, on the current device."""
        order = permutation(self.spec.axes, self.axes)
        shape = self.spec.shape if order is None else tuple(self.spec.shape[axis] for axis in order)
        self.placed = tf.Variable(tf.zeros(shape, self.spec.dtype), trainable=self.spec.trained, name=self.path)
        return self.placed

    def assign(self, variable: tf.Variable, values: np.ndarray, what: str) -> None:
        """Set this variable, or one that lies like it, from canonical values. Raises `DataError` for another shape."""
        if np.shape(values) != self.spec.shape:
            raise DataError(f"{what} has shape {self.spec.shape}, and was given {np.shape(values)}.")
        variable.assign(permuted(np.asarray(values, dtype=self.spec.dtype), self.spec.axes, self.axes))

    def canonical(self, tensor: tf.Tensor | tf.Variable) -> np.ndarray:
        """A copy, in the canonical layout, of a tensor that lies like the variable."""
        return permuted(tensor.numpy(), self.axes, self.spec.axes)
