"""RunDirectory: where a run keeps its configuration and checkpoints."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from akid_core.checkpoints import Checkpoint, committed, make_directory, newest_good, sync_directory
from akid_core.config.values import unlocated
from akid_core.config.yaml import dump_yaml, load_yaml
from akid_core.errors import CheckpointError, RunDirectoryError, TryAgainError
from akid_core.training.difference import difference

CONFIG = "config.yaml"

_FREE = ("backend", "execution", "observers")
"""Settings that may change on resume, beside the limits `practice.epochs` and `practice.steps`."""


class RunDirectory:
    """A directory with `config.yaml` (the complete configuration), `checkpoints/`, and what observers write.

    One process at a time practises in it: inside the `with` it is locked, and the lock ends with the process.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.learnt = self.path / "learnt"
        self._lock: IO[str] | None = None

    # -- reading

    def exists(self) -> bool:
        """Whether a run began here, however far it came."""
        try:
            return self.checkpoints.is_dir()
        except OSError:  # no permission to look; entering says so
            return False

    def used(self) -> bool:
        """Whether it holds a committed checkpoint."""
        return bool(committed(self.checkpoints))

    def newest(self, report: Callable[[str], None]) -> Checkpoint | None:
        """The newest good checkpoint; damaged ones are reported and passed over."""
        return newest_good(self.checkpoints, report)

    def at_step(self, step: int | None) -> Checkpoint | None:
        """The committed checkpoint of `step`, if there is one."""
        return next((found for found in reversed(committed(self.checkpoints)) if found.step == step), None)

    def best(self, step: int | None, report: Callable[[str], None]) -> Checkpoint | None:
        """The checkpoint of `step`, the best one; None where there is none or it is damaged, which is reported."""
        found = self.at_step(step)
        try:
            if found is not None:
                found.verify()
        except CheckpointError as error:
            report(f"{error} It is passed over, though it is the best one.")
            return None
        return found

    def chosen(self, report: Callable[[str], None], *, newest: bool = False) -> Checkpoint:
        """The best checkpoint if one is tracked (unless `newest`), else the newest good one.

        Raises `RunDirectoryError` where there is none.
        """
        checkpoint = self.newest(report)
        if checkpoint is None:
            raise RunDirectoryError(
                f"{self.path} holds no checkpoint yet. Practise first: akid practice … --run-dir {self.path}"
            )
        if newest:
            return checkpoint
        try:
            best_step = checkpoint.state["run"]["best_step"]
        except CheckpointError:
            if checkpoint.committed:
                raise
            return self.chosen(report)  # the run still practises, and has pruned it meanwhile
        return self.best(best_step, report) or checkpoint

    def config(self) -> Mapping[str, Any]:
        """The configuration that the run began with."""
        try:
            return load_yaml(self.path / CONFIG)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RunDirectoryError(
                f"{self.path} is not a run directory: it has no {CONFIG}. Give the directory that `akid practice` "
                "printed."
            ) from error

    # -- practising

    def __enter__(self) -> RunDirectory:
        """Make it and lock it.

        Raises `RunDirectoryError` where that cannot be, `TryAgainError` where another process has the lock.
        """
        try:
            if (self.path / CONFIG).exists() and not self.exists():
                raise RunDirectoryError(
                    f"{self.path} has a {CONFIG} that no run has written, and which a run would replace. Choose "
                    "another --run-dir."
                )
            make_directory(self.checkpoints)
            self._take_lock()
        except OSError as error:
            raise self._unusable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def begin(self, config: Mapping[str, Any], resume: bool, report: Callable[[str], None]) -> Checkpoint | None:
        """The checkpoint to go on from, None for the beginning.

        Raises `RunDirectoryError` for a used directory without `resume`, or with another configuration.
        """
        if not self.used():
            return None
        if not resume:
            raise RunDirectoryError(
                f"{self.path} holds a run already. Continue it with --resume, or choose another --run-dir."
            )
        if changed := difference(_fixed(self.config()), _fixed(config)):
            raise RunDirectoryError(
                f"{self.path} holds another run: {changed}. On resume only limits, backend, execution and observers "
                "may change. Restore the setting, or choose another --run-dir."
            )
        return self.newest(report)

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write the configuration, with copies of the plugin files that it lists, so that it is complete."""
        plugins = [Path(plugin) for plugin in config.get("plugins", ()) if plugin.endswith(".py")]
        try:
            for plugin in plugins:
                _write(self.path / plugin.name, plugin.read_bytes())
            _write(self.path / CONFIG, dump_yaml(_portable(config)).encode())
        except OSError as error:
            raise self._unusable(error) from error

    def _take_lock(self) -> None:
        self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._release()
            if not isinstance(error, BlockingIOError):
                raise
            raise TryAgainError(
                f"Another process practises in {self.path}. Wait until it ends, or choose another --run-dir."
            ) from error

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _unusable(self, error: OSError) -> RunDirectoryError:
        return RunDirectoryError(
            f"{self.path} cannot be used as a run directory: {error.strerror or error}. Choose another --run-dir."
        )


def _write(target: Path, data: bytes) -> None:
    """Put a whole file in place, through to the disk, or none."""
    draft = target.with_name(f".{target.name}.new")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        sync_directory(target.parent)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with its plugin files beside it."""
    plain: dict[str, Any] = unlocated(config)
    if plugins := plain.get("plugins"):
        plain["plugins"] = [f"./{Path(plugin).name}" if plugin.endswith(".py") else plugin for plugin in plugins]
    return plain


def _fixed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that a resumed run must share."""
    fixed = {key: value for key, value in _portable(config).items() if key not in _FREE}
    practice = fixed.get("practice") or {}
    fixed["practice"] = {key: value for key, value in practice.items() if key not in ("epochs", "steps")}
    return fixed
