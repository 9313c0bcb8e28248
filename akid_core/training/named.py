"""What a Kid's settings name: parameters that are frozen or begin as they were elsewhere, and a step function."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from akid_core.backends.contract import Arrays, Network
from akid_core.backends.matching import Match, fitting, listed, match
from akid_core.backends.meaning import meanings
from akid_core.backends.step import load_step
from akid_core.checkpoints import read_weights
from akid_core.errors import CheckpointError, ConfigurationError, UnknownNameError, suggest
from akid_core.graph.attach import Attach
from akid_core.graph.globs import check_globs, chosen
from akid_core.optimizers.base import Optimizer
from akid_core.training.config import Start
from akid_core.training.directory import CONFIG, RunDirectory
from akid_core.training.report import warn

if TYPE_CHECKING:
    from akid_core.training.kid import Kid


def check_parameters(kid: Kid, paths: Collection[str] | None = None) -> None:
    """Raise `UnknownNameError` for a glob in the settings that matches no parameter.

    Raises `ConfigurationError` where all weights are frozen.

    `paths`: of all parameters; by default those of the graph, and then a brain with attached modules, whose parameters
    are known once they are made, passes.
    """
    if paths is None and any(isinstance(call.layer, Attach) for call in kid.graph.calls):
        return
    paths = kid.graph.params if paths is None else paths
    check_globs(paths, kid.config.practice.freeze, "practice.freeze")
    for number, phase in enumerate(kid.regime.phases):
        place = "optimizer" if len(kid.regime.phases) == 1 else f"optimizer[{number}].optimizer"
        _check_optimizer(phase.optimizer, paths, place)
    state = {path for path, spec in kid.graph.params.items() if not spec.trained}
    if kid.graph.frozen and state.union(chosen(paths, kid.graph.frozen)).issuperset(paths):
        raise ConfigurationError(
            "practice.freeze matches every parameter that learns, so there is nothing to learn: leave some out."
        )


def _check_optimizer(optimizer: Optimizer, paths: Collection[str], place: str) -> None:
    if optimizer.weight_decay and optimizer.decay != Optimizer.decay:
        check_globs(paths, optimizer.decay, f"{place}.decay")
    for index, regularizer in enumerate(optimizer.regularizers):
        check_globs(paths, regularizer.params, f"{place}.regularizers[{index}].params")


def check_step(kid: Kid) -> None:
    """Raise `ConfigurationError` where `execution.step` names no backend, or no function for this one."""
    backends = kid.registry.names("backend")
    for name in kid.config.execution.step:
        if name not in backends and (near := suggest(name, backends)):
            raise UnknownNameError(f"execution.step has a function for {name!r}, which is no backend.{near}")
    if path := kid.config.execution.step.get(kid.backend_name):
        load_step(path)


def frozen_note(kid: Kid) -> str:
    """What is frozen, in a sentence; empty where nothing is."""
    if not kid.graph.frozen:
        return ""
    values = kid.network.read()
    check_parameters(kid, values)
    frozen = chosen(values, kid.graph.frozen)
    told = f"{len(frozen)} of {len(values)} parameters ({sum(values[path].size for path in frozen):,} values)"
    return f"practice.freeze: {told} stay as they are: {listed(frozen)}."


def begin_from(start: Start, network: Network) -> Match:
    """What a network takes of the weights that it is to begin with; nothing is filled yet.

    Raises `CheckpointError` for what cannot be read or has another shape, `UnknownNameError` for names that there are
    not; the way out is in the words of `practice.start`.
    """
    try:
        found = match(
            network.read(),
            _arrays(start),
            params=start.params,
            names=start.names,
            layout=start.layout,
            meanings=meanings(network.graph),
        )
        if start.complete and found.missing and not found.misfits:
            raise CheckpointError(
                f"{start.path} does not hold all that is wanted of it; missing: {listed(found.missing.values())}. It "
                f"holds besides: {listed(found.unused)}."
            )
        return fitting(found, str(start.path))
    except (CheckpointError, UnknownNameError) as error:
        raise type(error)(f"practice.start: {error}") from error


def _arrays(start: Start) -> Arrays:
    """Of a run directory those of the checkpoint that it would predict with."""
    if (start.path / CONFIG).is_file():
        return RunDirectory(start.path).chosen(warn).evaluated()
    return read_weights(start.path)
