"""Meaning: what the axes of a parameter stand for in its network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from akid_core.graph.resolved import Graph, Value
from akid_core.layers.conv import Conv1d, Conv2d
from akid_core.layers.conv_transpose import ConvTranspose2d
from akid_core.layers.shape import Flatten

Row = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What frameworks differ in, where they lay out a parameter.

    `axes`: its canonical letters. `image`: (channels, *space) where it has a row for each place of a flattened image.
    `groups`: those of a transposed convolution, whose first two axes are grouped; 0 for all else. `depthwise`: of a
    convolution with a group for each of several channels.
    """

    axes: str = ""
    image: Row = ()
    groups: int = 0
    depthwise: bool = False


def meanings(graph: Graph) -> dict[str, Meaning]:
    """By path, of all parameters.

    Rows of an image are what follows `Flatten`, up to and with the first layer that mixes its features; through a layer
    of several inputs nothing is followed.
    """
    images: dict[Value, Row] = {}
    found = {path: Meaning(axes=spec.axes) for path, spec in graph.params.items()}
    for call in graph.calls:
        image = images.get(call.inputs[0], ()) if len(call.inputs) == 1 else ()
        if isinstance(call.layer, ConvTranspose2d):
            path = call.param_path("weight")
            found[path] = replace(found[path], groups=call.layer.groups)
        elif isinstance(call.layer, Conv1d | Conv2d) and 1 < call.layer.groups == call.in_specs[0].shape[1]:
            path = call.param_path("weight")
            found[path] = replace(found[path], depthwise=True)
        elif isinstance(call.layer, Flatten) and call.in_specs[0].rank > 2:
            images[Value(call.path)] = call.in_specs[0].row
        elif image:
            mixing = [spec for spec in call.params if "I" in spec.axes]
            paths = [call.param_path(spec.name) for spec in mixing or call.params]
            found |= {path: replace(found[path], image=image) for path in paths}
            if not mixing and call.out_specs == call.in_specs:
                images[Value(call.path)] = image
    return found
