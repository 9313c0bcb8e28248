"""Meaning: what a parameter stands for in its network, where the letters of its axes do not say it."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.graph.resolved import Graph, Value
from akid_core.layers.conv_transpose import ConvTranspose2d
from akid_core.layers.shape import Flatten

Row = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """`image`: (channels, *space) where the parameter has a row for each place of a flattened image; frameworks differ
    in their order. `groups`: of a transposed convolution, where they differ in the first two axes; 0 for all else.
    """

    image: Row = ()
    groups: int = 0


def meanings(graph: Graph) -> dict[str, Meaning]:
    """By path, of the parameters that have one.

    Rows of an image are what follows `Flatten`, up to and with the first layer that mixes its features; through a layer
    of several inputs nothing is followed.
    """
    images: dict[Value, Row] = {}
    found: dict[str, Meaning] = {}
    for call in graph.calls:
        image = images.get(call.inputs[0], ()) if len(call.inputs) == 1 else ()
        if isinstance(call.layer, ConvTranspose2d):
            found[call.param_path("weight")] = Meaning(groups=call.layer.groups)
        elif isinstance(call.layer, Flatten) and call.in_specs[0].rank > 2:
            images[Value(call.path)] = call.in_specs[0].row
        elif image:
            mixing = [spec for spec in call.params if "I" in spec.axes]
            found |= {call.param_path(spec.name): Meaning(image=image) for spec in mixing or call.params}
            if not mixing and call.out_specs == call.in_specs:
                images[Value(call.path)] = image
    return found
