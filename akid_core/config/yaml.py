"""YAML 1.2: read with positions, written so that it reads well.

Only what JSON has too: mappings with text as keys, lists, text, numbers, true, false and null, by the core schema of
the YAML 1.2.2 specification (10.3.2): `1e-3` is a number, `yes` and `2024-01-01` are text.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from akid_core.config.located import LocatedDict, LocatedList
from akid_core.config.written import Text
from akid_core.errors import ConfigurationError

_CORE_SCHEMA: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), lambda text: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: math.copysign(math.inf, -1 if text[0] == "-" else 1)),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda text: math.nan),
)
_STRING = "tag:yaml.org,2002:str"
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
"""Text that needs no quotes, unless it is one of `_NO_TEXT`."""
_NO_TEXT = re.compile("null|true|false", re.IGNORECASE)
_TAGS = ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value")


def load_yaml(source: str | os.PathLike[str]) -> LocatedDict:
    """The mapping in a file (a path, or text that ends in `.yaml` or `.yml`) or in a text.

    Raises `ConfigurationError` with file and line for what is not YAML, for a key that is given twice, and for
    anything but a mapping; `OSError` for a file that cannot be read.
    """
    is_file = not isinstance(source, str) or ("\n" not in source and source.endswith((".yaml", ".yml")))
    name = os.fspath(source) if is_file else "text"
    try:
        data = parse(Path(name).read_text(encoding="utf-8") if is_file else str(source), name)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not text in UTF-8: {error}.") from error
    if not isinstance(data, LocatedDict):
        raise ConfigurationError(f"{name}: expected a mapping (key: value), got {_shown(data)}.")
    return data


def parse(text: str, name: str = "text") -> Any:
    """The value that a text describes: located mappings and lists, or a scalar.

    `name` says where the text is from; a `Text` knows better.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        root = YAML(typ="safe", pure=True).compose(text)
        return None if root is None else _Builder(text, name).value(root)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(text, name, mark, f", column {mark.column + 1}") if mark else name
        problem = ", ".join(filter(None, (error.context, error.problem)))
        raise ConfigurationError(f"{place}: this is not YAML: {problem}.") from error
    except YAMLError as error:
        raise ConfigurationError(f"{name}: this is not YAML: {error}.") from error
    except RecursionError as error:
        raise ConfigurationError(f"{name}: this is nested too deeply.") from error


def dump_yaml(data: Any) -> str:
    """YAML that `load_yaml` reads back as equal data; a collection of scalars stands on one line.

    Raises `ConfigurationError` for data that are nested some hundred levels deep.
    """
    from ruamel.yaml import YAML

    writer = YAML(typ="rt", pure=True)
    writer.default_flow_style = None
    writer.width = 120
    writer.allow_unicode = True
    stream = io.StringIO()
    try:
        writer.dump(_plain(data), stream)
    except RecursionError as error:
        raise ConfigurationError("This is nested too deeply to be written in YAML.") from error
    return stream.getvalue()


def flow_yaml(value: Any) -> str:
    """A value on one line: `null`, `[1, a]`, `{name: "x y"}`; what YAML does not know as Python shows it."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _NO_TEXT.fullmatch(value):
        return value
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow_yaml(str(key))}: {flow_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow_yaml, value)) + "]"
    return str(value)


class _Builder:
    """Builds values from the nodes of the YAML library's parser, which know their positions."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._built: dict[int, Any] = {}

    def value(self, node: Any) -> Any:
        if node.tag.rpartition(":")[2] not in _TAGS:
            raise ConfigurationError(f"{self._place(node)}: the tag {node.tag} has no meaning here: leave it out.")
        if isinstance(node.value, str):
            return _scalar(node)
        if id(node) not in self._built:  # an alias stands for the very node of its anchor
            self._built[id(node)] = None
            self._built[id(node)] = self._mapping(node) if node.tag.endswith("map") else self._list(node)
        if self._built[id(node)] is None:
            raise ConfigurationError(f"{self._place(node)}: this contains itself.")
        return self._built[id(node)]

    def _list(self, node: Any) -> LocatedList:
        return LocatedList([self.value(item) for item in node.value], [self._place(item) for item in node.value])

    def _mapping(self, node: Any) -> LocatedDict:
        items, places = dict[str, Any](), dict[str, str]()
        for key_node, value_node in node.value:
            key = self.value(key_node)
            if not isinstance(key, str):
                raise ConfigurationError(
                    f"{self._place(key_node)}: a key must be text, got {_shown(key)}: write it in quotes."
                )
            if key in items:
                raise ConfigurationError(
                    f"{self._place(key_node)}: the key '{key}' stands here for the second time; the first is in "
                    f"{places[key].rpartition(', ')[2]}. Remove one of them."
                )
            items[key], places[key] = self.value(value_node), self._place(key_node)
        return LocatedDict(items, places, self._name)

    def _place(self, node: Any) -> str:
        return _place(self._text, self._name, node.start_mark)


def _place(text: str, name: str, mark: Any, column: str = "") -> str:
    """Where a mark of the YAML library stands; the columns of a template are not those of what it gives."""
    return text.place(mark.index) if isinstance(text, Text) else f"{name}, line {mark.line + 1}{column}"


def _scalar(node: Any) -> Any:
    plain = node.style is None or node.style == ""
    if plain and node.tag != _STRING:
        for pattern, read in _CORE_SCHEMA:
            if pattern.fullmatch(node.value):
                return read(node.value)
    return node.value


def _plain(data: Any) -> Any:
    """Fresh dictionaries and lists, so that nothing is written as an alias of something else."""
    from ruamel.yaml.scalarstring import SingleQuotedScalarString

    if isinstance(data, Mapping):
        return {_plain(key): _plain(value) for key, value in data.items()}
    if isinstance(data, str) and data.startswith(("?", ":")):  # the library forgets to quote these
        return SingleQuotedScalarString(data)
    return [_plain(item) for item in data] if isinstance(data, list | tuple) else data


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)
