"""Applied: how the module of a call is run, whatever it must know, promise and show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from akid_core.backends.contract import Watcher
from akid_core.backends.promise import kept
from akid_core.graph.resolved import Call
from akid_core.specs.layer import Loss
from akid_torch.context import Frame, FrameModule
from akid_torch.measures import masked
from akid_torch.ops import array

Run = Callable[..., Any]


class Tap(Protocol):
    """Somebody who sees what the calls at `paths` take and give, and may put something else in the place of the latter.

    Inputs are those of the layer, without the sample weights; a loss gives its values and weights as they count.
    """

    @property
    def paths(self) -> Collection[str]: ...

    def before(self, path: str, inputs: tuple[Tensor, ...]) -> None: ...

    def after(self, path: str, outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]: ...


@dataclass(frozen=True, slots=True)
class Watching:
    """The tap of somebody who watches the network: sees copies, changes nothing."""

    watcher: Watcher

    @property
    def paths(self) -> Collection[str]:
        return self.watcher.paths

    def before(self, path: str, inputs: tuple[Tensor, ...]) -> None:
        if self.watcher.before is not None:
            self.watcher.before(path, tuple(map(array, inputs)))

    def after(self, path: str, outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self.watcher.after is not None:
            self.watcher.after(path, tuple(map(array, outputs)))
        return outputs


@dataclass(frozen=True, slots=True)
class Applied:
    """`run` takes the frame before the inputs where it is `framed`.

    `proof`: the same, with the frame, holding the outputs to what the layer promises. `tapped`: whether anybody sees
    it.
    """

    run: Run
    proof: Run
    framed: bool
    tapped: bool = False

    def __call__(self, frame: Frame, inputs: Sequence[Tensor], *, proven: bool) -> Any:
        """The outputs, by the way that fits."""
        if not proven:
            return self.proof(frame, *inputs)
        return self.run(frame, *inputs) if self.framed else self.run(*inputs)


def applied(module: nn.Module, call: Call, taps: Sequence[Tap] = (), *, own: bool = True) -> Applied:
    """How a call is run by a module; `own`: it is that of the call, and not of another in whose place it runs.

    A loss and a metric take the sample weights as their last input; a loss gives (values, weights), masked.
    """
    run: Run = module
    framed = isinstance(module, FrameModule)
    if framed and call.evaluates:
        run = _evaluating(module)
    proof = _proof(run, framed, call if own else None)
    if isinstance(call.layer, Loss):
        run, framed, proof = _weighted(run, framed), True, _weighted(proof, framed=True)
    seeing = [tap for tap in taps if call.path in tap.paths]
    if seeing:
        run, framed, proof = _seen(run, framed, call, seeing), True, _seen(proof, True, call, seeing)
    return Applied(run, proof, framed, bool(seeing))


def _evaluating(module: nn.Module) -> Run:
    """A module that behaves as in evaluation in every pass."""

    def run(frame: Frame, *inputs: Tensor) -> Any:
        return module(frame.evaluating(), *inputs)

    return run


def _proof(run: Run, framed: bool, call: Call | None) -> Run:
    """What runs a call and holds its outputs to the promise, if there is a call."""

    def proof(frame: Frame, *inputs: Tensor) -> Any:
        outputs = run(frame, *inputs) if framed else run(*inputs)
        return outputs if call is None else kept(call, inputs, outputs, Tensor)

    return proof


def _weighted(loss: Run, framed: bool) -> Callable[..., tuple[Tensor, Tensor]]:
    """A loss whose weights are multiplied by the batch's own."""

    def run(frame: Frame, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        *values, sample_weights = inputs
        value, weight = loss(frame, *values) if framed else loss(*values)
        weight = weight * sample_weights.to(weight.dtype)
        return masked(value, weight), weight

    return run


def _seen(run: Run, framed: bool, call: Call, taps: Sequence[Tap]) -> Run:
    """The same, with those who see it."""

    def seen(frame: Frame, *inputs: Tensor) -> Any:
        for tap in taps:
            tap.before(call.path, inputs[: len(call.inputs)])
        given = run(frame, *inputs) if framed else run(*inputs)
        outputs = tuple(given) if isinstance(given, tuple | list) else (given,)
        for tap in taps:
            outputs = tap.after(call.path, outputs)
        return outputs

    return seen
