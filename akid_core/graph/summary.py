"""Summary: a resolved Brain as a table in plain text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

from akid_core.config.components import changed
from akid_core.graph.attach import Attach
from akid_core.graph.lookup import listed
from akid_core.graph.resolved import STOP, Call, Graph, Value, whole
from akid_core.layers.stack import Unstack
from akid_core.layers.unrolled import INTERNAL

_MANY = 4
"""More outputs than these, if they are alike, are counted."""

_HEAD = ("block", "layer", "takes", "gives", "parameters")


def summary(graph: Graph) -> str:
    """One line for each layer: path, layer with its settings, inputs, output specs, number of trained parameters.

    Shared parameters are counted once, at their owner; what an attached module holds is known when it is live. Losses
    and metrics stand below a line, totals at the end.
    """
    inputs = [(name, "", "", str(spec), "") for name, spec in graph.inputs.items()]
    layers = [_row(graph, calls) for calls in _blocks(graph)]
    measures = [(*_row(graph, [call])[:3], "", "") for call in graph.losses + graph.metrics]
    rows = [_HEAD, *inputs, *layers, *measures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    sections = [[_HEAD], inputs + layers, measures]
    body = f"\n{rule}\n".join("\n".join(_line(row, widths) for row in section) for section in sections if section)
    return f"{body}\n{rule}\n{_totals(graph)}"


def settings_text(component: Any, without: Collection[str] = ("name",)) -> str:
    """A component as it would be written in Python, with the settings that differ from their defaults."""
    settings = {name: value for name, value in changed(component).items() if name not in without}
    return f"{type(component).__name__}({', '.join(f'{name}={_text(value)}' for name, value in settings.items())})"


def _text(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        return settings_text(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_text(item)}' for key, item in value.items())}}}"
    return repr(value)


def _blocks(graph: Graph) -> list[list[Call]]:
    """The calls of each block: one, or inside an Unroll one for each step; without what stands between blocks."""
    found: dict[str, list[Call]] = {}
    for call in graph.calls:
        if not isinstance(call.layer, INTERNAL) or any(param.trained for param in call.params):
            found.setdefault(whole(call.path), []).append(call)
    return list(found.values())


def _row(graph: Graph, calls: Sequence[Call]) -> tuple[str, str, str, str, str]:
    """The row of a block, as it stands at the last of its steps."""
    call, path = calls[-1], whole(calls[-1].path)
    own = sum(param.size for param in call.params if param.trained)
    count = "its own" if isinstance(call.layer, Attach) else f"{own:,}" if own else ""
    count = f"as {call.owner}" if call.owner != path else count
    takes = listed(dict.fromkeys(_taken(graph, value, call) for value in call.inputs)) if call.inputs else ""
    specs = list(map(str, call.out_specs))
    gives = f"{len(specs)} x {specs[0]}" if len(specs) > _MANY and len(set(specs)) == 1 else ", ".join(specs)
    called = path if path == call.path else f"{path} ({len(calls)} steps)"
    return called, settings_text(call.layer), takes, gives, count


def _taken(graph: Graph, value: Value, call: Call) -> str:
    """A value as its block is written, a step before as `@-1`."""
    text = str(value).removesuffix(STOP)
    here, there = (list(map(int, re.findall(r"@(\d+)", each))) for each in (call.path, text))
    if value.output and here and isinstance(graph.by_path[value.source].layer, Unstack) and value.output == here[-1]:
        return whole(value.source)
    back = here[-1] - there[-1] if here and len(here) == len(there) else 0
    return whole(text) + (f"@-{back}" if back else "")


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    *texts, number = row
    cells = [text.ljust(width) for text, width in zip(texts, widths, strict=False)]
    return "  ".join([*cells, number.rjust(widths[-1])]).rstrip()


def _totals(graph: Graph) -> str:
    trained = sum(param.size for param in graph.params.values() if param.trained)
    state = sum(param.size for param in graph.params.values() if not param.trained)
    gives = ", ".join(f"{name} = {graph.spec(value)}" for name, value in graph.outputs.items())
    types = dict.fromkeys((graph.precision.params, graph.precision.compute, graph.precision.reductions))
    holds = any(isinstance(call.layer, Attach) for call in graph.calls)
    attached = "beside those of attached modules, " if holds else ""
    return f"gives {gives}; {attached}{trained:,} trained parameters, {state:,} of state; {'/'.join(types)}"
