"""A live network in torch: the contract's border of NumPy around a `BrainModule`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from akid_core.backends.contract import Arrays, MetricStates, Network, Watcher
from akid_core.data.batch import Batch
from akid_core.errors import DataError, PluginError, UnknownNameError, suggest
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.specs.tensor import TensorSpec
from akid_torch.applied import Watching
from akid_torch.build import Parts
from akid_torch.mixed import casts
from akid_torch.module import BrainModule
from akid_torch.ops import DTYPES, TorchOps, array
from akid_torch.places import Home
from akid_torch.program import Program


class TorchNetwork(Network):
    """Parameters live in the modules and are changed in place: `native(path)` stays the same tensor for good."""

    def __init__(self, graph: Graph, parts: Parts, ops: TorchOps, channels_last: bool) -> None:
        self.graph, self.module = graph, BrainModule(graph, parts, casts(graph, parts.homes))
        self.ops, self._channels_last = ops, channels_last
        self._homes = dict(parts.homes)
        for path, home in self._homes.items():
            if graph.freezes(path):
                home.freeze()
        self._specs = {**graph.inputs, **graph.fields}

    def place(self, device: str) -> None:
        self.module.device = self.ops.device = torch.device(device)
        for home in self._homes.values():
            home.place(self.module.device, self._channels_last)
        for name, tensor in (*self.module.named_parameters(), *self.module.named_buffers()):
            if tensor.is_meta:
                raise PluginError(
                    f"The native module of {name.split('.')[0]!r} holds the tensor {name!r}, which its builder does "
                    "not name: a builder names the place of every parameter, and its module makes constants when it "
                    "first needs them."
                )
        for module in (self.module, *self.module.copies):
            module.to(self.module.device)

    def fill(self, values: Mapping[str, np.ndarray]) -> None:
        for path, value in values.items():
            home = self.home(path)
            home.fill(home.tensor, value)

    def read(self, paths: Iterable[str] | None = None) -> Arrays:
        return {path: self.home(path).read(self.native(path)) for path in (self._homes if paths is None else paths)}

    def native(self, path: str) -> Tensor:
        return self.home(path).tensor

    def home(self, path: str) -> Home:
        """Where a parameter lies."""
        if path not in self._homes:
            raise UnknownNameError(
                f"The network has no parameter {path!r}.{suggest(path, self._homes)} It has: {', '.join(self._homes)}."
            )
        return self._homes[path]

    def _known(self, path: str) -> str:
        return self.home(path).path  # beside the graph's, there are those that attached modules bring

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of all parameters, also of those that attached modules bring."""
        return tuple(self._homes)

    @property
    def trained(self) -> tuple[str, ...]:
        """Paths of the parameters that are trained: those of the graph, and those that attached modules bring."""
        return tuple(path for path, home in self._homes.items() if home.trained)

    @property
    def state(self) -> tuple[str, ...]:
        """Paths of what passes may change: running statistics, also those that are frozen."""
        return tuple(path for path, home in self._homes.items() if not isinstance(home.tensor, nn.Parameter))

    def values(
        self,
        fields: Mapping[str, np.ndarray],
        targets: Sequence[Value],
        *,
        training: bool = False,
        step: int = 0,
        given: Mapping[Value, np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        known = given or {}
        for value in known:
            if value.source not in self._specs:
                check_value(self.graph.everything, value)
        program = self.module.program(targets, known)
        values = self.tensors(program, fields)
        values += [self._given(value, known[value]) for value in program.given]
        rows = len(next(iter((*known.values(), *fields.values()))))
        with torch.no_grad():
            slots = self.module.run(program, values, self.module.frame(rows, training, step))
        return [array(slots[program.numbers[target]]) for target in targets]

    def _watch(self, watchers: tuple[Watcher, ...]) -> None:
        super()._watch(watchers)
        self.module.show([Watching(watcher) for watcher in watchers])

    def measure(self, batch: Batch) -> MetricStates:
        losses = [Value(call.path, output) for call in self.graph.losses for output in (0, 1)]
        metrics = self.graph.metric_layers
        parts = [Value(path, part) for path, metric in metrics.items() for part in range(len(metric.parts))]
        found = iter(self.values({**batch.fields, Batch.WEIGHTS: batch.weights}, [*losses, *parts]))
        states: MetricStates = {}
        for call in self.graph.losses:
            value, weight = (next(found).astype(np.float64) for _ in range(2))
            states[call.path] = {"sum": np.sum(value * weight), "count": np.sum(weight)}
        for path, metric in metrics.items():
            states[path] = {part: next(found) for part in metric.parts}
        return states

    def tensors(self, program: Program, fields: Mapping[str, np.ndarray]) -> list[Tensor]:
        """What a program takes of a batch, or of a span with its steps stacked before the batch, on the device."""
        pairs = zip(program.fields, program.pick(fields), strict=True)
        return [self._tensor(array, self._specs.get(name)) for name, array in pairs]

    def _given(self, value: Value, array: np.ndarray) -> Tensor:
        """What stands for the output of a call. Raises `DataError` where it is not shaped as it."""
        spec = self.graph.spec(value)
        sizes = zip(array.shape, spec.shape, strict=False)
        if array.ndim != spec.rank or any(isinstance(wanted, int) and size != wanted for size, wanted in sizes):
            raise DataError(f"The value {str(value)!r} should be {spec}, and was given with the shape {array.shape}.")
        return self._tensor(array, spec)

    def _tensor(self, array: np.ndarray, spec: TensorSpec | None) -> Tensor:
        """An array in the type of its spec; images lie as the plan says."""
        # torch takes native numbers in forward strides alone, and warns of arrays that it may not write to.
        if not (array.flags.carray and array.dtype.isnative):
            array = np.require(array, array.dtype.newbyteorder("="), ["C_CONTIGUOUS", "WRITEABLE"])
        tensor = torch.from_numpy(array)
        dtype = tensor.dtype if spec is None else DTYPES[spec.dtype]
        if self.module.device.type == "cuda":
            # From pinned memory a copy runs beside the computation; a wider type is made on the device.
            narrow = min(tensor.dtype, dtype, key=lambda each: each.itemsize)
            tensor = tensor.to(narrow).pin_memory().to(self.module.device, non_blocking=True)
        tensor = tensor.to(self.module.device, dtype)
        if self._channels_last and spec is not None and spec.rank == 4:
            tensor = tensor.movedim(-3, -1).contiguous().movedim(-1, -3)
        return tensor


def check_value(calls: Iterable[Call], value: Value) -> None:
    """Raise `UnknownNameError` for a value that none of the calls gives."""
    outputs = {call.path: len(call.out_specs) for call in calls}
    if value.output >= outputs.get(value.source, 0):
        raise UnknownNameError(
            f"No block gives {str(value)!r}.{suggest(value.source, outputs)} Blocks: {', '.join(outputs)}."
        )
