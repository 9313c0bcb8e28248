"""Templating: Jinja2 in a sandbox, with limits, and with the place of every character that comes out.

Jinja2's tree of a template is changed before it is compiled: what a template prints passes through a filter that notes
file and line in the text itself (`Text`), and each round of a loop is counted. So nothing that a template computes with
text, such as its length, sees the notes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from akid_core.config import bounds
from akid_core.config.locations import joined, opened, seen_from
from akid_core.config.written import Piece, Text, pieces_of
from akid_core.config.yaml import flow_yaml
from akid_core.errors import ConfigurationError, suggest

GLOBALS = ("range", "dict", "namespace", "cycler", "joiner")
"""What of Jinja2's functions a template may call."""


class _Missing(jinja2.StrictUndefined):
    """What is not there, an error once it is used; of a mapping or list, one that says what is."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: Any = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        if isinstance(obj, Mapping):
            keys = [str(key) for key in obj]
            hint = f"the mapping has no key '{name}'.{suggest(str(name), keys)} It has {', '.join(keys) or 'none'}."
        elif isinstance(obj, list):
            hint = f"the list has no '{name}'; it has {len(obj)} items, counted from 0."
        super().__init__(hint, obj, name, exc)


class Environment(ImmutableSandboxedEnvironment):
    """The sandbox of one rendering: it counts steps, limits sizes, and finds templates.

    `location`: that of the outermost template, an absolute path or `package:path`; `name`: what messages call it.
    """

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, name: str, location: str) -> None:
        self._loader = jinja2.FunctionLoader(self._load)
        super().__init__(
            loader=self._loader,
            undefined=_Missing,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self.name, self.location = name, location
        self.files: set[str] = set()
        self._steps = self._depth = 0
        self.globals = {name: self.globals[name] for name in GLOBALS} | {
            "range": bounds.bounded_range,
            "fail": bounds.fail,
        }
        self.filters = {name: _keeping_places(function) for name, function in self.filters.items()}
        self.filters |= {"akid_text": _text, "akid_printed": _printed, "akid_joined": _joined, "akid_step": self._step}

    # --- what Jinja2 asks for ---

    def concat(self, parts: Iterable[str]) -> Text:
        """What a template, a macro or a `set` block gives."""
        kept, size = list[str](), 0
        for part in parts:
            kept.append(part)
            size += len(part)
            bounds.check_size(size)
        return Text.join_all(kept)

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro or function for a template."""
        self._step()
        if isinstance(called, Macro):
            bounds.check_arguments(called.name, called.arguments, kwargs, catch_all=called.catch_kwargs)
        if self._depth == bounds.DEPTH:
            raise bounds.TemplateError(
                f"macros or recursive loops call each other more than {bounds.DEPTH} deep: is there an end?"
            )
        method = getattr(called, "__wrapped__", called)
        bounds.check_widths(
            getattr(method, "__name__", ""), getattr(method, "__self__", None), (*args, *kwargs.values())
        )
        self._depth += 1
        try:
            return bounds.held(super().call(context, called, *args, **kwargs))
        finally:
            self._depth -= 1

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        bounds.check_operands(operator, left, right)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _joined(context, (left, right))
        return bounds.held(super().call_binop(context, operator, left, right))

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
        if self._steps > bounds.STEPS:
            raise bounds.TemplateError(f"loops and calls took more than {bounds.STEPS:,} steps: does this end?")
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
    text = value if isinstance(value, str) else flow_yaml(value)
    return Text(text, pieces_of(text)).put(file, line)


@jinja2.pass_context
def _joined(context: Context, parts: Iterable[Any]) -> Text:
    text = Text.join_all(part if isinstance(part, str) else flow_yaml(part) for part in parts)
    bounds.check_size(len(text))
    return text


def _keeping_places(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja2 whose result is limited, and knows its places where it can."""

    @functools.wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        name, text = function.__name__.removeprefix("do_"), next(iter(args), None)
        bounds.check_widths(name, text, (*args[1:], *kwargs.values()))
        result = bounds.held(function(*args, **kwargs))
        given = next((value for value in args if isinstance(value, Text)), None)
        plain = isinstance(result, str) and not isinstance(result, Text)
        return given.changed(result) if given is not None and plain else result

    return filtered
