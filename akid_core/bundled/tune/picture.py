"""A picture of parallel coordinates: an axis for each dimension, a line for each point, coloured by its objective."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from akid_core.bundled.tune.dimensions import Choices, Dimension, Integer, Log
from akid_core.bundled.tune.ledger import Ledger

HEIGHT, STRETCH, TOP, LEFT, GAP = 460, 330, 70, 90, 190
"""The picture's height, that of an axis, the room above and at the sides, and between axes: in pixels."""

WORST, BEST = (198, 219, 239), (8, 48, 107)
"""The colours of the line of the worst and of the best point: red, green, blue."""

LABEL = 24
"""How many characters of a value are shown."""


@dataclass(frozen=True)
class _Axis:
    """Where values lie on a vertical axis: `places` from 0, below, to 1 by point; `ticks`: place and text."""

    title: str
    places: dict[int, float]
    ticks: Sequence[tuple[float, str]]


def parallel_coordinates(ledger: Ledger) -> str:
    """The picture as SVG. Lines of points without a value end before the objective's axis, and are dashed."""
    axes = [_axis(dimension, ledger) for dimension in ledger.space.dimensions]
    axes.append(_objective(ledger))
    width = 2 * LEFT + GAP * (len(axes) - 1)
    ranked = [point for point, _ in ledger.ranking()]
    body = [
        *(_line(axes, point, ledger, best=point == ranked[0]) for point in reversed(ranked)),
        *(_drawn(axis, LEFT + GAP * number) for number, axis in enumerate(axes)),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" '
            f'viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{width}" height="{HEIGHT}" fill="white"/>',
            *body,
            "</svg>\n",
        ]
    )


def _axis(dimension: Dimension, ledger: Ledger) -> _Axis:
    """The axis of a dimension: choices at equal distances, numbers to scale."""
    at = {point: coordinates[dimension.name] for point, coordinates in ledger.points.items()}
    if isinstance(dimension.range, Choices):
        count = len(dimension.range.choices)
        places = [(index + 0.5) / count for index in range(count)]
        labels = [dimension.label(index) for index in range(count)]
        texts = [_cut(label) for label in labels]
        if len(set(texts)) < count:  # what tells them apart was cut off
            texts = [_cut(f"{index}: {label}") for index, label in enumerate(labels)]
        marks = list(zip(places, texts, strict=True))
        return _Axis(dimension.name, {point: places[int(index)] for point, index in at.items()}, marks)
    low, high = (dimension.range.value(end) for end in dimension.ends())
    log = isinstance(dimension.range, Log) or (isinstance(dimension.range, Integer) and dimension.range.log)
    scale = _scale(low, high, log)
    return _Axis(dimension.name, {point: scale(value) for point, value in at.items()}, _ticks(low, high, log))


def _objective(ledger: Ledger) -> _Axis:
    means = {
        point: summary.mean
        for point, summary in ledger.ranking()
        if summary is not None and summary.mean is not None and summary.ending == "done"
    }
    low, high = (min(means.values()), max(means.values())) if means else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    scale = _scale(low, high, log=False)
    places = {point: scale(mean) for point, mean in means.items()}
    return _Axis(ledger.space.objective.metric, places, _ticks(low, high, log=False))


def _scale(low: float, high: float, log: bool) -> Callable[[float], float]:
    """From a value to its place between the ends."""
    if log:
        return lambda value: math.log(value / low) / math.log(high / low)
    return lambda value: (value - low) / (high - low)


def _ticks(low: float, high: float, log: bool) -> list[tuple[float, str]]:
    """Both ends and three values between them."""
    fractions = [index / 4 for index in range(5)]
    values = [low * (high / low) ** part if log else low + part * (high - low) for part in fractions]
    return [(part, f"{value:.3g}" if log else f"{value:.4g}") for part, value in zip(fractions, values, strict=True)]


def _line(axes: Sequence[_Axis], point: int, ledger: Ledger, *, best: bool) -> str:
    measured = point in axes[-1].places
    places = [axis.places[point] for axis in axes if point in axis.places]
    corners = " ".join(f"{LEFT + GAP * number},{_height(place):.1f}" for number, place in enumerate(places))
    if not measured:
        style = 'stroke="#b0b0b0" stroke-width="1" stroke-dasharray="4 3"'
    else:
        share = axes[-1].places[point] if ledger.space.objective.mode == "max" else 1 - axes[-1].places[point]
        colour = ",".join(str(round(low + share * (high - low))) for low, high in zip(WORST, BEST, strict=True))
        style = 'stroke="#d94801" stroke-width="3"' if best else f'stroke="rgb({colour})" stroke-width="1.5"'
    title = escape(json.dumps(ledger.space.settings(ledger.points[point])))
    return f'<polyline points="{corners}" fill="none" {style}><title>point {point}: {title}</title></polyline>'


def _drawn(axis: _Axis, left: int) -> str:
    top, bottom = _height(1.0), _height(0.0)
    parts = [
        f'<line x1="{left}" y1="{top:.1f}" x2="{left}" y2="{bottom:.1f}" stroke="black"/>',
        f'<text x="{left}" y="{TOP - 28}" text-anchor="middle" font-weight="bold">{escape(axis.title)}</text>',
    ]
    for place, text in axis.ticks:
        height = _height(place)
        parts.append(f'<line x1="{left - 4}" y1="{height:.1f}" x2="{left + 4}" y2="{height:.1f}" stroke="black"/>')
        for halo in (' stroke="white" stroke-width="3"', ""):  # below the text, so that it is read across lines
            parts.append(f'<text x="{left + 7}" y="{height + 4:.1f}"{halo}>{escape(text)}</text>')
    return "\n".join(parts)


def _height(place: float) -> float:
    return TOP + (1 - place) * STRETCH


def _cut(text: str) -> str:
    return text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"
