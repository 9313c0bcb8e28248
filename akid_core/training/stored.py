"""A Kid out of a run directory."""

from __future__ import annotations

import os
from pathlib import Path

from akid_core.checkpoints import Checkpoint
from akid_core.errors import RunDirectoryError
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
    checkpoint = directory.newest(warn)
    if checkpoint is None:
        raise RunDirectoryError(
            f"{run_dir} holds no checkpoint yet. Practise first: akid practice … --run-dir {run_dir}"
        )
    if not newest:
        checkpoint = directory.best(checkpoint.state["run"]["best_step"], warn) or checkpoint
    changes = [f"backend={backend}"] if backend else []
    config = str(Path(run_dir).resolve() / CONFIG)
    kid = Kid.from_config(*read_description(config, changes, prediction=prediction))
    if prediction:
        specs = {name: TensorSpec(**spec) for name, spec in checkpoint.state["specs"].items()}
        kid.graph = kid.config.brain.resolve(specs, losses=False)
    kid.load(checkpoint)
    return kid, checkpoint
