"""Attached modules: an `nn.Module` as a block."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from akid_core.backends.contract import Built, Place
from akid_core.errors import ConfigurationError, SpecError
from akid_core.graph.attach import Attach
from akid_core.random import derive_key
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext, Frame, FrameModule
from akid_torch.ops import DTYPES

_ROWS = 2


class Attached(FrameModule):
    """A module of the user. What it draws from torch's own generator is a function of (seed, path, step)."""

    def __init__(self, module: nn.Module, context: BuildContext) -> None:
        super().__init__()
        self.module, self._key = module, context.key

    def forward(self, frame: Frame, *inputs: Tensor) -> Any:
        if not frame.training:
            return self.module(*inputs)
        with torch.random.fork_rng():
            torch.manual_seed(_number(derive_key(*self._key, int(frame.step))))
            if frame.learning:
                return self.module(*inputs)
            # Whatever the module does to its buffers (running statistics) happens to copies.
            copies = {name: value.clone() for name, value in self.module.named_buffers()}
            return functional_call(self.module, copies, inputs)


def build(layer: Attach, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Make the module, with values at once: only it knows how its parameters begin.

    Raises `ConfigurationError` for what is no `nn.Module`, and `SpecError` where its output is not as the block says.
    """
    with torch.device("cpu"), torch.random.fork_rng():
        torch.manual_seed(_number(derive_key(context.seed, "init", context.call.path)))
        module = layer.make()
        if not isinstance(module, nn.Module):
            raise ConfigurationError(
                f"Block '{context.call.path}' attaches a {type(module).__name__}, and the torch backend runs "
                "torch.nn.Module alone."
            )
        module = module.to(dtype=context.dtype)
        if context.channels_last:
            module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        _try(module, in_specs, context)
    saved = module.state_dict()
    names = [name for name, _ in (*module.named_parameters(), *module.named_buffers()) if name in saved]
    return Built(Attached(module, context), {name: Place(f"module.{name}") for name in names})


def _try(module: nn.Module, in_specs: Iterable[TensorSpec], context: BuildContext) -> None:
    """Run a copy once, on a few rows of zeros, and compare its output with the spec of the block.

    A real run: one on the meta device would import torch's compiler, which takes many times as long.
    """
    wanted = context.call.out_specs[0]
    inputs = [torch.zeros(_ROWS, *spec.row, dtype=DTYPES[spec.dtype]) for spec in in_specs]
    try:
        with torch.no_grad():
            output = copy.deepcopy(module).cpu().eval()(*inputs)
    except Exception as error:
        raise SpecError(
            f"Block '{context.call.path}' attaches {type(module).__name__}, which does not take "
            f"{', '.join(map(str, in_specs))}: {error}"
        ) from error
    if not isinstance(output, Tensor) or tuple(output.shape[1:]) != wanted.row:
        given = list(output.shape[1:]) if isinstance(output, Tensor) else type(output).__name__
        raise SpecError(
            f"Block '{context.call.path}' attaches {type(module).__name__}, whose output for each row is {given}, not "
            f"{list(wanted.row)} as in {wanted}: say it in the block, such as out=('N', 10)."
        )


def _number(key: tuple[int, int]) -> int:
    """Two signed words as one seed."""
    return (key[0] & 0xFFFFFFFF) << 31 ^ (key[1] & 0x7FFFFFFF)
