"""Scores: what each validation gave, as lines that another process reads while the run goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from akid_core.errors import AkidError, ConfigurationError
from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.plugin_api import hookimpl

FILE = "scores.jsonl"


@dataclass(frozen=True, kw_only=True)
class Scores(Observer):
    """Appends a line `{"step": …, "epoch": …, "values": {"val/loss": …}}` to `scores.jsonl` after each validation.

    A run that is resumed may validate once more at a step; then its later line says the same as the earlier.
    """

    @hookimpl
    def akid_validate_end(self, context: Moment) -> None:
        if context.run_dir is None:
            raise ConfigurationError(
                "The observer scores writes into the run directory, but this run has none. Give one (`--run-dir`, "
                "`practice(run_dir=...)`), or leave the observer out."
            )
        line = json.dumps({"step": context.step, "epoch": context.epoch, "values": context.scalars}) + "\n"
        path = context.run_dir / FILE
        try:
            with path.open("ab", buffering=0) as file:
                file.write(line.encode())
        except OSError as error:
            raise AkidError(
                f"Scores could not be written to {path}: {error.strerror}. Make it writable or free some space, then "
                "continue with `--resume`."
            ) from error


def read_scores(run_dir: Path, figure: str) -> dict[int, float]:
    """The values of a figure such as `val/loss` by step, in order; empty where nothing was validated yet."""
    path = run_dir / FILE
    found: dict[int, float] = {}
    if path.exists():
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):  # the last one may be under way
                data = json.loads(line)
                found[data["step"]] = data["values"][figure]
    return dict(sorted(found.items()))
