"""The engine: neighbouring picture augmenters, run in as few passes over the pictures as equal results allow.

Moves fold into one window; on uint8, all that is done to single values folds into one table of 256 entries for each row
and channel. A table is made by applying the augmenters, one after another, to the values 0 to 255, so that it holds the
bits that they would give one by one. Where something cannot fold, another pass is made.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_core.errors import DataError
from akid_datasets.pictures.looking_up import Change
from akid_datasets.pictures.running import run
from akid_datasets.pictures.values import PICTURES, check_type
from akid_datasets.pictures.window import Fill, Window


def together(parts: Sequence[tuple[Augmenter, Draws]], fields: Fields) -> Fields:
    """What the augmenters, each with what it draws from, make of the fields that they change."""
    names = dict.fromkeys(name for augmenter, _ in parts for name in augmenter.fields)
    passes = {name: _Pass(fields[name]) for name in names}
    for augmenter, random in parts:
        for name in augmenter.fields:
            if isinstance(augmenter, Move):
                passes[name].move(augmenter, random)
            elif isinstance(augmenter, Pointwise):
                passes[name].change(augmenter, random)
    return {name: made.finished() for name, made in passes.items()}


@dataclass(frozen=True, kw_only=True)
class Move(Augmenter):
    """An augmenter that moves pixels: `fields` are each (batch, …, height, width) of any type and move together."""

    together: ClassVar = together

    def check(self, spec: Specs) -> None:
        super().check(spec)
        for name in self.fields:
            if spec[name].rank < 3:
                raise ValueError(
                    f"{self.component()} moves fields of shape (batch, …, height, width), but '{name}' is {spec[name]}"
                )

    @abstractmethod
    def window(self, random: Draws, height: int, width: int) -> Window:
        """What is seen afterwards of pictures of this size. Raises `ValueError` where they are too small."""

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return together([(self, random)], fields)


@dataclass(frozen=True, kw_only=True)
class Pointwise(Augmenter):
    """An augmenter that changes each value by itself: `fields` are each (batch, …), uint8 or floating."""

    together: ClassVar = together

    def check(self, spec: Specs) -> None:
        super().check(spec)
        for name in self.fields:
            check_type(spec[name], name, PICTURES)

    @property
    def sees(self) -> bool:
        """Whether it must see each whole row before it changes a value of it."""
        return False

    def seen(self, rows: np.ndarray) -> np.ndarray:
        """(n,): what it must know of each row, where it `sees` them."""
        raise TypeError(f"{type(self).__name__} does not look at rows")

    @abstractmethod
    def change(self, values: np.ndarray, random: Draws, seen: np.ndarray | None) -> np.ndarray:
        """`values` (n or 1, channels or 1, …) after the change, as a new array; the first axis is n where rows differ.

        Nothing but the value itself, its row and its channel may matter.
        """

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return together([(self, random)], fields)


class _Pass:
    """One field on its way through the augmenters, and what is still to be done to it."""

    def __init__(self, pictures: np.ndarray) -> None:
        self._pictures = pictures
        self._window: Window | None = None
        self._changes: list[Change] = []

    def move(self, augmenter: Move, random: Draws) -> None:
        if self._changes:
            self.finished()
        height, width = self._pictures.shape[-2:]
        if self._window is not None:
            height, width = self._window.height, self._window.width
        try:
            window = augmenter.window(random, height, width)
        except ValueError as error:
            raise DataError(f"The augmenter '{augmenter.component()}' does not fit these pictures: {error}.") from error
        joined = window if self._window is None else self._window.then(window)
        if joined is None:
            self.finished()
            joined = window
        self._window = joined

    def change(self, augmenter: Pointwise, random: Draws) -> None:
        seen = augmenter.seen(self.finished()) if augmenter.sees else None
        self._changes.append(partial(augmenter.change, random=random, seen=seen))

    def finished(self) -> np.ndarray:
        """The pictures, now that all has been done."""
        if self._window is not None or self._changes:
            self._pictures = run(self._pictures, self._window, self._changes)
        self._window, self._changes = None, []
        return self._pictures


def check_fill(fill: Fill, specs: Specs, fields: Sequence[str]) -> None:
    """Raise `ValueError` where a value for what lies outside of pictures does not fit their types or channels."""
    for name in fields:
        spec = specs[name]
        if isinstance(fill, tuple) and (spec.rank < 4 or len(fill) != spec.shape[1]):
            raise ValueError(f"there are {len(fill)} values to fill with, one for each channel, but '{name}' is {spec}")
        kind = np.dtype(spec.dtype)
        if not np.issubdtype(kind, np.inexact):
            asked = np.asarray(fill)
            with np.errstate(invalid="ignore"):  # of NaN
                held = asked.astype(np.int64).astype(kind)
            if (held != asked).any():
                raise ValueError(f"'{name}' is {spec}, whose type cannot hold the value {fill} to fill with")
