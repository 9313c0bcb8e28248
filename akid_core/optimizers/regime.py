"""Regime: how a network is trained; who moves which parameters, in which order, for which losses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from akid_core.errors import ConfigurationError, DuplicateNameError, UnknownNameError, suggest
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.phase import Phase
from akid_core.schedules.base import Schedule
from akid_core.specs.names import automatic_names, matches


@dataclass(frozen=True, slots=True)
class Turn:
    """A phase, held against a network: the paths of the parameters that it moves, and of the losses it minimises."""

    name: str
    phase: Phase
    params: tuple[str, ...]
    losses: tuple[str, ...]

    @property
    def optimizer(self) -> Optimizer:
        return self.phase.optimizer


@dataclass(frozen=True, kw_only=True)
class Regime:
    """The phases of a step in their order, and what the weights of losses are multiplied by over time.

    `weights`: by the name of the loss a number or a Schedule.
    """

    phases: tuple[Phase, ...]
    weights: Mapping[str, float | Schedule] = field(default_factory=dict)

    @classmethod
    def of(cls, optimizer: Optimizer | Sequence[Phase] | Regime) -> Regime:
        """One optimizer is one phase that moves everything, for all losses."""
        if isinstance(optimizer, Regime):
            return optimizer
        return cls(phases=(Phase(optimizer=optimizer),) if isinstance(optimizer, Optimizer) else tuple(optimizer))

    @property
    def names(self) -> list[str]:
        """What the phases are called: by their own name, else by their optimizer and its count."""
        return automatic_names((phase.name, phase.optimizer.component()) for phase in self.phases)

    @property
    def plain(self) -> bool:
        """Whether one optimizer moves everything in every step for losses whose weights stay."""
        return (
            len(self.phases) == 1 and self.phases[0] == Phase(optimizer=self.phases[0].optimizer) and not self.weights
        )

    def turns(self, params: Collection[str], losses: Collection[str]) -> tuple[Turn, ...]:
        """Hold the phases against the paths of the trained parameters and of the losses.

        Raises `UnknownNameError` for a glob that matches nothing, `DuplicateNameError` for two phases of one name,
        `ConfigurationError` for a parameter of two phases and for a loss that no phase minimises.
        """
        for number, name in enumerate(self.names):
            if name in self.names[:number]:
                raise DuplicateNameError(f"Two phases are called {name!r}: rename one of them.")
        turns = tuple(
            Turn(name, phase, _chosen(params, phase.params), _chosen(losses, phase.losses or ("*",)))
            for name, phase in zip(self.names, self.phases, strict=True)
        )
        for turn in turns:
            _check_globs(turn.name, "params", turn.phase.params, params, "parameter")
            _check_globs(turn.name, "losses", turn.phase.losses, losses, "loss")
        for name in self.weights:
            if name not in losses:
                raise UnknownNameError(
                    f"practice.loss_weights has {name!r}, which is no loss.{suggest(name, losses)} Losses: "
                    f"{', '.join(losses)}."
                )
        _check_owners(turns)
        idle = [loss for loss in losses if not any(loss in turn.losses for turn in turns)]
        if idle:
            raise ConfigurationError(
                f"The loss {idle[0]!r} is minimised by no phase: add it to the losses of one, give it as a metric, or "
                "take it out of the brain."
            )
        return turns

    @property
    def averaging(self) -> bool:
        """Whether any running means are kept."""
        return any(phase.optimizer.average is not None for phase in self.phases)

    def untrained(self, params: Iterable[str]) -> list[str]:
        """The trained parameters that no phase moves."""
        globs = [glob for phase in self.phases for glob in phase.params]
        return [path for path in params if not matches(path, globs)]

    def passes(self, step: int) -> list[list[int]]:
        """The phases that act in step number `step`, by number, those that share a forward pass together."""
        found: list[list[int]] = []
        for number, phase in enumerate(self.phases):
            if phase.acts(step):
                if phase.fresh or not found:
                    found.append([])
                found[-1].append(number)
        return found

    def averages(self, paths: Iterable[str], steps: int) -> dict[str, tuple[float, int]]:
        """For each of the paths whose running mean is kept, its share and the number of updates after `steps` steps."""
        found = {}
        for path in paths:
            phase = next((phase for phase in self.phases if matches(path, phase.params)), None)
            if phase is not None and phase.optimizer.average is not None:
                found[path] = (phase.optimizer.average, phase.count(steps - 1))
        return found


def _chosen(paths: Iterable[str], globs: Sequence[str]) -> tuple[str, ...]:
    return tuple(path for path in paths if matches(path, globs))


def _check_globs(name: str, setting: str, globs: Iterable[str], paths: Collection[str], what: str) -> None:
    for glob in globs:
        if glob != "*" and not _chosen(paths, [glob]):
            raise UnknownNameError(
                f"The phase {name!r} has {glob!r} in its {setting}, which matches no {what} that is trained."
                f"{suggest(glob, paths)} There are: {', '.join(paths) or 'none'}."
            )


def _check_owners(turns: Iterable[Turn]) -> None:
    owners: dict[str, str] = {}
    for turn in turns:
        for path in turn.params:
            if path in owners:
                raise ConfigurationError(
                    f"The parameter {path!r} would be moved by two phases, {owners[path]!r} and {turn.name!r}: let "
                    "their params match different parameters."
                )
            owners[path] = turn.name
