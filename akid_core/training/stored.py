"""A Kid out of a run directory."""

from __future__ import annotations

import os

from akid_core.checkpoints import Checkpoint
from akid_core.errors import CheckpointError
from akid_core.specs.tensor import TensorSpec
from akid_core.training.description import read_description
from akid_core.training.directory import CONFIG, RunDirectory
from akid_core.training.kid import Kid
from akid_core.training.report import warn


def kid_of_run(
    run_dir: str | os.PathLike[str],
    *,
    backend: str | None = None,
    newest: bool = False,
    prediction: bool = False,
    raw: bool = False,
) -> tuple[Kid, Checkpoint]:
    """The Kid of a run at its best checkpoint if one is tracked (unless `newest`), else at its newest good one.

    It evaluates, and does not practise. `prediction`: it can predict and nothing else; the run's data need not be at
    hand. `raw`: it can prepare raw rows for that, too.
    """
    directory = RunDirectory(run_dir)
    changes = [f"backend={backend}"] if backend else []
    if backend not in (None, directory.config().get("backend")):
        changes.append("execution={}")  # which was said for the run's own backend
    while True:
        checkpoint = directory.chosen(warn, newest=newest)
        kid = Kid.from_config(*read_description(str(directory.path / CONFIG), changes, prediction=prediction, raw=raw))
        kid.only_evaluate()
        kid.learnt.belong_to(directory.learnt, begun=True)
        try:
            if prediction:
                specs = {name: TensorSpec(**spec) for name, spec in checkpoint.state["specs"].items()}
                kid.graph = kid.config.brain.resolve(specs, losses=False)
            kid.load(checkpoint)
        except CheckpointError:
            if checkpoint.committed:
                raise
            continue  # the run still practises, and has pruned it meanwhile
        return kid, checkpoint
