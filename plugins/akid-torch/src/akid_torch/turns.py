"""Turns: the phases of a regime on live tensors; who moves what after which pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from akid_core.optimizers.regime import Regime, Turn
from akid_torch.fused import updater
from akid_torch.network import TorchNetwork
from akid_torch.objective import Aim, Gradients
from akid_torch.places import Home
from akid_torch.updaters import Updater


@dataclass(frozen=True, slots=True)
class Mover:
    """A phase, by its number, the parameters that it moves, and what moves them."""

    number: int
    turn: Turn
    tensors: Sequence[Tensor]
    updater: Updater

    def move(self, gradients: Gradients, learning_rates: Sequence[float], step: int) -> None:
        """The update of step number `step`."""
        self.updater.step(gradients, learning_rates[self.number], self.turn.phase.count(step))


@dataclass(frozen=True, slots=True)
class Shared:
    """What the phases that share a pass ask of it: what is differentiated, and for each phase its part of an aim."""

    aims: tuple[Aim, ...]
    movers: tuple[tuple[Mover, int, slice], ...]

    def move(self, gradients: Sequence[Gradients], learning_rates: Sequence[float], step: int) -> None:
        """Let all phases move, after all gradients were taken."""
        for mover, aim, part in self.movers:
            mover.move(gradients[aim][part], learning_rates, step)


class Turns:
    """The phases of a regime, and which passes a step takes. Slots start at zero."""

    def __init__(self, network: TorchNetwork, regime: Regime, *, fused: bool) -> None:
        self._regime, losses = regime, list(network.graph.loss_layers)
        self._numbers = {path: number for number, path in enumerate(losses)}
        self.movers: list[Mover] = []
        self.slots: dict[str, tuple[Home, Tensor]] = {}
        for number, turn in enumerate(regime.turns(network.trained, losses)):
            homes = [network.home(path) for path in turn.params]
            tensors, axes = [home.tensor for home in homes], [home.lying for home in homes]
            moving = updater(turn.optimizer, network.ops, turn.params, tensors, axes, fused=fused)
            self.movers.append(Mover(number, turn, tensors, moving))
            self.slots |= {
                f"{name}:{home.path}": (home, slots[index])
                for index, home in enumerate(homes)
                for name, slots in moving.slots.items()
            }
        self._known: dict[tuple[tuple[int, ...], ...], tuple[Shared, ...]] = {}
        always = all(phase.every == 1 for phase in regime.phases)
        self._always = self._found(0) if always else None

    def passes(self, step: int) -> tuple[Shared, ...]:
        """The passes of step number `step`, at least one."""
        return self._always or self._found(step)

    def _found(self, step: int) -> tuple[Shared, ...]:
        groups = tuple(map(tuple, self._regime.passes(step) or [[]]))
        if groups not in self._known:
            self._known[groups] = tuple(self._shared([self.movers[number] for number in group]) for group in groups)
        return self._known[groups]

    def _shared(self, movers: Sequence[Mover]) -> Shared:
        """Phases that minimise the same losses are served by one backward pass."""
        tensors: Mapping[tuple[str, ...], list[Tensor]] = {mover.turn.losses: [] for mover in movers}
        order, parts = list(tensors), []
        for mover in movers:
            taken = tensors[mover.turn.losses]
            part = slice(len(taken), len(taken) + len(mover.tensors))
            parts.append((mover, order.index(mover.turn.losses), part))
            taken += mover.tensors
        aims = [Aim(tuple(self._numbers[path] for path in losses), found) for losses, found in tensors.items()]
        return Shared(tuple(aims), tuple(parts))
