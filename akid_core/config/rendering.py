"""Rendering: a template with its variables becomes text; what goes wrong is said with the template's file and line."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jinja2
from jinja2 import meta, nodes

from akid_core.config.locations import SHIPPED, beside, joined
from akid_core.config.templating import Environment
from akid_core.config.written import Piece, Text
from akid_core.config.yaml import flow_yaml
from akid_core.errors import AkidError, ConfigurationError, UsageError, suggest


@dataclass
class Names:
    """The names of a template and of those that see its variables.

    `given`: what is used before it is set, in order, with the defaults in YAML. `stored`: what is set. `files`: the
    templates, as messages call them. `complete`: false where one is included whose name is computed.
    """

    given: dict[str, str | None] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    complete: bool = True


class Rendering:
    """One template, about to be rendered; `name` is what messages call it."""

    def __init__(self, name: str, location: str) -> None:
        self._environment = Environment(name, location)

    def text(self, variables: Mapping[str, Any]) -> Text:
        """The text that comes out; errors as of `Template.render`."""
        with self._explained(variables):
            self._check(variables)
            template = self._environment.get_template(self._environment.location)
            return self._environment.concat(template.generate(dict(variables)))

    def variables(self) -> dict[str, str | None]:
        """The variables that can be given, with their defaults in YAML; None where there is none."""
        with self._explained({}):
            return self._names.given

    # --- names ---

    @cached_property
    def _names(self) -> Names:
        names = Names()
        self._collect(self._environment.location, names)
        return names

    def _collect(self, location: str, names: Names) -> None:
        """Add the names of a template, and of those that it includes or extends, which see its variables."""
        shown = self._environment.shown(location)
        if shown in names.files:
            return
        names.files.add(shown)
        tree = self._environment.tree(location)
        free = meta.find_undeclared_variables(tree) - names.stored
        found = dict.fromkeys(name.name for name in tree.find_all(nodes.Name) if name.name in free)
        defaults = dict(_defaults(tree))
        names.given |= {name: defaults.get(name) for name in found if name not in names.given}
        names.stored |= {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
        for other in _seeing(tree):
            if other is None:
                names.complete = False
            else:
                try:
                    self._collect(joined(other, location), names)
                except (jinja2.TemplateError, AkidError):  # which is said when it is included
                    names.complete = False

    def _check(self, variables: Mapping[str, Any]) -> None:
        """Raise for a variable that the template does not use."""
        known = self._names.given if variables else {}
        for name in variables:
            if name not in known and self._names.complete:
                raise UsageError(
                    f"{self._environment.name} has no variable '{name}'.{suggest(name, known)} It has "
                    f"{', '.join(known) or 'none'}."
                )

    # --- errors ---

    @contextmanager
    def _explained(self, variables: Mapping[str, Any]) -> Iterator[None]:
        """Inside, what Jinja2 and Python raise becomes a `ConfigurationError` with its place."""
        try:
            yield
        except AkidError:
            raise
        except Exception as error:
            raise ConfigurationError(f"{self._place(error)}: {self._explain(error, variables)}") from error

    def _place(self, error: BaseException) -> str:
        """Where a template went wrong: the innermost place, and the outermost that led there."""
        if isinstance(error, jinja2.TemplateSyntaxError):
            return f"{error.filename or self._environment.name}, line {error.lineno}"
        files = self._environment.files
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
        if not frames:
            return self._environment.name
        first, last = frames[0], frames[-1]
        return str(Piece(0, last.filename, last.lineno or 0, caller=(first.filename, first.lineno or 0)))

    def _explain(self, error: BaseException, variables: Mapping[str, Any]) -> str:
        said = str(error) or type(error).__name__
        if isinstance(error, RecursionError):
            return "templates include each other, or expressions are nested, without an end."
        if isinstance(error, SyntaxError):  # of the Python that Jinja2 makes, which nests up to 20 blocks
            return f"{error.msg}: nest fewer loops."
        if isinstance(error, jinja2.TemplateNotFound):
            return self._missing(str(error.name))
        if missing := re.fullmatch(r"'(\w+)' is undefined", said):
            return self._undefined(missing[1], variables, self._place(error))
        if missing := re.match(r"the template '(.+)' \(imported .+\) does not export the requested name '(\w+)'", said):
            return self._no_macro(missing[1], missing[2])
        if missing := re.search(r"TemplateModule object' has no attribute '(\w+)'", said):
            return f"the imported template has no macro '{missing[1]}'."
        if missing := re.match(r"No (filter|test) named '(\w+)'", said):
            known = self._environment.filters if missing[1] == "filter" else self._environment.tests
            return f"there is no {missing[1]} '{missing[2]}'.{suggest(missing[2], known)}"
        return said if said.endswith((".", "?", "!")) else f"{said}."

    def _undefined(self, name: str, variables: Mapping[str, Any], place: str) -> str:
        names, inside = self._names, place.partition(", line ")[0] in self._names.files
        given_to_it = name in names.given and name not in names.stored
        if names.complete and not (inside or given_to_it):
            return f"'{name}' is undefined. A macro of another file sees its arguments alone."
        known = {*variables, *names.given, *names.stored, *self._environment.globals} - {name}
        return (
            f"'{name}' is undefined.{suggest(name, known)} Give it with --var {name}=…, or give it a default here: "
            f"{{% set {name} = {name} | default(…) %}}."
        )

    def _no_macro(self, location: str, name: str) -> str:
        macros = [macro.name for macro in self._environment.tree(location).find_all(nodes.Macro)]
        known = [macro for macro in macros if not macro.startswith("_")]
        return (
            f"{self._environment.shown(location)} has no macro '{name}'.{suggest(name, known)} It has "
            f"{', '.join(known) or 'none'}."
        )

    def _missing(self, location: str) -> str:
        shown = self._environment.shown(location)
        near = suggest(re.split("[/:]", shown)[-1], beside(location))
        return (
            f"there is no template {shown}.{near} A name is that of a file, seen from the one that names it; akid's "
            f"own begin with {SHIPPED}, and those of a package are package:path."
        )


def _defaults(tree: nodes.Template) -> Iterator[tuple[str, str]]:
    """Variables to which a template gives a default, the first of each last, as YAML."""
    for node in reversed(list(tree.find_all(nodes.Filter))):
        if node.name in ("default", "d") and isinstance(node.node, nodes.Name) and node.args:
            try:
                yield node.node.name, flow_yaml(node.args[0].as_const())
            except nodes.Impossible:
                yield node.node.name, "…"


def _seeing(tree: nodes.Template) -> Iterator[str | None]:
    """The templates that see the variables of this one, by the names in it; None for one whose name is computed."""
    for node in tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)):
        if not getattr(node, "with_context", True):
            continue
        try:
            named = node.template.as_const()  # type: ignore[attr-defined]  # which all four have
        except nodes.Impossible:
            named = None
        yield from named if isinstance(named, list | tuple) else (named,)
