"""A Kid out of a run directory."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from akid_core.checkpoints import Checkpoint
from akid_core.errors import RunDirectoryError
from akid_core.training.description import read_description
from akid_core.training.directory import CONFIG, RunDirectory
from akid_core.training.kid import Kid


def kid_of_run(
    run_dir: str | os.PathLike[str], *, backend: str | None = None, newest: bool = False
) -> tuple[Kid, Checkpoint]:
    """The Kid of a run at its best checkpoint if one is tracked (unless `newest`), else at its newest good one."""
    directory = RunDirectory(run_dir)
    directory.config()
    checkpoint = directory.newest(warnings.warn)
    if checkpoint is None:
        raise RunDirectoryError(f"{run_dir} holds no checkpoint yet. Practise first: akid practice … --run-dir {run_dir}")
    best = checkpoint.state["run"]["best_step"]
    if best is not None and not newest:
        checkpoint = directory.at_step(best) or checkpoint
    changes = [f"backend={backend}"] if backend else []
    kid = Kid.from_config(*read_description(str(Path(run_dir) / CONFIG), changes))
    kid.load(checkpoint)
    return kid, checkpoint
