"""Feed: what a compiled program takes, so that no size of a batch or a span ever compiles it anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from akid_core.data.batch import Batch
from akid_core.errors import DataError, suggest
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.specs.layer import Loss, Metric
from akid_core.specs.tensor import TensorSpec
from akid_tf.runtime import tf

_WEIGHTS = TensorSpec(("N",), "float32", "N")
_ALIGNED = 64
"""Bytes that tensors begin at a multiple of: TensorFlow's kernels end the process where one does not."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The inputs and batch fields, by name, that a walk over some calls of a graph needs."""

    specs: Mapping[str, TensorSpec]

    @classmethod
    def of(
        cls, graph: Graph, calls: Iterable[Call], targets: Iterable[Value] = (), given: Collection[Value] = ()
    ) -> Feed:
        """What the calls need, and the targets that are no call's output; what is `given` under its text."""
        calls = tuple(calls)
        values = [value for call in calls for value in call.inputs] + list(targets)
        specs = {
            value.source: _WEIGHTS if value.source == Batch.WEIGHTS else graph.spec(value)
            for value in values
            if value.source not in graph.by_path and value not in given
        }
        specs.update((str(value), graph.spec(value)) for value in given)
        if any(isinstance(call.layer, Loss | Metric) for call in calls):
            specs[Batch.WEIGHTS] = _WEIGHTS
        return cls(specs)

    def signature(self, *first: int | None) -> dict[str, tf.TensorSpec]:
        """Specs by name, symbolic sizes open, behind the axes `first`: that of the steps of a span."""
        return {
            name: tf.TensorSpec((*first, *(size if isinstance(size, int) else None for size in spec.shape)), spec.dtype)
            for name, spec in self.specs.items()
        }

    def tensors(self, fields: Mapping[str, np.ndarray]) -> dict[str, tf.Tensor]:
        """The fields that are needed, in the types that the graph settled. Raises `DataError` where one is missing.

        For a batch without rows, which some kernels do not bear, one of zeros stands in; its weight is 0.
        """
        tensors = {}
        for name, spec in self.specs.items():
            if name not in fields:
                raise DataError(f"The batch has no field {name!r}.{suggest(name, fields)} It has: {', '.join(fields)}.")
            array = np.asarray(fields[name], dtype=spec.dtype)
            tensors[name] = as_tensor(array if len(array) else np.zeros((1, *array.shape[1:]), array.dtype))
        return tensors


def as_tensor(array: np.ndarray) -> tf.Tensor:
    """The array as a tensor of the host, in the same memory where TensorFlow can use it, else copied once.

    `tf.constant` copies twice. The memory is shared for as long as a span or batch is computed, and only read.
    """
    if array.dtype.kind not in "iuf" or not array.dtype.isnative or not array.nbytes:
        return tf.constant(array)
    if array.ctypes.data % _ALIGNED or not array.flags.carray:
        array = _aligned_copy(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def _aligned_copy(array: np.ndarray) -> np.ndarray:
    memory = np.empty(array.nbytes + _ALIGNED, np.uint8)
    start = -memory.ctypes.data % _ALIGNED
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    np.copyto(copy, array)
    return copy
