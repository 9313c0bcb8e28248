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
from akid_core.graph.resolved import Call
from akid_core.random import derive_key
from akid_core.specs.tensor import TensorSpec, wider
from akid_torch.context import BuildContext, Frame, FrameModule
from akid_torch.ops import DTYPES

_ROWS = 2


class Attached(FrameModule):
    """A module of the user. What it draws from torch's own generator is a function of (seed, path, step)."""

    def __init__(self, module: nn.Module, context: BuildContext) -> None:
        super().__init__()
        self.module, self.call, self._key = module, context.call, context.key
        self._narrow = DTYPES[context.precision.compute] if context.mixed else None

    def forward(self, frame: Frame, *inputs: Tensor) -> Any:
        """In mixed precision by torch's own rules, since nothing is known of what is inside."""
        if self._narrow is None:
            return self._run(frame, *inputs)
        with torch.autocast(inputs[0].device.type, self._narrow):
            output = self._run(frame, *inputs)
        return output.to(self._narrow) if output.is_floating_point() else output

    def _run(self, frame: Frame, *inputs: Tensor) -> Any:
        if self.module.training != frame.training:  # it may stand in several calls, of which some always evaluate
            self.module.train(frame.training)
        if not frame.training or frame.traced:
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
        torch.manual_seed(_number(derive_key(context.seed, "init", context.call.owner)))
        module = layer.make()
        if not isinstance(module, nn.Module):
            raise ConfigurationError(
                f"Block '{context.call.path}' attaches an object of {type(module).__name__}, and the torch backend "
                "runs torch.nn.Module alone."
            )
        module = module.to(dtype=context.dtype)
        if context.channels_last:
            module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        _try(module, in_specs, context)
    saved = module.state_dict()
    names = [name for name, _ in (*module.named_parameters(), *module.named_buffers()) if name in saved]
    return Built(Attached(module, context), {name: Place(f"module.{name}") for name in names})


def share(built: Built, context: BuildContext) -> Built:
    """The module of another call in this one. Raises `SpecError` where it does not fit here."""
    first: Attached = built.module
    if (context.call.in_specs, context.call.out_specs) != (first.call.in_specs, first.call.out_specs):
        with torch.device("cpu"):
            _try(first.module, context.call.in_specs, context)
    return Built(Attached(first.module, context), built.places)


def _try(module: nn.Module, in_specs: Iterable[TensorSpec], context: BuildContext) -> None:
    """Run a copy once, on a few rows of zeros, and compare its output with the spec of the block.

    A real run: one on the meta device would import torch's compiler, which takes many times as long.
    """
    wanted = context.call.out_specs[0]
    inputs = [torch.zeros(_ROWS, *spec.row, dtype=DTYPES[spec.dtype]) for spec in in_specs]
    try:
        with torch.no_grad(), torch.autocast("cpu", DTYPES[context.precision.compute], enabled=context.mixed):
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


def changes_itself(call: Call) -> bool:
    """Whether a module draws random numbers or changes something of its own as it runs in training, found by a try.

    Also true of one that cannot be made or run; building the network says why.
    """
    if not isinstance(call.layer, Attach):
        return False
    with torch.random.fork_rng(), torch.no_grad():
        try:
            module = call.layer.make().cpu().float().train(not call.evaluates)
            before, drawn = _traces(module), torch.get_rng_state()
            module(*(torch.zeros(_ROWS, *spec.row, dtype=DTYPES[wider(spec.dtype)]) for spec in call.in_specs))
            return _traces(module) != before or not torch.equal(drawn, torch.get_rng_state())
        except Exception:
            return True


def _traces(module: nn.Module) -> list[Any]:
    """What shows that a module changed: how often each tensor did, and which other things its parts hold."""
    tensors = [(id(tensor), tensor._version) for tensor in (*module.parameters(), *module.buffers())]
    held = [id(value) for part in module.modules() for name, value in vars(part).items() if not name.startswith("_")]
    return [tensors, held]


def _number(key: tuple[int, int]) -> int:
    """Two signed words as one seed."""
    return (key[0] & 0xFFFFFFFF) << 31 ^ (key[1] & 0x7FFFFFFF)
