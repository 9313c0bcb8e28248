"""Books: what a checkpoint keeps of a run beside its arrays, and what of it a run that is resumed is held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from akid_core._version import __version__
from akid_core.checkpoints import Checkpoint
from akid_core.data.source import SPLITS
from akid_core.errors import RunDirectoryError
from akid_core.observers.base import Observer
from akid_core.specs.names import automatic_names
from akid_core.training.difference import difference

if TYPE_CHECKING:
    from akid_core.training.kid import Kid

Data = Mapping[str, Mapping[str, Any]]
"""By split how many rows it has, and the fingerprint of its source."""


def books(kid: Kid, data: Data) -> dict[str, Any]:
    """Everything that the next process needs to go on."""
    sensor, step = kid.train_sensor, kid.state.step
    memories = {name: observer.state() for name, observer in _observers(kid).items()}
    return {
        "akid": __version__,
        "step": step,
        "epoch": step // sensor.steps_per_epoch,
        "position": step % sensor.steps_per_epoch * sensor.batch_size,
        "seed": kid.config.seed,
        "execution": asdict(kid.config.execution),
        "plan": kid.plan.to_json(),
        "notes": list(kid.notes),
        "averages": kid.averages(kid.network.read()),
        "brain": kid.brain_config(),
        "data": data,
        "specs": {name: asdict(spec) for name, spec in sensor.spec.items()},
        "run": kid.state.to_json(),
        "observers": {name: memory for name, memory in memories.items() if memory is not None},
    }


def data_of(kid: Kid) -> Data:
    """What a Kid learns from, by which it is known again."""
    return {
        split: {"rows": len(sensor), "fingerprint": sensor.source.fingerprint()}
        for split in SPLITS
        if (sensor := kid.sensor(split)) is not None
    }


def check_data(checkpoint: Checkpoint, data: Data) -> None:
    """Raise `RunDirectoryError` where a run would go on with other data than it began with."""
    if changed := difference(checkpoint.state["data"], data, "data"):
        raise RunDirectoryError(
            f"{checkpoint.path} learned from other data: {changed}. Resume with the same, or begin another run."
        )


def restore_observers(checkpoint: Checkpoint, kid: Kid) -> None:
    """Give the observers that were there back what they remembered."""
    stored = checkpoint.state["observers"]
    for name, observer in _observers(kid).items():
        if name in stored:
            observer.restore(stored[name])


def _observers(kid: Kid) -> dict[str, Observer]:
    """The observers by component, numbered where there are several of one."""
    names = automatic_names((None, each.component()) for each in kid.observers)
    return dict(zip(names, kid.observers, strict=True))
