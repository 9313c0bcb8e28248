"""Taking over a checkpoint: its parameters, its counts, and its plan, on the same backend or another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akid_core.backends.contract import Arrays
from akid_core.backends.matching import match
from akid_core.backends.plan import Execution, Plan
from akid_core.checkpoints import Checkpoint
from akid_core.errors import CheckpointError, ConfigurationError, RunDirectoryError
from akid_core.training.backend import stored_plan
from akid_core.training.difference import difference
from akid_core.training.report import warn

if TYPE_CHECKING:
    from akid_core.training.kid import Kid


def settle(present: Plan | None, checkpoint: Checkpoint, kid: Kid) -> Plan:
    """The plan to go on with: the present one of a Kid that was in use, else the checkpoint's, else a new one."""
    state = checkpoint.state
    stored = stored_plan(state, kid.backend, kid.config.execution)
    if present is not None:
        if stored is not None and stored != present:
            warn(
                "The Kid was in use before it took over the run, so its own plan stays, and the last bits may differ "
                f"from an undisturbed one: {difference(stored.to_json(), present.to_json(), 'plan')}. "
                "Resume with a new Kid."
            )
        return present
    if stored is not None:
        return stored
    before = state["plan"]["backend"]
    try:
        return kid.backend.plan(kid.config.execution, kid.graph)
    except ConfigurationError as error:
        if before != kid.backend_name and kid.config.execution != Execution():
            error.add_note(
                f"The run comes from {before}. What its settings ask of that backend alone can be taken back: --set "
                "execution={}."
            )
        raise


def take_over(checkpoint: Checkpoint, kid: Kid) -> None:
    """Fill a Kid's network, optimizer state and counts; of a Kid that only evaluates, the network."""
    state = checkpoint.state
    if changed := difference(state["brain"], kid.brain_config(), "brain"):
        raise RunDirectoryError(
            f"{checkpoint.path} holds another brain: {changed}. Restore the brain, or choose another --run-dir."
        )
    if not kid.trains:
        params = checkpoint.evaluated()
        present = kid.network.read()
        _check(checkpoint, present, {path: value for path, value in params.items() if path in present})
        kid.strategy.fill({path: params[path] for path in present}, {})
        return
    params = checkpoint.params()
    _check(checkpoint, kid.network.read(), params)
    kid.strategy.load(lambda: (params, checkpoint.slots()))
    kid.state.restore(state["run"])


def _check(checkpoint: Checkpoint, ours: Arrays, theirs: Arrays) -> None:
    """Raise `CheckpointError` that names each parameter that is missing, unknown here, or of another shape."""
    found = match(ours, theirs)
    if faults := found.faults(complete=True):
        part = f", params: {found.remedy}" if found.remedy else ""
        raise CheckpointError(
            f"{checkpoint.path} holds other parameters than this brain has: {faults} Another run can begin with those "
            f"that fit: practice.start: {{path: {checkpoint.path}{part}}}."
        )
