"""LiveRegime: the optimizers that take turns in a step, with what each moves and minimises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from akid_core.backends.contract import Arrays
from akid_core.errors import ConfigurationError, UnknownNameError, suggest
from akid_core.optimizers.regime import Regime
from akid_tf.gradient import Aim
from akid_tf.network import TensorflowNetwork
from akid_tf.optimizer import LiveOptimizer, Numbers
from akid_tf.runtime import tf

Passes = tuple[tuple[int, ...], ...]
"""The phases that act in a step, by number, those of one pass together."""

LONGEST, MOST = 10_000, 64
"""After how many steps phases may come together again at the latest, and how many kinds of steps there may be."""


class LiveRegime:
    """The optimizers of all phases, and the numbers that steps need of the host.

    `aims`: what each phase asks of a pass. `kinds`: the kinds of steps that there are, each by its passes, and
    `calendar`: which of them a step is, by its number modulo the calendar's length.
    """

    def __init__(self, regime: Regime, network: TensorflowNetwork, *, fused: bool, rated: bool) -> None:
        """`fused`, `rated`: see `LiveOptimizer`. Raises `ConfigurationError` for too many kinds of steps."""
        losses = tuple(network.graph.loss_layers)
        trained = {parameter.path: parameter for parameter in network.trained}
        turns = regime.turns(trained, losses)
        self.phases = regime.phases
        self.aims = [Aim(tuple(trained[path] for path in turn.params), turn.losses) for turn in turns]
        self.optimizers = [
            LiveOptimizer(turn.optimizer, aim.parameters, fused=fused, rated=rated)
            for turn, aim in zip(turns, self.aims, strict=True)
        ]
        self._weighted = tuple(path for path in losses if path in regime.weights)
        self.kinds, self.calendar = _kinds(regime)

    @property
    def width(self) -> int:
        """How many numbers a step needs."""
        return sum(optimizer.width for optimizer in self.optimizers) + len(self._weighted)

    def numbers(self, first_step: int, rates: np.ndarray, factors: Mapping[str, np.ndarray]) -> np.ndarray:
        """What the steps from `first_step` on need of the host: (k, width) float64.

        `rates`: (k, phases). `factors`: (k,) by path, what the weights of losses are multiplied by.
        """
        columns = zip(self.optimizers, self.phases, rates.T.tolist(), strict=True)
        found = [
            [
                optimizer.numbers(rate, max(1, phase.count(step)))  # 1 where it has not acted yet, and does not now
                for step, rate in enumerate(column, start=first_step)
            ]
            for optimizer, phase, column in columns
        ]
        weights = [factors.get(path, np.ones(len(rates))) for path in self._weighted]
        return np.concatenate([*map(np.array, found), *(weight[:, None] for weight in weights)], axis=1)

    def typed(self, numbers: tf.Tensor) -> list[dict[str, Numbers]]:
        """Of the numbers (..., width), those of each phase, in each type in which a parameter is."""
        widths = [optimizer.width for optimizer in self.optimizers]
        parts = tf.split(numbers, [*widths, len(self._weighted)], axis=-1)
        return [optimizer.typed(part) for optimizer, part in zip(self.optimizers, parts, strict=False)]

    def factors(self, numbers: tf.Tensor) -> dict[str, tf.Tensor]:
        """Of the numbers (..., width), what the weights of losses are multiplied by: (...) by path."""
        start = self.width - len(self._weighted)
        return {path: numbers[..., start + place] for place, path in enumerate(self._weighted)}

    def read(self) -> Arrays:
        """The slots in canonical layout, by `"<slot>:<parameter path>"`."""
        named = (entry for optimizer in self.optimizers for entry in optimizer.named.items())
        return {name: parameter.canonical(slot) for name, (parameter, slot) in named}

    def fill(self, values: Mapping[str, np.ndarray]) -> None:
        """Set the slots; one that is not named becomes zero. Raises `UnknownNameError` and `DataError`."""
        named = {name: slot for optimizer in self.optimizers for name, slot in optimizer.named.items()}
        for name in values:
            if name not in named:
                keeping = ", ".join(phase.optimizer.component() for phase in self.phases)
                raise UnknownNameError(
                    f"{keeping} keeps nothing called {name!r}.{suggest(name, named)} It keeps: "
                    f"{', '.join(named) or 'nothing'}."
                )
        for name, (parameter, slot) in named.items():
            parameter.assign(slot, values.get(name, np.zeros(parameter.shape)), f"The slot {name!r}")


def _kinds(regime: Regime) -> tuple[Sequence[Passes], np.ndarray]:
    """The kinds of steps, and which of them each step of the period is in which phases come together again."""
    period = math.lcm(*(phase.every for phase in regime.phases))
    if period <= LONGEST:
        steps = [tuple(map(tuple, regime.passes(step))) for step in range(period)]
        kinds = list(dict.fromkeys(steps))
        if len(kinds) <= MOST:
            return kinds, np.array([kinds.index(step) for step in steps], np.int32)
    told = ", ".join(f"{name} every {phase.every}" for name, phase in zip(regime.names, regime.phases, strict=True))
    raise ConfigurationError(
        f"The phases ({told}) meet in too many ways: the tensorflow backend traces each kind of step once, of at most "
        f"{MOST} kinds in a period of at most {LONGEST} steps, and the period here is {period}. Choose numbers of "
        "steps that divide one another."
    )
