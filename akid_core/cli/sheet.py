"""`akid data show`: a contact sheet, one line for each row: as it is stored, in some epochs, and for evaluation."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from akid_core.backends.export import draft
from akid_core.config import apply_overrides, decode
from akid_core.data.permutation import Permutation
from akid_core.data.sampler import Sampler, Sequential
from akid_core.data.sensor import Sensor
from akid_core.data.sensors import Sensors
from akid_core.data.source import Source
from akid_core.errors import PluginImportError, UsageError, suggest
from akid_core.plugins import Registry, default_manager
from akid_core.specs.tensor import TensorSpec
from akid_core.training.description import read_description

if TYPE_CHECKING:
    from PIL.Image import Image

CELL, GAP, MARGIN = 96, 4, 96
"""Pixels: the least side of a picture, between pictures, and for words at the left."""

Columns = Mapping[str, Mapping[str, np.ndarray]]
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
    columns = {"stored": sensor.source.rows(rows)}
    for epoch in range(options.epochs if sensor.training.stages else 0):
        columns[f"epoch {epoch}"] = sensor.batch(epoch, 0).fields
    if sensor.evaluation.stages and options.split == "train":
        columns["evaluation"] = sensor.evaluation(lambda _: sensor.source.rows(rows), rows, 0, len(sensor))
    field = _field(options.field, sensor.training.before)
    if field is None:
        _print(columns, rows)
        return 0
    pictures = {heading: fields[field] for heading, fields in columns.items()}
    sheet = _sheet(pictures, [_words(columns["stored"], rows, number) for number in range(len(rows))])
    with draft(path) as new:
        sheet.save(new)
    print(f"wrote {path}: '{field}' of {len(rows)} rows; columns: {', '.join(columns)}")
    return 0


def _sensor(options: argparse.Namespace) -> Sensor:
    """The Sensor of a configuration, a recipe or a source, whose first batch is the rows to show."""
    sensors, seed, registry = _described(options.config, options.overrides)
    source: Source = replace(decode("source", sensors.source, registry, "sensors.source"), split=options.split)
    return Sensor(
        source,
        batch_size=max(1, min(options.rows, len(source))),
        seed=seed,
        sampler=Sequential() if source.sequential else _Chosen(),
        augment=sensors.augment if options.split == "train" else sensors.for_evaluation,
        eval_augment=sensors.for_evaluation,
    )


def _described(name: str, overrides: Sequence[str]) -> tuple[Sensors, int, Registry]:
    """The sensors and the seed of a configuration or recipe; of a source, where no recipe has its name."""
    registry = default_manager().registry
    if "/" in name or name.endswith((".yaml", ".yml")) or registry.has("recipe", name):
        config, manager = read_description(name, overrides)
        return config.sensors, config.seed, manager.registry
    described = apply_overrides({"sensors": {"source": name}}, overrides, registry)
    return Sensors.from_config(described["sensors"], registry, name), 0, registry


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


def _words(fields: Mapping[str, np.ndarray], rows: np.ndarray, number: int) -> str:
    """Which row it is, and its fields that are one number."""
    numbers = [f"{name} {values[number]:.6g}" for name, values in fields.items() if values.ndim == 1]
    return "\n".join([f"row {rows[number]}", *numbers])


def _sheet(pictures: Mapping[str, np.ndarray], words: Sequence[str]) -> Image:
    """Pictures (n, channels, height, width) by heading, side by side, the words of each row at the left."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise PluginImportError(
            "A sheet is drawn by Pillow, which is not installed. Install it with: pip install pillow"
        ) from error
    cells = [max(CELL, *values.shape[2:]) + GAP for values in pictures.values()]
    sheet = Image.new("RGB", (MARGIN + sum(cells), 20 + len(words) * max(cells)), "white")
    draw = ImageDraw.Draw(sheet)
    left = MARGIN
    for (heading, values), cell in zip(pictures.items(), cells, strict=True):
        draw.text((left, 4), heading, fill="black")
        for number, picture in enumerate(values):
            drawn = Image.fromarray(_bytes(picture))
            scale = (cell - GAP) / max(drawn.size)
            drawn = drawn.resize((round(drawn.width * scale), round(drawn.height * scale)), Image.Resampling.NEAREST)
            sheet.paste(drawn, (left, 20 + number * max(cells)))
        left += cell
    for number, text in enumerate(words):
        draw.text((4, 20 + number * max(cells)), text, fill="black")
    return sheet


def _bytes(picture: np.ndarray) -> np.ndarray:
    """(height, width) or (height, width, 3) uint8; numbers outside 0 to 1 are spread over black to white."""
    values = np.moveaxis(picture[:3], 0, -1)
    if values.dtype != np.uint8:
        low, high = float(values.min(initial=0)), float(values.max(initial=1))
        values = np.nan_to_num((values - low) / (high - low) * 255).astype(np.uint8)
    return values[..., 0] if values.shape[-1] == 1 else np.ascontiguousarray(values)
