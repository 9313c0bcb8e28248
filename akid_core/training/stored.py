"""A Kid out of a run directory."""

from __future__ import annotations

import os

from akid_core.checkpoints import Checkpoint
from akid_core.errors import CheckpointError, RunDirectoryError
from akid_core.specs.tensor import TensorSpec
from akid_core.training.description import read_description
from akid_core.training.directory import CONFIG, RunDirectory
from akid_core.training.kid import Kid
from akid_core.training.report import warn


def kid_of_run(
    run_dir: str | os.PathLike[str], *, backend: str | None = None, newest: bool = False, prediction: bool = False
) -> tuple[Kid, Checkpoint]:
    """The Kid of a run at its best checkpoint if one is tracked (unless `newest`), else at its newest good one.

    `prediction`: the Kid can predict and nothing else; the run's data need not be at hand.
    """
    directory = RunDirectory(run_dir)
    directory.config()
    changes = [f"backend={backend}"] if backend else []
    while True:
        checkpoint = _chosen(directory, newest)
        kid = Kid.from_config(*read_description(str(directory.path / CONFIG), changes, prediction=prediction))
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


def _chosen(directory: RunDirectory, newest: bool) -> Checkpoint:
    checkpoint = directory.newest(warn)
    if checkpoint is None:
        raise RunDirectoryError(
            f"{directory.path} holds no checkpoint yet. Practise first: akid practice … --run-dir {directory.path}"
        )
    if newest:
        return checkpoint
    try:
        best_step = checkpoint.state["run"]["best_step"]
    except CheckpointError:
        if checkpoint.committed:
            raise
        return _chosen(directory, newest)
    return directory.best(best_step, warn) or checkpoint
