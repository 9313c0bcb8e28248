"""SVG: a scene as text that every browser shows."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from akid_core.graph.draw.geometry import Box, Curve, Point
from akid_core.graph.draw.parts import LINE, MARGIN, Part, Scene
from akid_core.graph.draw.style import FEEDBACK, FONT, INK, LOOKS, NAME, PALE, PAPER, SMALL, WIRE, text_width

_AROUND = 16.0
_SWATCH, _LEGEND, _LEGEND_LINE = 11.0, 360.0, 18.0
"""The legend: the size of a swatch, the least width, the height of a row."""

_EARLIER = "an earlier value"
_ROUND = {"system": 8, "input": 14, "output": 14, "field": 14, "unknown": 14}
_DASHED = ("field", "unknown", "dropout")


def svg(scene: Scene, title: str = "") -> str:
    """The picture of a scene, with a legend below; `title`: what it shows, for those who do not see it."""
    rows = _legend_rows(scene)
    width = max([scene.layout.width, *(sum(_legend_width(entry) for entry in row) for row in rows)]) + 2 * _AROUND
    legend = scene.layout.height + 2 * _AROUND
    height = legend + _LEGEND_LINE * len(rows) + (_AROUND / 2 if rows else 0.0)
    left = (width - scene.layout.width) / 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONT}" font-size="{SMALL:g}" role="img">',
            *([f"<title>{escape(title)}</title>"] if title else []),
            f'<rect width="100%" height="100%" rx="10" fill="{PAPER}"/>',
            f'<g transform="translate({left:.1f} {_AROUND:g})">',
            *_inside(scene),
            "</g>",
            *_legend(rows, legend),
            "</svg>",
            "",
        ]
    )


def _inside(scene: Scene) -> Iterator[str]:
    """The boxes with what is in them, over the wires."""
    targets = [scene.parts[wire.target] for wire in scene.wires]
    opened = [index for index, part in enumerate(scene.parts) if part.scene]
    for index in opened:
        yield _ground(scene.parts[index], scene.boxes[index], scene.layout.places[index])
    for number, (curve, target) in enumerate(zip(scene.layout.curves, targets, strict=True)):
        yield from _wire(scene, number, curve, target)
    for part, box, place in zip(scene.parts, scene.boxes, scene.layout.places, strict=True):
        if part.category == "port":
            yield from _port(part, box, place)
        elif part.scene:
            yield f'<g transform="translate({place[0] + part.indent:.1f} {place[1]:.1f})">'
            yield from _inside(part.scene)
            yield f"</g>{_title(part, place)}"
        else:
            yield from _box(part, box, place)


def _wire(scene: Scene, number: int, curve: Curve, target: Part) -> Iterator[str]:
    """The line of a wire with its arrow and label; of one that cannot be followed, the end and where it comes from."""
    wire, followed = scene.wires[number], number in scene.layout.marks
    colour = FEEDBACK if wire.feedback else WIRE
    dashes = "" if followed and not wire.feedback else _dashes(5, 3) if followed else _dashes(2, 2)
    yield f'<path d="{_path(curve)}" fill="none" stroke="{colour}" stroke-width="1.2"{dashes}/>'
    x, y = curve[-1]
    if target.category != "port" and not target.scene:
        yield f'<path d="M{x - 3.5:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}L{x + 3.5:.1f} {y - 7:.1f}z" fill="{colour}"/>'
    if followed and number in scene.labels:
        yield _label(scene.labels[number], scene.layout.marks[number])
    if not followed:
        name = escape(scene.parts[wire.source].name)
        yield f'<text x="{x + 4:.1f}" y="{y - 8:.1f}" fill="{PALE}" font-size="8">{name}</text>'


def _path(curve: Curve) -> str:
    (x, y), *rest = curve
    pieces = (rest[index : index + 3] for index in range(0, len(rest), 3))
    return f"M{x:.1f} {y:.1f}" + "".join(f"C{' '.join(f'{px:.1f} {py:.1f}' for px, py in piece)}" for piece in pieces)


def _label(text: str, mark: Point) -> str:
    """What stands at a wire, on a ground of its own."""
    width = text_width(text, SMALL) + 6
    return (
        f'<rect x="{mark[0] - width / 2:.1f}" y="{mark[1] - 7:.1f}" width="{width:.1f}" height="14" rx="4" '
        f'fill="{PAPER}"/>'
        f'<text x="{mark[0]:.1f}" y="{mark[1] + 3.5:.1f}" fill="{FEEDBACK}" text-anchor="middle">{text}</text>'
    )


def _port(part: Part, box: Box, place: Point) -> Iterator[str]:
    x, y = place[0] + box.width / 2, place[1]
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{PAPER}" stroke="{WIRE}" stroke-width="1.2"/>'
    if part.name:
        y += 12 if box.border == "top" else -5
        yield f'<text x="{x + 5:.1f}" y="{y:.1f}" fill="{PALE}">{escape(part.name)}</text>'


def _ground(part: Part, box: Box, place: Point) -> str:
    return f"<g><title>{escape(part.about)}</title>{_rectangle(part.category, box, place)}</g>"


def _title(part: Part, place: Point) -> str:
    """The title of a System that is shown, on a ground of its own, so that no wire runs through it."""
    x, y = place[0] + MARGIN / 2, place[1] + 15
    line = "  ".join(part.lines)
    width = text_width(part.name, NAME, bold=True) + text_width(line, SMALL) + MARGIN / 2
    return (
        f'<rect x="{x - 1:.1f}" y="{y - 11:.1f}" width="{width:.1f}" height="15" fill="{LOOKS[part.category].fill}"/>'
        f'<text x="{x + 2:.1f}" y="{y:.1f}" fill="{INK}" font-size="{NAME:g}" font-weight="bold">{escape(part.name)}'
        f'<tspan dx="5" font-weight="normal" fill="{PALE}" font-size="{SMALL:g}">{escape(line)}</tspan></text>'
    )


def _box(part: Part, box: Box, place: Point) -> Iterator[str]:
    x, y = place[0] + box.width / 2, place[1] + LINE + 2
    lines = "".join(
        f'<text x="{x:.1f}" y="{y + LINE * (1 + number):.1f}" fill="{PALE}">{escape(line)}</text>'
        for number, line in enumerate(part.lines)
    )
    behind = ""
    if part.category == "system":  # a sheet on others: there is more inside
        behind = _rectangle(part.category, box, (place[0] + 3, place[1] + 3))
    yield (
        f'<g text-anchor="middle"><title>{escape(part.about)}</title>{behind}{_rectangle(part.category, box, place)}'
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" font-size="{NAME:g}" font-weight="bold">{escape(part.name)}</text>'
        f"{lines}</g>"
    )


def _rectangle(category: str, box: Box, place: Point, corner: int | None = None) -> str:
    look = LOOKS[category]
    corner = _ROUND.get(category, 5) if corner is None else corner
    return (
        f'<rect x="{place[0]:.1f}" y="{place[1]:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{corner}" fill="{look.fill}" stroke="{look.edge}" stroke-width="1.2"'
        f"{_dashes(4, 3) if category in _DASHED else ''}/>"
    )


def _dashes(drawn: int, left: int) -> str:
    return f' stroke-dasharray="{drawn} {left}"'


def _met(scene: Scene) -> Iterator[str]:
    """What the legend explains: the categories that occur, and the lines of earlier values."""
    yield from (part.category for part in scene.parts)
    yield from (_EARLIER for wire in scene.wires if wire.feedback)
    for part in scene.parts:
        if part.scene:
            yield from _met(part.scene)


def _legend_rows(scene: Scene) -> list[list[str]]:
    """The entries of the legend in the order of the looks, as many in a row as fit under the picture."""
    met = set(_met(scene))
    rows: list[list[str]] = []
    room = 0.0
    for entry in (entry for entry in (*LOOKS, _EARLIER) if entry in met):
        room -= _legend_width(entry)
        if room < 0:
            rows.append([])
            room = max(scene.layout.width, _LEGEND) - _legend_width(entry)
        rows[-1].append(entry)
    return rows


def _legend_width(entry: str) -> float:
    return text_width(entry, SMALL) + _SWATCH + 20.0


def _legend(rows: list[list[str]], top: float) -> Iterator[str]:
    for number, row in enumerate(rows):
        x, y = _AROUND, top + _LEGEND_LINE * number
        for entry in row:
            if entry == _EARLIER:
                yield f'<path d="M{x:.1f} {y + _SWATCH / 2:.1f}h{_SWATCH:g}" stroke="{FEEDBACK}"{_dashes(5, 3)}/>'
            else:
                yield _rectangle(entry, Box(width=_SWATCH, height=_SWATCH), (x, y), corner=3)
            yield f'<text x="{x + _SWATCH + 5:.1f}" y="{y + 9:.1f}" fill="{PALE}">{entry}</text>'
            x += _legend_width(entry)
