"""The variables of a module of the user, under names that do not depend on what else the process has made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from akid_tf.runtime import tf


class Named(NamedTuple):
    """A variable of a module: `name` is the way to it, joined by dots."""

    name: str
    variable: tf.Variable
    trained: bool


def named_variables(module: Any) -> list[Named]:
    """Every variable once. A `tf.Module`'s are named by attributes (`encoder.weight`, `layers.0.bias`), a Keras
    layer's by Keras's paths without its global counting (`dense.kernel`, `dense_2.kernel`).
    """
    return list(_keras(module) if is_keras(module) else _tracked(module, (), set()))


def is_keras(module: Any) -> bool:
    """Whether this is a Keras layer, of whatever Keras is installed."""
    return callable(getattr(module, "add_weight", None)) and hasattr(module, "variables")


def _tracked(module: Any, way: tuple[str, ...], seen: set[int]) -> Iterator[Named]:
    for name, child in tf.train.TrackableView.children(module).items():
        if id(child) in seen:
            continue
        seen.add(id(child))
        here = (*way, name)
        if isinstance(child, tf.Variable):
            yield Named(".".join(here), child, child.trainable)
        elif is_keras(child):
            yield from (Named(".".join((*here, name)), *rest) for name, *rest in _keras(child))
        else:
            yield from _tracked(child, here, seen)


def _keras(layer: Any) -> Iterator[Named]:
    """Keras numbers layers through the whole process (`dense_7`): here they are numbered anew within each parent."""
    renamed: dict[tuple[str, ...], str] = {}
    counts: dict[tuple[str, ...], int] = {}
    for variable in layer.variables:
        parts = variable.path.split("/")
        parts = parts[1:] if parts[0] == layer.name else parts
        way: tuple[str, ...] = ()
        for end in range(1, len(parts) + 1):
            original = tuple(parts[:end])
            if original not in renamed:
                base = re.sub(r"_\d+$", "", parts[end - 1])
                counts[*way, base] = counts.get((*way, base), 0) + 1
                number = counts[*way, base]
                renamed[original] = base if number == 1 else f"{base}_{number}"
            way = (*way, renamed[original])
        yield Named(".".join(way), variable.value, variable.trainable)
