"""Style: what a block looks like, by its category."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.graph.attach import Attach
from akid_core.specs.layer import Block, Loss, Metric

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
NAME, SMALL = 12.0, 10.0
"""The sizes of names and of what is said of them, in pixels."""

INK, PALE, PAPER = "#1f2937", "#5b6675", "#ffffff"
"""Names; what is said of them; the ground."""

WIRE, FEEDBACK = "#64748b", "#be185d"


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of a category: of the inside and of the edge."""

    fill: str
    edge: str


LOOKS = {
    "input": Look("#e2e8f0", "#334155"),
    "convolution": Look("#dbeafe", "#3b82f6"),
    "dense": Look("#ffedd5", "#ea8a2e"),
    "recurrent": Look("#fbe3f4", "#c94fa0"),
    "attention": Look("#ede9fe", "#7c5cd6"),
    "embedding": Look("#dcfce7", "#35a066"),
    "normalisation": Look("#e3e8fd", "#7180d8"),
    "activation": Look("#fef6c7", "#c9a21b"),
    "pooling": Look("#cff5ef", "#2a9d90"),
    "merge": Look("#eef1f5", "#475569"),
    "shape": Look("#f5f5f4", "#a8a29e"),
    "dropout": Look("#f7f1ea", "#b59b7c"),
    "attached": Look("#f3e8d8", "#8a6d3b"),
    "other": Look("#ffffff", "#64748b"),
    "system": Look("#f8fafc", "#94a3b8"),
    "loss": Look("#fee2e2", "#d64545"),
    "metric": Look("#e9f7cf", "#7ba428"),
    "field": Look("#ffffff", "#334155"),
    "output": Look("#e2e8f0", "#334155"),
    "unknown": Look("#ffffff", "#dc2626"),
}
"""The categories in the order of the legend."""

_CATEGORIES = {
    "activation": ("activation",),
    "attention": ("attention",),
    "convolution": ("conv", "conv_transpose"),
    "dense": ("dense", "maxout"),
    "dropout": ("dropout",),
    "embedding": ("embedding", "positional"),
    "merge": ("merge",),
    "normalisation": ("lrn", "norm", "row_norm"),
    "pooling": ("pool", "pool_global"),
    "recurrent": ("recurrent",),
    "shape": ("cut", "fill", "resize", "sequence", "shape", "stack"),
}
_CATEGORY_OF = {f"akid_core.layers.{module}": name for name, modules in _CATEGORIES.items() for module in modules}


def category(block: Block) -> str:
    """The category of a layer: that of the layer of akid from which it descends, else "other"."""
    for cls, name in ((Loss, "loss"), (Metric, "metric"), (Attach, "attached")):
        if isinstance(block, cls):
            return name
    return next(
        (_CATEGORY_OF[cls.__module__] for cls in type(block).__mro__ if cls.__module__ in _CATEGORY_OF), "other"
    )


_NARROW, _SLIM, _BROAD = frozenset("iljI.,:;'|!"), frozenset('ftr()[]{}/-"* '), frozenset("mwMW@%…→")


def text_width(text: str, size: float, bold: bool = False) -> float:
    """About how wide a text is in Helvetica or Arial, in pixels; `size` is that of the font."""
    ems = sum(
        0.26 if c in _NARROW else 0.35 if c in _SLIM else 0.87 if c in _BROAD else 0.69 if c.isupper() else 0.56
        for c in text
    )
    return ems * size * (1.07 if bold else 1.0)


def shortened(text: str, length: int) -> str:
    """At most so many characters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
