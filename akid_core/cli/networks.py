"""The ready networks of the installed plugins: what each takes, how large it is, and where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from akid_core.backends.missing import portable
from akid_core.graph import Brain
from akid_core.plugin_api import BrainInfo
from akid_core.plugins import Provided, Registry
from akid_core.specs import Layer, TensorSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A ready network as its default settings make it.

    `parameters`: the number of trained ones. `problem`: why nothing is known of inputs, parameters and backends.
    """

    info: BrainInfo
    provider: str
    inputs: Mapping[str, TensorSpec] = field(default_factory=dict)
    parameters: int | None = None
    backends: tuple[str, ...] = ()
    problem: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """What is printed for people."""
        return {
            "network": self.info.name,
            "parameters": "?" if self.parameters is None else f"{self.parameters:,}",
            "takes": self.problem or ", ".join(f"{name} {spec}" for name, spec in self.inputs.items()),
            "summary": self.info.summary,
            "from": self.provider,
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.info.name,
            "category": self.info.category,
            "summary": self.info.summary,
            "from": self.provider,
            "inputs": {name: {"shape": spec.shape, "dtype": spec.dtype} for name, spec in self.inputs.items()},
            "parameters": self.parameters,
            "backends": self.backends,
            "source": self.info.source,
            "module": self.info.target,
            **({"problem": self.problem} if self.problem else {}),
        }


def networks(registry: Registry) -> list[Network]:
    """Every ready network, made with its default settings and resolved; no tensor is, and no framework is imported."""
    return [_network(registry, item, item.info) for item in registry.infos("brain") if isinstance(item.info, BrainInfo)]


def _network(registry: Registry, item: Provided, info: BrainInfo) -> Network:
    try:
        brain: Brain = registry.target(item)()
        graph = brain.resolve(losses=False)
    except Exception as error:  # a stranger's function may fail in any way, and the others are listed all the same
        return Network(info=info, provider=str(item.provider), problem=f"{type(error).__name__}: {error}")
    return Network(
        info=info,
        provider=str(item.provider),
        inputs=graph.inputs,
        parameters=sum(graph.params[path].size for path in graph.trained),
        backends=tuple(name for name in registry.names("backend") if _runs(registry, brain, name)),
    )


def _runs(registry: Registry, brain: Brain, backend: str) -> bool:
    """Whether a backend has a way to run every layer, loss and metric of a network."""
    blocks = [*brain.blocks.values(), *(node.block for node in brain.losses + brain.metrics)]
    layers = {type(block) for block in blocks if isinstance(block, Layer)}
    return all(portable(layer) or registry.has("layer_builder", layer.component(), backend) for layer in layers)
