"""Geometry: boxes, the wires between them, and where a layout puts both. x grows to the right, y downwards; pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]

Curve = tuple[Point, ...]
"""A line as in SVG: its beginning, then for each cubic Bézier piece two control points and an end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle to be placed.

    `ins`, `outs`: where wires enter its upper and leave its lower edge, from its left corner, by number of input and
    output; None: spread around the middle. `border`: lies on the upper or lower border of the whole. `weight`: how
    strongly it keeps to its place over or under its neighbours.
    """

    width: float
    height: float
    ins: tuple[float, ...] | None = None
    outs: tuple[float, ...] | None = None
    border: Literal["top", "bottom"] | None = None
    weight: float = 1.0

    def entry(self, number: int) -> float:
        """Where input `number` enters, from the middle of the box."""
        return self.ins[number] - self.width / 2 if self.ins else 0.0

    def exit(self, number: int) -> float:
        """Where output `number` leaves, from the middle of the box."""
        return self.outs[number] - self.width / 2 if self.outs else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """A line from an output of box `source` to an input of box `target`.

    `feedback`: it takes no part in the order of the boxes, and may lead upwards.
    """

    source: int
    target: int
    output: int = 0
    input: int = 0
    feedback: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies: `places` are the upper left corners of the boxes.

    `curves`: one for each wire; of one that is too long to be followed, the end alone. `upward`: the wires that lead to
    a box not below their own. `marks`: for each wire that can be followed, a point on it for a label.
    """

    width: float
    height: float
    places: tuple[Point, ...]
    curves: tuple[Curve, ...]
    upward: frozenset[int]
    marks: dict[int, Point]
