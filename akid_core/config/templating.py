"""Templating: Jinja2 in a sandbox, with limits, and with the place of every character that comes out.

Jinja2's tree of a template is changed before it is compiled: what a template prints passes through a filter that notes
file and line in the text itself (`Text`), and each round of a loop is counted. So nothing that a template computes with
text, such as its length, sees the notes.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from json import dumps
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from akid_core.config.locations import joined, opened, seen_from
from akid_core.config.written import Piece, Text, pieces_of
from akid_core.errors import ConfigurationError, suggest

STEPS = 100_000
"""How many rounds of loops, calls and includes a template may take in all."""

SIZE = 1_000_000
"""How many characters a text may have, how many items a list, and how many bits a number."""

DEPTH = 50
"""How deep macros may call each other."""

GLOBALS = ("range", "dict", "namespace", "cycler", "joiner")
"""What of Jinja2's functions a template may call."""


class TemplateError(Exception):
    """What akid has to say against a template while it is rendered; its place is added outside."""


class Environment(ImmutableSandboxedEnvironment):
    """The sandbox of one rendering: it counts steps, limits sizes, and finds templates.

    `location`: that of the outermost template, an absolute path or `package:path`; `name`: what messages call it.
    """

    intercepted_binops = frozenset(("+", "*", "**"))

    def __init__(self, name: str, location: str) -> None:
        self._loader = jinja2.FunctionLoader(self._load)
        super().__init__(
            loader=self._loader,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self.name, self.location = name, location
        self.files: set[str] = set()
        self._steps = self._depth = 0
        self.globals = {name: self.globals[name] for name in GLOBALS} | {"range": _range, "fail": _fail}
        self.filters = {name: _keeping_places(function) for name, function in self.filters.items()}
        self.filters |= {"akid_text": _text, "akid_printed": _printed, "akid_joined": _joined, "akid_step": self._step}

    # --- what Jinja2 asks for ---

    def concat(self, parts: Iterable[str]) -> Text:
        """What a template, a macro or a `set` block gives."""
        kept, size = list[str](), 0
        for part in parts:
            kept.append(part)
            size += len(part)
            _check_size(size)
        return Text.join_all(kept)

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro or function for a template."""
        self._step()
        if isinstance(called, Macro):
            _check_arguments(called, kwargs)
        if self._depth == DEPTH:
            raise TemplateError(f"macros or recursive loops call each other more than {DEPTH} deep: is there an end?")
        self._depth += 1
        try:
            return _held(super().call(context, called, *args, **kwargs))
        finally:
            self._depth -= 1

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            _check_size(left.bit_length() * right)
        if operator == "*":
            _check_size(_weight(left, right) * _weight(right, left))
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _joined(context, (left, right))
        return _held(super().call_binop(context, operator, left, right))

    def join_path(self, template: str, parent: str) -> str:
        """Where a template lies that another one includes or imports."""
        self._step()
        return joined(template, parent)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        noted = _Noting(self, filename or "").visit(source)
        return super()._generate(noted, name, filename, defer_init)

    # --- for who renders ---

    def tree(self, location: str) -> nodes.Template:
        """A template as Jinja2 reads it. Raises its errors; `TemplateNotFound` where there is none."""
        source, shown, _ = self._loader.get_source(self, location)
        return self._parse(source, location, shown)

    def shown(self, location: str) -> str:
        """What messages call a template."""
        return seen_from(location, self.location, self.name)

    # --- inside ---

    def _load(self, location: str) -> tuple[str, str, None] | None:
        shown = self.shown(location)
        try:
            text = opened(location).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{shown} is not text in UTF-8: {error}.") from error
        except (OSError, ImportError) as error:
            if location == self.location:
                said = getattr(error, "strerror", None) or error
                raise ConfigurationError(f"{shown} cannot be read: {said}.") from error
            return None
        self.files.add(shown)
        return text, shown, None

    @jinja2.pass_context
    def _step(self, *_: Any) -> bool:
        self._steps += 1
        if self._steps > STEPS:
            raise TemplateError(f"loops and calls took more than {STEPS:,} steps: does this end?")
        return True


class _Noting(NodeTransformer):
    """Puts into the tree of a template what notes places and counts steps."""

    def __init__(self, environment: Environment, file: str) -> None:
        self._environment = environment
        self._file = file

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [self._noted(child) for child in node.nodes]
        return node

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        self.generic_visit(node)
        step = self._filter(nodes.Const(None), "akid_step", node.lineno)
        if node.test is None:
            node.body.insert(0, nodes.ExprStmt(step, lineno=node.lineno))
        else:
            node.test = nodes.And(step, node.test, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return self._filter(nodes.List(node.nodes, lineno=node.lineno), "akid_joined", node.lineno)

    def _noted(self, node: nodes.Expr) -> nodes.Filter:
        here = [nodes.Const(self._file), nodes.Const(node.lineno)]
        if isinstance(node, nodes.TemplateData):
            return self._filter(nodes.Const(node.data), "akid_text", node.lineno, here)
        return self._filter(node, "akid_printed", node.lineno, here)

    def _filter(self, node: nodes.Expr, name: str, line: int, arguments: Iterable[nodes.Expr] = ()) -> nodes.Filter:
        return nodes.Filter(node, name, list(arguments), [], None, None, lineno=line, environment=self._environment)


# --- the filters that are put in; with a context, so that none is computed when a template is compiled ---


@jinja2.pass_context
def _text(context: Context, text: str, file: str, line: int) -> Text:
    """Text as it lies in a template."""
    return Text(text, (Piece(len(text), file, line, runs=True),))


@jinja2.pass_context
def _printed(context: Context, value: Any, file: str, line: int) -> Text:
    """A value where it is printed."""
    text = value if isinstance(value, str) else as_yaml(value)
    return Text(text, pieces_of(text)).put(file, line)


@jinja2.pass_context
def _joined(context: Context, parts: Iterable[Any]) -> Text:
    text = Text.join_all(part if isinstance(part, str) else as_yaml(part) for part in parts)
    _check_size(len(text))
    return text


def _keeping_places(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja2 whose result is limited, and knows its places where it can."""

    @functools.wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        result = _held(function(*args, **kwargs))
        given = next((value for value in args if isinstance(value, Text)), None)
        plain = isinstance(result, str) and not isinstance(result, Text)
        return given.changed(result) if given is not None and plain else result

    return filtered


# --- values ---


_PLAIN = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
_NO_TEXT = re.compile("null|true|false", re.IGNORECASE)
"""What stands without quotes, but for what YAML takes for something else."""


def as_yaml(value: Any) -> str:
    """A value as YAML: `null`, `true`, `[1, "a"]`; whatever YAML does not know as Python shows it."""
    if isinstance(value, Undefined):
        return str(value)  # which says that it is undefined
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _NO_TEXT.fullmatch(value):
        return value
    if value is None or isinstance(value, bool | str):
        return dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{as_yaml(str(key))}: {as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    return str(value)


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > STEPS:
        raise TemplateError(f"range({', '.join(map(str, bounds))}) has more than {STEPS:,} numbers.")
    return numbers


def _fail(message: str) -> NoReturn:
    raise TemplateError(message)


def _held(value: Any) -> Any:
    """The value, unless it is too large."""
    if isinstance(value, str | list | tuple | dict):
        _check_size(len(value))
    return value


def _check_size(size: int) -> None:
    if size > SIZE:
        raise TemplateError(f"this grows beyond {SIZE:,} characters, items or bits: does a loop run away?")


def _weight(value: Any, other: Any) -> int:
    """What a factor brings to the size of a product with another one."""
    if isinstance(value, str | list | tuple):
        return len(value)
    if not isinstance(value, int):
        return 1
    return max(value, 0) if isinstance(other, str | list | tuple) else 1 + value.bit_length()


_JINJA = ("caller", "_loop_vars", "_block_vars")
"""What Jinja2 itself gives to calls."""


def _check_arguments(macro: Macro, named: Mapping[str, Any]) -> None:
    """Raise for an argument that a macro does not have, with the nearest."""
    if macro.catch_kwargs:
        return
    for name in named:
        if name not in (*macro.arguments, *_JINJA):
            raise TemplateError(
                f"the macro {macro.name} has no argument '{name}'.{suggest(name, macro.arguments)} It has "
                f"{', '.join(macro.arguments) or 'none'}."
            )
