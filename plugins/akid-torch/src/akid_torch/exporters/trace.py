"""The predictions of a network as one traced program, which every format begins with."""

from __future__ import annotations

import logging
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr
from io import StringIO
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from akid_core.backends.contract import Network
from akid_core.backends.export import fitting, outside
from akid_core.errors import ConfigurationError, UsageError
from akid_core.graph.resolved import Value
from akid_torch.module import child_name
from akid_torch.network import TorchNetwork
from akid_torch.ops import DTYPES

T = TypeVar("T")

_ROWS, _SIZE = 3, 2
"""Of the example that is traced: rows, and what any other symbol stands for. Torch takes 1 for a constant."""

_REMEDY = (
    "torch.export must be able to trace the network for any number of rows: an attached module must not branch on "
    "values, a layer must not walk over an axis whose size is a symbol, and the format must know every operation."
)


class Predictor(nn.Module):
    """Outputs by name from a dictionary of inputs, in evaluation; holds the modules that take part and no others.

    Both are at least float32, in whatever the network computes.
    """

    def __init__(self, network: TorchNetwork, outputs: Mapping[str, Value]) -> None:
        super().__init__()
        brain, graph = network.module, network.graph
        self._device, self.outputs = brain.device, dict(outputs)
        self.program = brain.program(outputs.values())
        self.inputs = {name: outside(graph.inputs[name]) for name in graph.inputs if name in self.program.fields}
        self._inside = [DTYPES[graph.inputs[name].dtype] for name in self.program.fields]
        self._outside = {name: DTYPES[outside(graph.spec(value)).dtype] for name, value in outputs.items()}
        self._run, self._frame = brain.run, brain.frame
        for call in graph.needed(outputs.values()):
            self.add_module(child_name(self, call.path), brain.by_path[call.path])

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        values = [_cast(tensor, dtype) for tensor, dtype in zip(self.program.pick(inputs), self._inside, strict=True)]
        slots = self._run(self.program, values, self._frame(values[0].shape[0], False))
        found = {name: slots[self.program.numbers[value]] for name, value in self.outputs.items()}
        return {name: _cast(tensor, self._outside[name]) for name, tensor in found.items()}

    def trace(self) -> ExportedProgram:
        """The program for any number of rows, and any size that is a symbol."""
        symbols = {size for spec in self.inputs.values() for size in spec.shape if isinstance(size, str)}
        dims = {symbol: Dim(symbol) for symbol in symbols}
        example, shapes = {}, {}
        for name, spec in self.inputs.items():
            sizes = [_ROWS if size == "N" else size if isinstance(size, int) else _SIZE for size in spec.shape]
            example[name] = torch.zeros(sizes, dtype=DTYPES[spec.dtype], device=self._device)
            shapes[name] = {axis: dims[size] for axis, size in enumerate(spec.shape) if isinstance(size, str)}
        with torch.no_grad():
            self.eval()(example)  # the first pass proves the layers, which a trace with unknown sizes cannot
            try:
                return torch.export.export(self, (example,), dynamic_shapes=(shapes,))
            except GuardOnDataDependentSymNode as error:
                plain = ConfigurationError("its Python branches on values, which a trace does not have")
                plain.__notes__ = getattr(error, "__notes__", [])
                raise plain from None


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor if tensor.dtype == dtype else tensor.to(dtype)  # a trace would write down what changes nothing


def made(network: Network, form: str, make: Callable[[Predictor], T]) -> T:
    """What `make` makes of the network's predictions.

    Raises `ConfigurationError` naming the block for which it fails, and `UsageError` for another backend's network.
    """
    if not isinstance(network, TorchNetwork):
        raise UsageError(f"The torch backend exports its own networks, not a {type(network).__name__}.")
    with fitting(form, _REMEDY), quiet():
        try:
            return make(Predictor(network, network.graph.outputs))
        except OSError:
            raise
        except Exception as error:
            if not getattr(error, "__notes__", ()):  # some things are found at the end, by who knows no blocks
                error.add_note(f"in block {_culprit(network, make)!r}")
            raise


def _culprit(network: TorchNetwork, make: Callable[[Predictor], object]) -> str:
    """The first block for which it fails, all blocks up to it taken together."""
    calls = network.graph.needed(network.graph.outputs.values())

    def fails(count: int) -> bool:
        try:
            make(Predictor(network, {call.path: Value(call.path) for call in calls[:count]}))
        except Exception:
            return True
        return False

    return calls[bisect_left(range(1, len(calls)), True, key=fails)].path


@contextmanager
def quiet() -> Iterator[None]:
    """Without torch's warnings about itself, its logs, and the program it got so far, which it prints on failure."""
    with ExitStack() as stack:
        for logger in map(logging.getLogger, ("torch.onnx", "torch.fx.experimental.symbolic_shapes")):
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.ERROR)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(redirect_stderr(StringIO()))
        yield
