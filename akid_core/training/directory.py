"""RunDirectory: where a run keeps its configuration and checkpoints."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from akid_core.checkpoints import Checkpoint, committed, newest_good
from akid_core.config.yaml import dump_yaml, load_yaml
from akid_core.errors import RunDirectoryError

CONFIG = "config.yaml"

_FREE = ("backend", "execution", "observers")
"""Settings that may change on resume, beside the limits `practice.epochs` and `practice.steps`."""


class RunDirectory:
    """A directory with `config.yaml` (the complete configuration), `checkpoints/`, and what observers write.

    One process at a time practises in it: entering takes a lock that ends with the process.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self._lock: IO[str] | None = None

    def used(self) -> bool:
        """Whether it holds a committed checkpoint."""
        return bool(committed(self.checkpoints))

    def newest(self, report: Callable[[str], None]) -> Checkpoint | None:
        """The newest good checkpoint; damaged ones are reported and passed over."""
        return newest_good(self.checkpoints, report)

    def at_step(self, step: int) -> Checkpoint | None:
        """The good checkpoint of `step`, if there is one."""
        found = [checkpoint for checkpoint in committed(self.checkpoints) if checkpoint.step == step]
        return found[-1] if found else None

    def config(self) -> Mapping[str, Any]:
        """The configuration that the run began with."""
        try:
            return load_yaml(self.path / CONFIG)
        except FileNotFoundError as error:
            raise RunDirectoryError(
                f"{self.path} is not a run directory: it has no {CONFIG}. Give the directory that `akid practice` printed."
            ) from error

    def begin(self, config: Mapping[str, Any], resume: bool) -> None:
        """Check that this run may go on here, and write its configuration.

        Raises `RunDirectoryError`: used without `resume`, another configuration, locked, or not writable.
        """
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            if self.used():
                if not resume:
                    raise RunDirectoryError(
                        f"{self.path} holds a run already. Continue it with --resume, or choose another --run-dir."
                    )
                self._check_same(config)
            self._write_config(config)
        except OSError as error:
            self.release()
            raise RunDirectoryError(
                f"{self.path} cannot be used as a run directory: {error.strerror or error}. Choose another --run-dir."
            ) from error
        except BaseException:
            self.release()
            raise

    def _take_lock(self) -> None:
        self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunDirectoryError(
                f"Another process practises in {self.path}. Wait for it, or choose another --run-dir."
            ) from error

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def _write_config(self, config: Mapping[str, Any]) -> None:
        target = self.path / CONFIG
        fresh = target.with_suffix(".yaml.new")
        fresh.write_text(dump_yaml(config), encoding="utf-8")
        fresh.replace(target)

    def _check_same(self, config: Mapping[str, Any]) -> None:
        changed = _difference(_fixed(self.config()), _fixed(config))
        if changed:
            raise RunDirectoryError(
                f"{self.path} holds another run: {changed} changed. On resume only limits, backend, execution and "
                "observers may change. Restore the setting, or choose another --run-dir."
            )


def _fixed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that a resumed run must share."""
    fixed = {key: value for key, value in plain(config).items() if key not in _FREE}
    practice = dict(fixed.get("practice") or {})
    fixed["practice"] = {key: value for key, value in practice.items() if key not in ("epochs", "steps")}
    return fixed


def plain(data: Any) -> Any:
    """The same tree in dictionaries and lists, for comparison."""
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(item) for item in data]
    return data


def _difference(old: Any, new: Any, where: str = "") -> str:
    """The first place where two trees differ, in words; empty if they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{where}.{key}" if where else key
            if key not in old or key not in new:
                state = "is new" if key in new else "is gone"
                return f"{inner} ({state})"
            if found := _difference(old[key], new[key], inner):
                return found
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next((found for i, (a, b) in pairs if (found := _difference(a, b, f"{where}[{i}]"))), "")
    return "" if old == new else f"{where} ({old!r} became {new!r})"
