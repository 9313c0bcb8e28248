"""Parts: what stands in each box of a picture, and how large that makes it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from akid_core.graph.draw.facts import Facts
from akid_core.graph.draw.geometry import Box, Layout, Wire
from akid_core.graph.draw.style import NAME, SMALL, category, shortened, text_width
from akid_core.graph.node import Node
from akid_core.graph.summary import settings_text
from akid_core.graph.system import System
from akid_core.specs.layer import Block, Loss, Metric

LINE, MARGIN, HEAD = 14.0, 16.0, 18.0
"""The height of a line of text, the room around the inside of a System, and that for its title; pixels."""

_LONGEST = 44
_LEAST_WIDTH = 96.0
_PORT = 8.0
_LIGHT = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A box with what stands in it: a name, and lines of what is said of it. `about`: all that is known of it.

    `scene`: the inside of a System that is shown, which begins `indent` pixels from the left.
    """

    category: str
    name: str = ""
    lines: tuple[str, ...] = ()
    about: str = ""
    scene: Scene | None = None
    indent: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Parts, each in its box, and wires, with their layout. `labels`: what stands at a wire, by its number."""

    parts: tuple[Part, ...]
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    labels: dict[int, str]
    layout: Layout


Piece = tuple[Part, Box]


def port(name: str, upper: bool) -> Piece:
    """An input or output of a System that is shown, on its border."""
    width = max(_PORT, 2 * text_width(name, SMALL) + 2 * _PORT if name else 0.0)
    return Part(category="port", name=name), Box(width=width, height=0.0, border="top" if upper else "bottom")


def end(category: str, name: str, spec: str = "") -> Piece:
    """An input or output of the Brain, or a field of the batch."""
    return _boxed(Part(category=category, name=name, lines=_filled(spec), about=_filled_text(name, spec)), _LIGHT)


def layer(path: str, name: str, node: Node, facts: Facts) -> Piece:
    """A layer, loss or metric."""
    said = settings_text(node.block)
    plain = said == f"{type(node.block).__name__}()" and name.startswith(node.block.component())
    figures = "" if isinstance(node.block, Loss | Metric) else _joined(facts.gives(path), _holds(path, node, facts))
    inits = [field.name for field in fields(node.block) if field.name.endswith("_init")]
    lines = _filled("" if plain else _short(settings_text(node.block, ("name", *inits))), figures)
    return _boxed(Part(category=category(node.block), name=name, lines=lines, about=_filled_text(path, said, figures)))


def closed(path: str, name: str, node: Node, system: System, facts: Facts) -> Piece:
    """A System as a single box."""
    inside = sum(not isinstance(block, System) for block in system.blocks.values())
    lines = _filled(
        _joined(_kind(node.block), f"{inside} block{'' if inside == 1 else 's'}", _holds(path, node, facts)),
        facts.gives(path, system),
    )
    return _boxed(Part(category="system", name=name, lines=lines, about=_filled_text(path, *lines)))


def opened(path: str, name: str, node: Node, inside: Scene, facts: Facts) -> Piece:
    """A System with what is in it."""
    line = _joined(_kind(node.block), _holds(path, node, facts))
    title = text_width(name, NAME, bold=True) + text_width(line, SMALL) + 3 * MARGIN
    width = max(inside.layout.width + 2 * MARGIN, title)
    indent = (width - inside.layout.width) / 2
    ends = {
        border: tuple(
            indent + place[0] + box.width / 2
            for box, place in zip(inside.boxes, inside.layout.places, strict=True)
            if box.border == border
        )
        for border in ("top", "bottom")
    }
    part = Part(category="system", name=name, lines=_filled(line), about=path, scene=inside, indent=indent)
    box = Box(width=width, height=inside.layout.height, ins=ends["top"] or None, outs=ends["bottom"] or None)
    return part, box


def _boxed(part: Part, weight: float = 1.0) -> Piece:
    """A part in a box that holds its text."""
    wide = max([text_width(part.name, NAME, bold=True), *(text_width(line, SMALL) for line in part.lines)])
    height = LINE * (1 + len(part.lines)) + 10.0
    return part, Box(width=max(_LEAST_WIDTH, wide + 20.0), height=height, weight=weight)


def _kind(block: Block) -> str:
    """The class of a System, where it is not just that, and settings that are neither blocks nor wiring."""
    said = _short(settings_text(block, ("name", "nodes", "inputs", "outputs", "losses", "metrics")))
    return "" if said == "System" else said


def _holds(path: str, node: Node, facts: Facts) -> str:
    """How many parameters a block has, or whose it uses."""
    return f"parameters of {node.share}" if node.share else facts.parameters(path)


def _short(settings: str) -> str:
    """Settings as they stand in a box: `Conv2d kernel=3, stride=2`."""
    name, _, rest = settings.partition("(")
    return shortened(f"{name} {rest.removesuffix(')')}".replace("'", "").rstrip(), _LONGEST)


def _joined(*texts: str) -> str:
    return " · ".join(filter(None, texts))


def _filled(*lines: str) -> tuple[str, ...]:
    return tuple(filter(None, lines))


def _filled_text(*lines: str) -> str:
    return "\n".join(filter(None, lines))
