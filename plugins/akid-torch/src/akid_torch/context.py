"""What builders and modules see: `BuildContext` while a network is built, `Frame` while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from akid_core.graph.resolved import Call
from akid_core.random import Key, derive_key
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.precision import Precision
from akid_torch.ops import DTYPES, TorchOps


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext:
    """What a native builder is told beside the layer and the specs of its inputs.

    `call`: the application of the layer, with its path, output specs and parameter specs. `seed`: what randomness
    starts from. `ops`: the portable operations on the network's device. `precision`: the Brain's types.
    `channels_last`: whether images lie in memory with their channels last (their shape is (batch, channels, height,
    width) all the same).
    """

    call: Call
    seed: int
    ops: TorchOps
    precision: Precision
    channels_last: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """The type of weights."""
        return DTYPES[self.precision.params]

    @property
    def mixed(self) -> bool:
        """Whether weights are kept in another type than the layer computes in."""
        return self.precision.params != self.precision.compute

    @property
    def key(self) -> Key:
        """What the masks of this call start from."""
        return derive_key(self.seed, "mask", self.call.path)

    def empty(self, spec: ParamSpec) -> Tensor:
        """A tensor for a parameter, in its canonical layout."""
        return torch.empty(spec.shape, dtype=self.dtype if spec.dtype == "float" else DTYPES[spec.dtype])


@dataclass(slots=True)
class Frame:
    """One forward pass.

    `training`: layers behave as in training. `step`: int32 of shape (1,). `rows`: int32 of shape (batch,), the number
    of each row in the global batch. `learning`: the step will be kept, so modules that move their running statistics
    while they compute may do so. `traced`: the pass is recorded for a compiled step, so nothing may look at values.
    `updates`: new values of state, by the tensor that takes them when the step ends.
    """

    training: bool
    step: Tensor
    rows: Tensor
    learning: bool = False
    traced: bool = False
    updates: dict[Tensor, Tensor] = field(default_factory=dict)

    def evaluating(self) -> Frame:
        """The pass as a call sees it that always evaluates: what it makes of state is dropped."""
        return Frame(False, self.step, self.rows, traced=self.traced, updates=dict(self.updates))

    def again(self) -> Frame:
        """Another pass of the same step: it sees state as the step found it, and moves none."""
        return Frame(self.training, self.step, self.rows, traced=self.traced)

    def settle(self) -> None:
        """End the step: state takes its new values, in place."""
        for state, value in self.updates.items():
            state.copy_(value)


class FrameModule(nn.Module):
    """A module that wants to know about the pass: it is called with the `Frame` before its inputs."""
