"""Writing: any Source as shards."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Literal, cast

import numpy as np
from PIL import Image

from akid_core.data import Source
from akid_core.data.source import SPLITS
from akid_core.data.whole import whole_file
from akid_core.errors import DataError, UsageError
from akid_core.specs import TensorSpec
from akid_datasets.shards.index import MOST_ENDINGS
from akid_datasets.shards.member import Member
from akid_datasets.sources.shards import Shards

_AT_ONCE = 256  # rows that are read at once
_CHANNELS = (1, 3, 4)


def write_shards(source: Source, folder: Path | str, rows_per_shard: int = 10_000) -> Shards:
    """Write all splits of a Source into `folder` as `train-000000.tar`, …, and return the Source that reads them.

    Images of bytes (uint8 with 1, 3 or 4 channels) become PNG, single integers text, everything else npy: all without
    loss. The same rows make the same bytes (with one version of Pillow). Each shard appears when it is complete. Raises
    `DataError` where the folder has shards of a split already, or cannot be written, and for names of fields that do
    not make names of members.
    """
    if rows_per_shard < 1:
        raise UsageError(f"rows_per_shard must be at least 1, got {rows_per_shard}.")
    fields = _fields(source.spec)
    folder = Path(folder)
    patterns: dict[str, tuple[str, ...]] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            part = replace(source, split=split)
            starts = range(0, len(part), rows_per_shard)
            if next(folder.glob(f"{split}-*.tar"), None):
                raise DataError(f"{folder} has shards of the split '{split}' already; name an empty folder.")
            for number, start in enumerate(starts):
                _write(part, range(start, min(start + rows_per_shard, len(part))), folder / f"{split}-{number:06}.tar")
            patterns[split] = (f"{folder / split}-{{000000..{len(starts) - 1:06}}}.tar",) if starts else ()
    except OSError as error:
        raise DataError(f"Shards cannot be written into {folder}: {error.strerror or error}.") from error
    return Shards(train=patterns["train"], val=patterns["val"], test=patterns["test"], fields=fields)


def _fields(specs: Mapping[str, TensorSpec]) -> dict[str, str | Member]:
    """What reads each field as it was. Raises `DataError` where a row would have members that cannot be told apart."""
    endings: dict[str, str] = {}
    for name, spec in specs.items():
        ending = _ending(name, spec)
        if "|" in ending or ending != ending.strip():  # as a Member takes what it is told to read
            raise DataError(f"The field '{name}' cannot be written into shards: no '|' and no blanks around its name.")
        if ending in endings:
            raise DataError(
                f"The fields '{endings[ending]}' and '{name}' cannot both be written into shards: each would be a "
                f"member that ends on '.{ending}', where '/' is a point and letters are small."
            )
        endings[ending] = name
    if len(endings) > MOST_ENDINGS:
        raise DataError(f"A row of shards has at most {MOST_ENDINGS} fields, and there are {len(endings)}.")
    return {name: _member(name, spec) for name, spec in specs.items()}


def _write(source: Source, rows: range, path: Path) -> None:
    """Write one shard, as a whole or not at all."""
    with whole_file(path) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in _members(source, rows):
            info = tarfile.TarInfo(name)  # of nobody, at no time, so that the bytes are those of the rows alone
            info.size = len(data)
            archive.addfile(info, BytesIO(data))


def _members(source: Source, rows: range) -> Iterator[tuple[str, bytes]]:
    specs = source.spec
    for start in range(rows.start, rows.stop, _AT_ONCE):
        indices = np.arange(start, min(start + _AT_ONCE, rows.stop))
        fields: Mapping[str, np.ndarray] = source.rows(indices)
        for place, row in enumerate(indices.tolist()):
            for name, spec in specs.items():
                ending = _ending(name, spec)
                yield f"{row:09}.{ending}", _encoded(fields[name][place], ending)


def _ending(name: str, spec: TensorSpec) -> str:
    """What the members of a field are called: its name, and the form that keeps it without loss."""
    kind = "npy"
    if spec.dtype == "uint8" and spec.rank == 4 and spec.row[0] in _CHANNELS:
        kind = "png"
    elif spec.dtype == "int64" and spec.rank == 1:
        kind = "cls"
    return f"{name.replace('/', '.').lower()}.{kind}"


def _member(name: str, spec: TensorSpec) -> str | Member:
    """What reads a field as it was."""
    ending = _ending(name, spec)
    if ending.endswith(".png"):
        return Member(ending=ending, channels=cast(Literal[1, 3, 4], spec.row[0]))
    return ending if ending.endswith(".cls") else Member(ending=ending, dtype=spec.dtype, axes=spec.axes)


def _encoded(values: np.ndarray, ending: str) -> bytes:
    if ending.endswith(".cls"):
        return str(int(values)).encode()
    buffer = BytesIO()
    if ending.endswith(".png"):
        Image.fromarray(values[0] if len(values) == 1 else values.transpose(1, 2, 0)).save(buffer, "PNG")
    else:
        np.save(buffer, np.array(values, order="C"), allow_pickle=False)
    return buffer.getvalue()
