"""Which layer runs on which backend, and how: natively, by its portable definition, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from akid_core.errors import PluginError
from akid_core.graph.attach import Attach
from akid_core.plugins import Registry
from akid_core.specs.layer import Layer, Loss, Metric

Way = Literal["native", "portable", "missing"]


@dataclass(frozen=True, slots=True)
class Support:
    """A layer, who provides it, and how it runs on each backend by name."""

    layer: str
    provider: str
    backends: dict[str, Way]

    def to_json(self) -> dict[str, Any]:
        return {"layer": self.layer, "from": self.provider, "backends": self.backends}


def support(registry: Registry) -> list[Support]:
    """A row for each layer, loss and metric. Layers are imported, which are plain Python; backends and builders not."""
    backends = registry.names("backend")
    rows = []
    for item in registry.infos("layer"):
        name, only = item.info.name, item.info.backend
        try:
            portable = _portable(registry.target(item))
        except PluginError:
            portable = False
        ways: dict[str, Way] = {
            backend: "missing"
            if only not in ("", backend)
            else "native"
            if registry.has("layer_builder", name, backend)
            else "portable"
            if portable
            else "missing"
            for backend in backends
        }
        rows.append(Support(name, str(item.provider), ways))
    return rows


def markdown(rows: Sequence[Support]) -> str:
    """The rows as a table in Markdown."""
    backends = list(rows[0].backends) if rows else []
    lines = [["layer", *backends], ["---"] * (1 + len(backends))]
    lines += [[f"`{row.layer}`", *row.backends.values()] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _portable(layer: type[Layer]) -> bool:
    """Whether a layer has a definition that every backend can run."""
    return not issubclass(layer, Attach) and layer.forward not in (Layer.forward, Loss.forward, Metric.forward)
