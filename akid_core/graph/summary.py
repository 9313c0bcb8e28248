"""Summary: a resolved Brain as a table in plain text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from typing import Any

from akid_core.config.components import changed
from akid_core.graph.attach import Attach
from akid_core.graph.resolved import Call, Graph

_HEAD = ("block", "layer", "takes", "gives", "parameters")


def summary(graph: Graph) -> str:
    """One line for each layer: path, layer with its settings, inputs, output specs, number of trained parameters.

    Shared parameters are counted once, at their owner; what an attached module holds is known when it is live. Losses
    and metrics stand below a line, totals at the end.
    """
    inputs = [(name, "", "", str(spec), "") for name, spec in graph.inputs.items()]
    layers = [_row(call) for call in graph.calls]
    measures = [(*_row(call)[:3], "", "") for call in graph.losses + graph.metrics]
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


def _row(call: Call) -> tuple[str, str, str, str, str]:
    own = sum(param.size for param in call.params if param.trained)
    count = "its own" if isinstance(call.layer, Attach) else f"{own:,}" if own else ""
    count = f"as {call.owner}" if call.owner != call.path else count
    gives = ", ".join(map(str, call.out_specs))
    return call.path, settings_text(call.layer), ", ".join(map(str, call.inputs)), gives, count


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
