"""`akid data show`: rows as they are stored, in some epochs, and for evaluation; as a sheet where they are pictures."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from akid_core.backends.export import draft
from akid_core.cli.data_named import named_sensors
from akid_core.cli.options import variables
from akid_core.cli.sheet import draw, span
from akid_core.config import decode
from akid_core.data.augmentation import Augmentation
from akid_core.data.augmenter import Fields
from akid_core.data.permutation import Permutation
from akid_core.data.sampler import Sampler, Sequential
from akid_core.data.sensor import Sensor
from akid_core.data.source import Source
from akid_core.errors import UsageError, suggest
from akid_core.specs.tensor import TensorSpec

ENTRIES = 3
"""How many entries of a vector of labels are told, the largest first."""

Columns = Mapping[str, Fields]
"""By heading the fields of the rows."""


@dataclass(frozen=True, kw_only=True)
class _Chosen(Sampler):
    """The same order in each epoch: at random, so that the first rows are of all sorts."""

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        return Permutation(size, seed, 0)(positions)


def show(options: argparse.Namespace) -> int:
    """Write the sheet, or print the rows where they hold no pictures."""
    path = Path(options.output)
    if path.suffix.lower() != ".png":
        raise UsageError(f"--output {path}: a sheet is written as .png.")
    for name, number, least in (("rows", options.rows, 1), ("epochs", options.epochs, 0)):
        if number < least:
            raise UsageError(f"--{name} {number}: it must be at least {least}.")
    sensor = _sensor(options)
    rows = sensor.batch(0, 0).rows
    stored = sensor.source.rows(rows)
    columns = {"stored": stored}
    if options.split == "train" and sensor.training.stages:
        columns |= {f"epoch {epoch}": sensor.batch(epoch, 0).fields for epoch in range(options.epochs)}
    if sensor.evaluation.stages:
        columns["evaluation"] = sensor.evaluation(lambda _: stored, rows, 0, len(sensor))
    field = _field(options.field, sensor.training.before)
    if field is None:
        _print(columns, rows)
        return 0
    changed = _changed(columns, field)
    pictures = {"stored": stored[field]}
    captions = {"stored": [""] * len(rows)}
    for heading, fields in columns.items():
        if heading != "stored":
            augmentation = sensor.evaluation if heading == "evaluation" else sensor.training
            pictures[heading] = _undone(fields, field, augmentation)
            captions[heading] = ["\n".join(_caption(fields, changed, number)) for number in range(len(rows))]
    low, high = span(pictures.values())
    sheet = draw(pictures, captions, [_words(stored, rows, number) for number in range(len(rows))], (low, high))
    with draft(path) as new:
        sheet.save(new)
    ends = f"; black is {low:.3g}, white {high:.3g}" if (low, high) != (0, 1) else ""
    print(f"wrote {path}: '{field}' of {len(rows)} rows; columns: {', '.join(columns)}{ends}")
    return 0


def _sensor(options: argparse.Namespace) -> Sensor:
    """The Sensor of a configuration, a recipe or a source, whose first batch is the rows to show."""
    sensors, seed, registry = named_sensors(options.config, options.overrides, variables(options))
    source: Source = replace(decode("source", sensors.source, registry, "sensors.source"), split=options.split)
    return Sensor(
        source,
        batch_size=max(1, min(options.rows, len(source))),
        seed=seed,
        sampler=Sequential() if source.sequential else _Chosen(),
        augment=sensors.augment if options.split == "train" else sensors.for_evaluation,
        eval_augment=sensors.for_evaluation,
    )


def _field(asked: str | None, spec: Mapping[str, TensorSpec]) -> str | None:
    """The field with the pictures: the one asked for, else the first; None where none holds pictures."""
    pictures = [name for name, field in spec.items() if field.rank == 4 and field.shape[1] in (1, 3, 4)]
    if asked is None or asked in pictures:
        return asked or next(iter(pictures), None)
    known = f"Fields with pictures: {', '.join(pictures)}." if pictures else "No field holds pictures."
    raise UsageError(
        f"--field {asked}: a picture is of shape (1, 3 or 4, height, width).{suggest(asked, pictures)} {known}"
    )


def _print(columns: Columns, rows: np.ndarray) -> None:
    """The rows as text, one paragraph each."""
    for number, row in enumerate(rows):
        print(f"row {row}")
        for heading, fields in columns.items():
            shown = ", ".join(f"{name} {_short(values[number])}" for name, values in fields.items())
            print(f"  {heading}: {shown}")


def _short(value: np.ndarray) -> str:
    return np.array2string(value, threshold=12, edgeitems=4, precision=4).replace("\n", " ")


def _undone(fields: Fields, field: str, augmentation: Augmentation) -> np.ndarray:
    """The pictures in the range that they had before the last augmenters, those that kept their shape and type."""
    fields = {field: fields[field]}
    for stage in reversed(augmentation.stages):
        if stage.spec[field] != augmentation.spec[field]:
            break
        fields = stage.augmenter.undone(fields)
    return fields[field]


def _changed(columns: Columns, field: str) -> list[str]:
    """The fields beside the pictures that are numbers, or floating vectors, and not everywhere what is stored."""
    stored, *others = columns.values()
    return [
        name
        for name, values in (others[0] if others else {}).items()
        if name != field
        and (values.ndim == 1 or (values.ndim == 2 and values.dtype.kind == "f"))
        and not all(name in stored and np.array_equal(stored[name], fields[name]) for fields in others)
    ]


def _caption(fields: Fields, names: Sequence[str], number: int) -> list[str]:
    """What fields have in a row: their number, or of a vector the largest entries, by index."""
    lines = []
    for name in names:
        values = fields[name][number]
        if not values.ndim:
            lines.append(f"{name} {values:.6g}")
            continue
        largest = np.argsort(-np.abs(values), kind="stable")[:ENTRIES]
        told = [index for index in largest if abs(values[index]) > abs(values[largest[0]]) / 100]
        lines += [f"{name} {index}: {values[index]:.3g}" for index in told]
    return lines


def _words(fields: Fields, rows: np.ndarray, number: int) -> str:
    """Which row it is, and its fields that are one number."""
    numbers = [f"{name} {values[number]:.6g}" for name, values in fields.items() if values.ndim == 1]
    return "\n".join([f"row {rows[number]}", *numbers])
