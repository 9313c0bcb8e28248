"""TuneDirectory: where a search keeps what it is, what it knows, and its trials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from akid_core.bundled.tune.journal import Journal
from akid_core.bundled.tune.ledger import TrialId
from akid_core.bundled.tune.lock import take_lock
from akid_core.checkpoints import make_directory
from akid_core.config import LocatedDict, Where, dump_yaml, load_yaml
from akid_core.config.components import without
from akid_core.config.located import LocatedList
from akid_core.config.values import unlocated
from akid_core.errors import RunDirectoryError, TryAgainError
from akid_core.training.difference import difference
from akid_core.training.directory import CONFIG as RUN_CONFIG

CONFIG, JOURNAL = "tune.yaml", "journal.jsonl"


class TuneDirectory:
    """A directory with `tune.yaml` (what is searched), `journal.jsonl` (what is known), `trials/`, and the results.

    One process at a time searches in it: inside the `with` it is locked, and the lock ends with the process.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.journal = Journal(self.path / JOURNAL)
        self._lock: int | None = None

    def __enter__(self) -> TuneDirectory:
        """Make it and lock it; `RunDirectoryError` where that cannot be, `TryAgainError` where another has the lock."""
        if (self.path / RUN_CONFIG).exists() and not self.used():
            raise RunDirectoryError(f"{self.path} is a run directory of a practice. Choose another --dir.")
        try:
            make_directory(self.path / "trials")
            self._lock = take_lock(self.path / ".lock")
        except OSError as error:
            raise RunDirectoryError(
                f"{self.path} cannot be used to tune in: {error.strerror or error}. Choose another --dir."
            ) from error
        if self._lock is None:
            raise TryAgainError(f"Another process tunes in {self.path}. Wait until it ends, or choose another --dir.")
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def used(self) -> bool:
        """Whether a search began here."""
        return (self.path / CONFIG).exists()

    def trial(self, trial: TrialId) -> Path:
        """The run directory of a trial."""
        return self.path / "trials" / str(trial)

    def config(self) -> LocatedDict:
        """What is searched here. Raises `RunDirectoryError` where no search began."""
        if not self.used():
            raise RunDirectoryError(
                f"{self.path} holds no search: it has no {CONFIG}. Give the directory that `akid tune` printed."
            )
        return load_yaml(self.path / CONFIG)

    def begin(self, config: Mapping[str, Any], space: Mapping[str, Any], where: Where, resume: bool) -> None:
        """Write what is searched, or hold it against what is there, and open the journal.

        `space`: what the file of the search space says, at `where`. Raises `RunDirectoryError` for a used directory
        without `resume`, or with another space or description; more points are not another space.
        """
        if self.used():
            if not resume:
                raise RunDirectoryError(
                    f"{self.path} holds a search already. Continue it with --resume, or choose another --dir."
                )
            self._compare(self.config(), config, space, where)
        self._write(config)
        self.journal.open()

    def _compare(self, old: LocatedDict, new: Mapping[str, Any], space: Mapping[str, Any], where: Where) -> None:
        way_out = "Restore it, or choose another --dir for another search."
        before, after = unlocated(old["space"]), unlocated(space)
        more = (before.pop("points", None) or 0) <= (after.pop("points", None) or 0)
        if changed := difference(before, after, "space"):
            raise RunDirectoryError(
                f"{_place(before, space, where)}: {self.path} holds another search: {changed}. {way_out}"
            )
        if not more and before.get("search", "grid") != "grid":
            raise RunDirectoryError(
                f"{where.at(space, 'points')}: {self.path} holds a search of {old['space']['points']} points; on "
                "resume there may be more of them, not fewer."
            )
        if changed := difference(unlocated(without(old, ("space",))), unlocated(without(new, ("space",)))):
            raise RunDirectoryError(f"{self.path} holds another search: {changed}. {way_out}")

    def _write(self, config: Mapping[str, Any]) -> None:
        draft = self.path / f".{CONFIG}.new"
        draft.write_text(dump_yaml(unlocated(config)), encoding="utf-8")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(self.path / CONFIG)


def _place(old: Any, new: Any, where: Where) -> Where:
    """Where the first difference is written."""
    if isinstance(old, Mapping) and isinstance(new, LocatedDict):
        for key, value in new.items():
            if key not in old and key != "points":
                return where.at(new, key)
            if key in old and old[key] != value:
                return _place(old[key], value, where.at(new, key))
    if isinstance(old, list) and isinstance(new, LocatedList):
        for index, (before, after) in enumerate(zip(old, new, strict=False)):
            if before != after:
                return _place(before, after, where.at(new, index))
    return where
