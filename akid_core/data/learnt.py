"""Learnt: what fitted augmenters learn from the rows to train on, kept for a run and, on disk, for later ones."""

from __future__ import annotations

import hashlib
import inspect
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.config import encode
from akid_core.config.components import category_of, same
from akid_core.data.augmenter import Augmenter, Fields, Fitted
from akid_core.data.place import data_dir
from akid_core.data.source import Source
from akid_core.data.whole import whole_file
from akid_core.errors import ConfigurationError
from akid_core.plugins import default_manager

_FORMAT = "learnt-1"
"""Another word where the files, or what is computed for them, change their meaning."""

Before = tuple[Augmenter, ...]


class Learnt:
    """What fitted augmenters learn from one Source, each once for all that share this object, such as a run's Sensors.

    It is kept on disk too, where the data, the settings and the code can be told from others: the source has a
    fingerprint, source and augmenters can be written as YAML, and their classes stand in files. What belongs to a run
    lies in the run's own folder besides, and counts there, whatever has become of the data since.
    """

    def __init__(self) -> None:
        self._known: list[tuple[Fitted, Before, Fields]] = []
        self._run: Path | None = None
        self._begun = False

    def belong_to(self, run: Path, *, begun: bool) -> None:
        """Keep in the folder `run` what is learnt; take what lies there if the run has `begun`, else replace it."""
        self._run, self._begun = run, begun
        for fitted, before, state in self._known:
            if own := self._own(fitted, before):
                _keep(own, state)

    def __call__(self, fitted: Fitted, before: Before, source: Source, batches: Iterable[Fields]) -> Fields:
        """What `fitted` learns from `batches`: all rows to train on of `source`, brought through `before`.

        They are only read where it is not known yet.
        """
        for *known, learnt in self._known:
            if same(known, [fitted, before]):
                return learnt
        own = self._own(fitted, before)
        state = _kept(own) if own and self._begun else None
        if state is None:
            state = _computed(fitted, before, source, batches)
            if own:
                _keep(own, state)
        self._known.append((fitted, before, state))
        return state

    def _own(self, fitted: Fitted, before: Before) -> Path | None:
        """The file in the run's folder; None without a run, or where the settings cannot be written.

        It goes by the settings that matter for the fields of `fitted`: those to predict may lack others.
        """
        if self._run is None:
            return None
        try:
            settings = [encode(part) for augmenter in before if (part := _about(augmenter, fitted.fields)) is not None]
            settings.append(encode(fitted))
        except ConfigurationError:
            return None
        return self._run / f"{fitted.component()}-{_digest(settings)}.npz"


def _about(augmenter: Augmenter, names: tuple[str, ...]) -> Augmenter | None:
    """An augmenter as far as it changes these fields; None where it leaves them alone."""
    fields = tuple(name for name in augmenter.fields if name in names)
    if not augmenter.fields:
        return augmenter
    return replace(augmenter, fields=fields) if fields else None


def _computed(fitted: Fitted, before: Before, source: Source, batches: Iterable[Fields]) -> Fields:
    """What is learnt, from the file beside the data where there is one."""
    path = _path(fitted, before, source)
    kept = _kept(path) if path else None
    state = fitted.fit(batches) if kept is None else kept
    if path and kept is None:
        _keep(path, state)
    return state


def _path(fitted: Fitted, before: Before, source: Source) -> Path | None:
    """The file for what is learnt; None where the data, the settings or the code cannot be told from others."""
    fingerprint = source.fingerprint()
    if not fingerprint:
        return None
    components = (source, *before, fitted)
    try:
        settings = [encode(component) for component in components]
        code = [_code(part) for component in components for part in _parts(component)]
    except (ConfigurationError, OSError, TypeError):
        return None
    spec = {name: str(field) for name, field in source.spec.items()}
    digest = _digest([_FORMAT, fingerprint, spec, settings, code])
    return data_dir() / "learnt" / f"{fitted.component()}-{digest}.npz"


def _digest(data: list[Any]) -> str:
    return hashlib.blake2b(json.dumps(data).encode(), digest_size=16).hexdigest()


def _parts(component: Any) -> Iterator[Any]:
    """A component and those among its settings."""
    yield component
    for field in fields(component):
        value = getattr(component, field.name)
        values = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else (value,)
        for part in values:
            if is_dataclass(part) and not isinstance(part, type):
                yield from _parts(part)


def _code(part: Any) -> list[str]:
    """Which state of its code makes an object what it is: the provider's version, and digests of its classes' files.

    Raises `OSError` or `TypeError` for a class that stands in no file, such as one that was typed in.
    """
    cls = type(part)
    category = category_of(cls)
    provider = default_manager().registry.provider(category, part.component(), cls) if category else None
    files = {inspect.getfile(base): None for base in cls.__mro__ if is_dataclass(base)}
    return [str(provider), *(hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest() for file in files)]


def _kept(path: Path) -> Fields | None:
    """What was learnt before; None where there is none, or where the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile):
        return None


def _keep(path: Path, state: Fields) -> None:
    """Write what was learnt, so that no reader ever sees a part of it; what cannot be written is no matter."""
    try:
        with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
            for name, values in state.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(values), allow_pickle=False)
    except (OSError, ValueError):
        pass
