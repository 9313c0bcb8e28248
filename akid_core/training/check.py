"""What a Kid's settings must agree in, checked before anything is built."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from akid_core.data.samplers import Streams
from akid_core.errors import ConfigurationError, suggest
from akid_core.graph.attach import Attach
from akid_core.graph.lookup import listed
from akid_core.graph.resolved import Graph, Value
from akid_core.schedules.base import Schedule
from akid_core.training.named import check_parameters, check_step
from akid_core.training.report import warn
from akid_core.training.tally import figures, scalars

if TYPE_CHECKING:
    from akid_core.training.kid import Kid


def check(kid: Kid) -> None:
    """Raise `ConfigurationError` where a Kid cannot practise as its settings say. No framework is imported."""
    kid.registry.info("backend", kid.backend_name)
    if not kid.graph.losses:
        raise ConfigurationError(
            "A brain without a loss has nothing to learn from: add one, in Python by `brain.with_loss(...)`, in YAML "
            "under `losses`."
        )
    names = figures(kid.graph)
    if names.count("loss") > 1:
        raise ConfigurationError(
            "A metric, or one of several losses, is called 'loss', which is what figures call the whole objective: "
            "give it another name."
        )
    check_parameters(kid)
    check_step(kid)
    _check_regime(kid)
    _check_stream(kid)
    numbers = scalars(kid.graph)
    best = kid.config.practice.best
    if best is not None:
        _check_validation(kid, "practice.best")
        if best.metric not in names:
            raise ConfigurationError(
                f"practice.best.metric is {best.metric!r}, but validation gives {', '.join(names)}."
                f"{suggest(best.metric, names)}"
            )
        if best.metric not in numbers:
            raise ConfigurationError(
                f"practice.best.metric is {best.metric!r}, which is an array, and only a number can be the best: track "
                f"{' or '.join(numbers)}."
            )
    for phase in kid.regime.phases:
        rate = phase.optimizer.learning_rate
        if isinstance(rate, Schedule) and rate.start():  # a schedule with a state watches validation
            _check_validation(kid, f"the schedule {rate.component()}")
            rate.observe(rate.start(), dict.fromkeys(numbers, math.nan))


def _check_regime(kid: Kid) -> None:
    """Hold the phases against the graph; what attached modules hold is known when they are live, and checked then."""
    graph, regime = kid.graph, kid.regime
    for name, weight in regime.weights.items():
        if isinstance(weight, Schedule) and weight.start():
            raise ConfigurationError(
                f"practice.loss_weights.{name}: the schedule {weight.component()} watches validation, which a learning "
                "rate may and a weight may not: take another schedule."
            )
        if not isinstance(weight, Schedule) and not 0 <= weight < math.inf:
            raise ConfigurationError(f"practice.loss_weights.{name} must be a number of at least 0, got {weight!r}.")
    if any(isinstance(call.layer, Attach) for call in graph.calls):
        return
    turns = regime.turns(graph.trained, list(graph.loss_layers))
    reached = _reached(graph, graph.loss_layers)
    idle = [("No phase trains", regime.untrained(graph.trained))]
    idle += [("No loss depends on", [path for path in graph.trained if path not in reached])]
    for turn in turns:
        missed = reached - _reached(graph, turn.losses)
        idle.append(
            (f"No loss of the phase {turn.name!r} depends on", [path for path in turn.params if path in missed])
        )
    for why, paths in idle:
        if paths:
            warn(
                f"{why} {listed(paths)}: what is meant to stay as it is belongs in practice.freeze; the rest needs a "
                "loss, and a phase whose params match it."
            )


def _reached(graph: Graph, losses: Iterable[str]) -> set[str]:
    """The parameters of the blocks that some losses need."""
    return {call.param_path(param.name) for call in graph.needed(map(Value, losses)) for param in call.params}


def _check_stream(kid: Kid) -> None:
    """Raise `ConfigurationError` where a Brain carries values from batch to batch, and batches do not follow so."""
    if not kid.graph.keeps:
        return
    carried = kid.graph.keeps[0].source.partition("@")[0]
    sensor = kid.train_sensor
    if sensor.uniform(0, sensor.steps_per_epoch) < sensor.steps_per_epoch:
        raise ConfigurationError(
            f"'{carried}' is carried from each batch to the next, row by row, but the last batch of an epoch is "
            f"shorter ({len(sensor)} rows in batches of {sensor.batch_size}): say drop_last: true, or take the sampler "
            "streams."
        )
    if kid.config.execution.micro_batches > 1:
        raise ConfigurationError(
            f"'{carried}' is carried from each batch to the next, which execution.micro_batches would take apart: "
            "leave it out."
        )
    if not isinstance(sensor.sampler, Streams):
        warn(
            f"'{carried}' is carried from each batch to the next, row by row, but the sampler "
            f"'{sensor.sampler.component()}' does not put neighbouring rows into neighbouring batches, as streams does."
        )


def _check_validation(kid: Kid, watcher: str) -> None:
    if kid.config.practice.validate_every == "never":
        raise ConfigurationError(f"{watcher} watches validation, but practice.validate_every is 'never'.")
    if kid.sensor("val") is None:
        raise ConfigurationError(f"{watcher} watches validation, but the source has no val split.")
