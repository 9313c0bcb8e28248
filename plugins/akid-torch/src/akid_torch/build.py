"""From the calls of a graph to modules: native where there is a builder, portable everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from akid_core.backends.contract import Built
from akid_core.graph.attach import Attach
from akid_core.graph.resolved import Call
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import wider
from akid_torch import portable
from akid_torch.context import BuildContext, FrameModule
from akid_torch.layers.attach import share
from akid_torch.mixed import NARROW
from akid_torch.places import Home

FindBuilder = Callable[[Layer], Callable[..., Any] | None]


class Parts(NamedTuple):
    """Modules by the path of their call, and parameters by their own."""

    modules: Mapping[str, nn.Module]
    homes: Mapping[str, Home]


def build(contexts: Iterable[BuildContext], find: FindBuilder) -> Parts:
    """Build the module of every call, without storage: tensors are on torch's meta device until they are placed.

    `find` gives the native builder for a layer, if there is one.
    """
    builts: dict[str, Built] = {}
    families: dict[str, list[Call]] = {}
    by_path = {context.call.path: context for context in contexts}
    with torch.device("meta"):
        for path, context in by_path.items():
            family = families.setdefault(context.call.owner, [])
            if family and isinstance(context.call.layer, Attach):  # it holds its parameters, so sharers run it itself
                builts[path] = share(builts[family[0].path], context)
            elif family and context.call.owner not in by_path and _alike(family[0], context.call, builts):
                builts[path] = builts[family[0].path]
            else:
                builts[path] = _build(context, find)
            family.append(context.call)
        for family in families.values():
            if len({_axes(builts[call.path]) for call in family}) > 1:  # sharers of one parameter must lay it out alike
                builts.update({call.path: portable.build(call.layer, by_path[call.path]) for call in family})
    homes = [home for owner, family in families.items() for home in _homes(owner, family, builts)]
    return Parts({path: built.module for path, built in builts.items()}, {home.path: home for home in homes})


def _alike(first: Call, call: Call, builts: Mapping[str, Built]) -> bool:
    """Whether a step of an unrolled layer can run the module of the first: it knows nothing of the pass or the call."""
    settled = [(each.layer, each.in_specs, each.evaluates) for each in (first, call)]
    return settled[0] == settled[1] and not isinstance(builts[first.path].module, FrameModule)


def _build(context: BuildContext, find: FindBuilder) -> Built:
    """By the builder of the layer's own class. Kernels reduce in the type that they compute in, so where reductions are
    wider a layer runs portably, unless it has none or its kernel is known to form them wide."""
    layer, precision = context.call.layer, context.precision
    uniform = precision.compute == wider(precision.compute, precision.reductions)
    safe = isinstance(layer, Attach) or (context.mixed and layer.component() in NARROW)
    native = find(layer) if uniform or safe else None
    built: Built = native(layer, context.call.in_specs, context) if native else portable.build(layer, context)
    return built


def _axes(built: Built) -> frozenset[tuple[str, str]]:
    return frozenset((name, place.axes) for name, place in built.places.items())


def _homes(owner: str, family: list[Call], builts: Mapping[str, Built]) -> Iterable[Home]:
    """The parameters that live under `owner`; a place that no spec names is that of an attached module's own."""
    axes = {spec.name: spec.axes for spec in family[0].params}
    for name in {**axes, **builts[family[0].path].places}:
        places = [(builts[call.path].module, builts[call.path].places[name]) for call in family]
        yield Home.of(f"{owner}/{name}", axes.get(name, ""), places)
