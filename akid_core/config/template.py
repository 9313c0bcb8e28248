"""Templates: descriptions that are written by loops, conditions and macros (Jinja2).

What renders them is imported when one is used. A template states its variables by using
them, and their defaults by `{% set depth = depth | default(20) %}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from akid_core.config.locations import located
from akid_core.config.written import Text
from akid_core.config.yaml import parse
from akid_core.errors import UsageError

PLAIN = (".yaml", ".yml")
TEMPLATES = tuple(f"{suffix}.j2" for suffix in PLAIN)


def is_file(name: str) -> bool:
    """Whether the name of a description means a file; else it is that of a recipe."""
    return "/" in name or name.endswith((*PLAIN, ".j2"))


def is_template(name: str) -> bool:
    """Whether a file is a template, by its suffix."""
    return name.endswith(TEMPLATES)


def read_variables(texts: Iterable[str]) -> dict[str, Any]:
    """Variables from texts such as `depth=56`, the values in YAML. Raises `UsageError` for what is no such text."""
    variables = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip().isidentifier():
            raise UsageError(f"--var {text}: write name=value, for example depth=56.")
        variables[name.strip()] = parse(value, f"--var {text}")
    return variables


@dataclass(frozen=True)
class Template:
    """A template by where it lies: the path of a file, or `package:path` in an installed package.

    `name` is what messages call it.
    """

    name: str
    location: str

    @classmethod
    def file(cls, path: str) -> Template:
        return cls(path, located(path))

    @classmethod
    def packaged(cls, target: str) -> Template:
        """One that a package brings: `akid_datasets:recipes/resnet.yaml.j2`."""
        return cls(target, target)

    def render(self, variables: Mapping[str, Any]) -> Text:
        """The text that comes out. Raises `ConfigurationError` with the template's file and line for what is wrong."""
        from akid_core.config.rendering import Rendering

        return Rendering(self.name, self.location).text(variables)

    def variables(self) -> dict[str, str | None]:
        """The variables that can be given, by name in order, and their defaults in YAML; None where there is none."""
        from akid_core.config.rendering import Rendering

        return Rendering(self.name, self.location).variables()
