"""Patterns: many names in one."""

from __future__ import annotations

import re

from akid_core.errors import ConfigurationError

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST = 10_000_000


def expand_braces(pattern: str) -> list[str]:
    """The names that a pattern stands for, as in a shell: `{000..119}` counts, `{a,b}` lists; several are combined.

    Numbers have as many digits as the first has. Raises `ConfigurationError` for braces with anything else in them.
    """
    found = _BRACES.search(pattern)
    if found is None:
        if "{" in pattern or "}" in pattern:
            raise ConfigurationError(f"The pattern '{pattern}' has a brace without its partner.")
        return [pattern]
    before, after = pattern[: found.start()], expand_braces(pattern[found.end() :])
    return [f"{before}{choice}{rest}" for choice in _choices(found[1], pattern) for rest in after]


def _choices(inside: str, pattern: str) -> list[str]:
    if match := _RANGE.fullmatch(inside):
        first, last = int(match[1]), int(match[2])
        if not first <= last < first + _MOST:
            raise ConfigurationError(f"The pattern '{pattern}' counts from {first} to {last}; count upwards.")
        return [f"{number:0{len(match[1])}}" for number in range(first, last + 1)]
    if "," not in inside:
        raise ConfigurationError(
            f"The pattern '{pattern}' has '{{{inside}}}'; braces hold a range, such as {{000..119}}, or names with "
            "commas between them."
        )
    return inside.split(",")
