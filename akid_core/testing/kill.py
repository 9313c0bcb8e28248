"""Kill a practice at the worst moments, resume it, and compare it with an undisturbed one.

For everyone who brings a backend, a strategy or a store: a killed and resumed run must end with the same parameters,
optimizer state and figures, to the bit.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from akid_core.checkpoints import Checkpoint, newest
from akid_core.checkpoints.manifest import COMMIT, PARAMS, SLOTS

Moment = Literal["anywhere", "save"]


@dataclass(frozen=True, slots=True)
class Kill:
    """What happened: `inside_save`, a torn checkpoint was left; `resumed_from`, the step of the newest good one."""

    killed: bool
    inside_save: bool
    resumed_from: int | None


def practise(run_dir: Path, arguments: list[str], *, resume: bool = False) -> dict[str, Any]:
    """Run `akid practice … --json` to its end; its result."""
    process = subprocess.run(_command(run_dir, arguments, resume), capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise AssertionError(f"akid practice ended with {process.returncode}:\n{process.stderr}")
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return result


def killed_practice(run_dir: Path, arguments: list[str], moment: Moment, seed: int, steps: int) -> Kill:
    """Start a practice of `steps` steps and end it with SIGKILL once a random step of it is committed.

    `anywhere`: a random instant later. `save`: as soon as a checkpoint directory without its commit is seen.
    """
    chance = random.Random(seed)
    target = chance.randint(0, steps * 3 // 4)
    process = subprocess.Popen(
        _command(run_dir, arguments, resume=False), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    checkpoints = run_dir / "checkpoints"
    try:
        while process.poll() is None and _step(checkpoints) < target:
            time.sleep(0.0005)
        if moment == "anywhere":
            time.sleep(chance.uniform(0, 0.2))
        while moment == "save" and process.poll() is None and not _torn(checkpoints):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        code = process.wait()
    good = newest(checkpoints)
    return Kill(code == -signal.SIGKILL, bool(_torn(checkpoints)), good.step if good else None)


def differences(one: Path, other: Path) -> list[str]:
    """In what the final checkpoints of two runs differ; empty if parameters, slots and figures are equal to the bit."""
    first, second = _final(one), _final(other)
    if first.step != second.step:
        return [f"step {first.step} and {second.step}"]
    found = [name for name in (PARAMS, SLOTS) if first.file(name) != second.file(name)]
    mine, theirs = first.state["run"], second.state["run"]
    return found + [f"run.{key}: {mine[key]} and {theirs[key]}" for key in mine if mine[key] != theirs[key]]


def _final(run_dir: Path) -> Checkpoint:
    checkpoint = newest(run_dir / "checkpoints")
    if checkpoint is None:
        raise AssertionError(f"{run_dir} holds no checkpoint")
    return checkpoint


def _step(checkpoints: Path) -> int:
    found = newest(checkpoints)
    return found.step if found else -1


def _torn(checkpoints: Path) -> list[Path]:
    return [path for path in checkpoints.glob("step-*") if not (path / COMMIT).exists()]


def _command(run_dir: Path, arguments: list[str], resume: bool) -> list[str]:
    more = ["--resume"] if resume else []
    return [sys.executable, "-m", "akid_core", "practice", *arguments, "--run-dir", str(run_dir), "--json", *more]
