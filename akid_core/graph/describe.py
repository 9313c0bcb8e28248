"""A Brain as plain data, the `brain:` of YAML, and back.

A block is its component, with three keys of its place besides: `name`, `inputs` (what it takes, in text
`path[:output][@-delay]`) and `share`. A System inside is `system: {blocks: [...]}`, likewise `brain`, `unroll` and
`repeat`; since `inputs` says there what it takes, the names of its own inputs are under `takes`. A ready network is
`name` or `{name: {setting: value}}`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any, get_type_hints

from akid_core.config.components import (
    build,
    changed,
    check_keys,
    decode_settings,
    decode_value,
    encode,
    encode_settings,
    find,
    split,
    without,
)
from akid_core.config.located import Where
from akid_core.config.overrides import SYSTEMS
from akid_core.config.values import shown, write
from akid_core.errors import ConfigurationError, GraphError, UnknownNameError
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.graph.node import Edge, Node
from akid_core.graph.repeat import Repeat
from akid_core.graph.system import System
from akid_core.graph.unroll import Unroll
from akid_core.plugins import Registry
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec

_PLACE = ("name", "inputs", "share")
_WRITTEN = ("name", "nodes", "inputs", "outputs", "losses", "metrics", "precision")
"""The fields of Systems that have a form of their own."""

_SYSTEMS: dict[str, type[System]] = dict(zip(SYSTEMS, (System, Brain, Unroll, Repeat), strict=True))


def to_config(system: System, registry: Registry, where: Where, takes: str = "inputs") -> dict[str, Any]:
    """The settings of a System or Brain; `takes` is the key for the names of its inputs."""
    data: dict[str, Any] = {}
    if system.input_names != System().input_names or system.input_specs:
        specs = {name: encode_settings(spec) for name, spec in system.input_specs.items()}
        data[takes] = specs or _short(list(system.input_names))
    if system.outputs:
        data["outputs"] = _short(list(system.outputs))
    lists = {"blocks": system.nodes}
    if isinstance(system, Brain):
        lists |= {"losses": system.losses, "metrics": system.metrics}
    for key, nodes in lists.items():
        if nodes or key == "blocks":
            here = where.at({}, key)
            data[key] = [_node(node, registry, here.at([], index)) for index, node in enumerate(nodes)]
    plain = {name: value for name, value in changed(system).items() if name in _settings(type(system))}
    data |= {name: write(value, where.at({}, name), _unwritable) for name, value in plain.items()}
    if isinstance(system, Brain) and system.precision != Precision():
        uniform = system.precision == Precision.of(system.precision.compute)
        data["precision"] = system.precision.compute if uniform else encode_settings(system.precision)
    return data


def from_config(data: Any, registry: Registry, where: Where) -> Brain:
    """The Brain that `data` describes. Raises `ConfigurationError` that says where and what is valid."""
    if isinstance(data, Brain):
        return data
    keys = ("name", "inputs", *_keys(Brain))
    brain: Brain
    if isinstance(data, str) or _is_ready(data, keys):
        name, settings, inside = split("brain", data, where)
        brain = build(find("brain", name, registry, where), settings, registry, inside)
        return brain
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"{where}: expected a Brain, as {', '.join(keys)}, got {shown(data)}.")
    check_keys(data, keys, where)
    brain = _system(Brain, data, registry, where, "inputs")
    return brain


def _is_ready(data: Any, keys: Collection[str]) -> bool:
    """Whether a mapping is the name of a ready network with its settings."""
    if not isinstance(data, Mapping) or len(data) != 1:
        return False
    [(name, settings)] = data.items()
    return name not in keys and isinstance(settings, Mapping | None)


def _keys(cls: type[System]) -> tuple[str, ...]:
    own = ("losses", "metrics", "precision") if issubclass(cls, Brain) else ()
    return ("outputs", "blocks", *own, *_settings(cls))


def _settings(cls: type[System]) -> tuple[str, ...]:
    """The settings of a System that are plain values, such as the `bptt` of an Unroll."""
    return tuple(field.name for field in fields(cls) if field.name not in _WRITTEN)


def _unwritable(value: Any, where: Where) -> Any:
    raise ConfigurationError(f"{where}: a {type(value).__name__} cannot be written in YAML.")


def _short(items: list[str]) -> str | list[str]:
    """A single name stands without brackets."""
    return items[0] if len(items) == 1 else items


def _node(node: Node, registry: Registry, where: Where) -> str | dict[str, Any]:
    edges = [str(edge) if edge == Edge.parse(str(edge)) else encode_settings(edge) for edge in node.inputs]
    place = {"inputs": edges[0] if len(edges) == 1 else edges} if edges else {}
    place |= {"share": node.share} if node.share else {}
    if isinstance(node.block, System):
        name = next((name for name, cls in _SYSTEMS.items() if type(node.block) is cls), None)
        if name is None:
            raise ConfigurationError(f"{where}: a {type(node.block).__name__} cannot be written in YAML; use System.")
        named = {"name": node.name} if node.name else {}
        return {name: named | place | to_config(node.block, registry, where.at({}, name), "takes")}
    if isinstance(node.block, Attach) and node.block.live_only:
        raise ConfigurationError(
            f"{where}.attach.target: a {type(node.block.target).__name__} object cannot be written to a file, so this "
            "Brain lives in this process alone. Attach it by import path: target='package.module:Class', "
            "arguments={...}."
        )
    name, settings, inside = split("layer", encode(node.block, registry, where), where)
    if clash := [key for key in ("inputs", "share") if key in settings]:
        raise ConfigurationError(f"{inside}: YAML keeps '{clash[0]}' for the wiring of a block; rename this field.")
    return {name: {**settings, **place}} if settings or place else name


def _system(cls: type[System], data: Mapping[str, Any], registry: Registry, where: Where, takes: str) -> Any:
    """The System of checked keys; `takes` is the key for the names of its inputs."""
    if "blocks" not in data:
        raise ConfigurationError(f"{where}: needs 'blocks', a list.")
    settings: dict[str, Any] = {}
    hints = get_type_hints(cls)
    plain = [(key, key, hints[key]) for key in _settings(cls)]
    for key, name, hint in (
        *plain,
        ("name", "name", str | None),
        (takes, "inputs", str | tuple[str, ...] | dict[str, TensorSpec]),
        ("outputs", "outputs", str | tuple[str, ...]),
        ("precision", "precision", str | Precision),
    ):
        if key in data:
            settings[name] = decode_value(hint, data[key], registry, where.at(data, key))
    if isinstance(settings.get("precision"), str):
        settings["precision"] = Precision.of(settings["precision"])
    for key, name in (("blocks", "nodes"), ("losses", "losses"), ("metrics", "metrics")):
        if key in data:
            settings[name] = _nodes(data[key], registry, where.at(data, key))
    try:
        return cls(**settings)
    except (GraphError, UnknownNameError) as error:
        raise type(error)(f"{where}: {error}") from error
    except ValueError as error:
        raise ConfigurationError(f"{where}: {str(error).rstrip('.')}.") from error


def _nodes(data: Any, registry: Registry, where: Where) -> tuple[Node, ...]:
    if not isinstance(data, list | tuple):
        raise ConfigurationError(f"{where}: expected a list of blocks, got {shown(data)}.")
    return tuple(_read_node(item, registry, where.at(data, index)) for index, item in enumerate(data))


def _read_node(data: Any, registry: Registry, where: Where) -> Node:
    name, settings, inside = split("layer", data, where)
    if cls := _SYSTEMS.get(name):
        check_keys(settings, (*_PLACE, "takes", *_keys(cls)), inside)
        block = _system(cls, without(settings, ("inputs", "share")), registry, inside, "takes")
    elif registry.has("brain", name) and not registry.has("layer", name):
        block = build(find("brain", name, registry, where), settings, registry, inside, also=_PLACE)
        block = replace(block, name=settings.get("name", block.name))
    else:
        block = build(find("layer", name, registry, where), settings, registry, inside, also=("inputs", "share"))
    edges = _edges(settings["inputs"], registry, inside.at(settings, "inputs")) if "inputs" in settings else ()
    share = decode_value(str | None, settings.get("share"), registry, inside.at(settings, "share"))
    return Node(block.name, block, edges, share)


def _edges(data: Any, registry: Registry, where: Where) -> tuple[Edge, ...]:
    if isinstance(data, str | Mapping):
        return (_edge(data, registry, where),)
    if not isinstance(data, list | tuple):
        raise ConfigurationError(f"{where}: expected names of blocks, got {shown(data)}.")
    return tuple(_edge(item, registry, where.at(data, index)) for index, item in enumerate(data))


def _edge(data: Any, registry: Registry, where: Where) -> Edge:
    if isinstance(data, Mapping):
        edge: Edge = decode_settings(Edge, data, registry, where)
        return edge
    if not isinstance(data, str):
        raise ConfigurationError(f"{where}: expected the name of a block, got {shown(data)}.")
    try:
        return Edge.parse(data)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}.") from error
