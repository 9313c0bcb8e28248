"""Learnt: what fitted augmenters learn from the rows to train on, kept on disk beside the data."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from akid_core.config import encode
from akid_core.data.augmenter import Augmenter, Fields, Fitted, Specs, evaluation_forms
from akid_core.data.place import data_dir
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError

_ROWS = 1024
"""How many rows are read at once."""


def learnt(fitted: Fitted, before: Sequence[Augmenter], source: Source, spec: Specs) -> Fields:
    """What `fitted` learns from all rows of the train split of `source`, whose fields are `spec`.

    The rows come through the evaluation forms of the augmenters `before` it. It is computed once for one data set and
    these settings, where both can be told: the source has a fingerprint, and the augmenters can be written.
    """
    source, before = replace(source, split="train"), evaluation_forms(before)
    path = _path(fitted, before, source)
    if path is None:
        return _computed(fitted, before, source, spec)
    return _kept(path) or _keep(path, _computed(fitted, before, source, spec))


def _computed(fitted: Fitted, before: Sequence[Augmenter], source: Source, spec: Specs) -> Fields:
    from akid_core.data.augmentation import Augmentation  # which itself fits what comes before

    prepared = Augmentation(before, source, spec, seed=0)

    def batches() -> Iterator[Fields]:
        size = len(source)
        for start in range(0, size, _ROWS):
            rows = np.arange(start, min(start + _ROWS, size), dtype=np.int64)
            yield prepared(source.rows, rows, 0, size)

    return fitted.fit(batches())


def _path(fitted: Fitted, before: Sequence[Augmenter], source: Source) -> Path | None:
    """The file for what is learnt; None where the data or the settings cannot be told from others."""
    fingerprint = source.fingerprint()
    if not fingerprint:
        return None
    try:
        settings = json.dumps([encode(augmenter) for augmenter in (*before, fitted)])
    except ConfigurationError:
        return None
    digest = hashlib.blake2b(f"{fingerprint} {settings}".encode(), digest_size=16).hexdigest()
    return data_dir() / "learnt" / f"{fitted.component()}-{digest}.npz"


@lru_cache(maxsize=4)
def _read(path: Path, modified: int) -> Fields:
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def _kept(path: Path) -> Fields | None:
    """What was learnt before; None where there is none, or where the file is damaged."""
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile):
        return None


def _keep(path: Path, state: Fields) -> Fields:
    """Write what was learnt, so that no reader ever sees a part of it; a folder that cannot be written is no matter."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder) / path.name
            np.savez(part, **state)  # type: ignore[arg-type]
            part.replace(path)
    except OSError:
        pass
    return state
