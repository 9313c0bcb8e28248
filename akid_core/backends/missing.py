"""Layers that a backend has no way to run: without a portable definition, and without a builder for this backend."""

from __future__ import annotations

from akid_core.backends.contract import Backend
from akid_core.errors import ConfigurationError
from akid_core.graph.attach import Attach
from akid_core.graph.resolved import Call, Graph
from akid_core.specs.layer import Layer, Loss, Metric

_UNDEFINED = {Layer.forward, Loss.forward, Metric.forward}


def portable(layer: type[Layer]) -> bool:
    """Whether a layer has a definition that every backend can run."""
    return layer.forward not in _UNDEFINED and not issubclass(layer, Attach)


def check_layers(backend: Backend, graph: Graph) -> None:
    """Raise `ConfigurationError` for the first layer that the backend cannot run: who has it, and how to add it."""
    for call in graph.everything:
        if isinstance(call.layer, Attach) and not backend.takes_builders:
            raise call.layer.elsewhere(call.path)
        own = portable(type(call.layer)) or isinstance(call.layer, Attach)
        if not own and backend.builder(call.layer) is None:
            raise ConfigurationError(_missing(backend, call))


def _missing(backend: Backend, call: Call) -> str:
    name = call.layer.component()
    builders = (item for item in backend.registry.infos("layer_builder") if item.info.name == name)
    served = sorted({f"{item.info.backend} (by {item.provider})" for item in builders})
    elsewhere = f"There is one for {', '.join(served)}: choose that backend. Or add one" if served else "Add one"
    builder = (
        f", or a builder, declared by the hook akid_layer_builders as LayerBuilderInfo(name={name!r}, "
        f"backend={backend.name!r}, target='your_package.{name}:build')"
    )
    return (
        f"The block {call.path!r} is of {type(call.layer).__name__}, which has no portable definition, and nobody "
        f"provides a builder of it for {backend.name}. {elsewhere}: write its `forward`, which serves every backend"
        f"{builder if backend.takes_builders else ''}."
    )
