"""Bounds: what keeps a template from running away, and the error of one that does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, NoReturn

from akid_core.errors import suggest

STEPS = 100_000
"""How many rounds of loops, calls and includes a template may take in all."""

SIZE = 1_000_000
"""How many characters a text may have, how many items a list, and how many bits a number."""

DEPTH = 50
"""How deep macros may call each other."""

_WIDE = {"format": False, "format_map": False} | dict.fromkeys(("center", "ljust", "rjust", "zfill", "indent"), True)
"""What makes wide texts, and whether its arguments are widths; those of a format stand in it."""

_PLACES, _NUMBERS = re.compile(r"\{[^}]*\}|%[^a-zA-Z%]*"), re.compile(r"\d+")

_JINJA = ("caller", "_loop_vars", "_block_vars")
"""What Jinja2 itself gives to calls."""


class TemplateError(Exception):
    """What akid has to say against a template while it is rendered; its place is added outside."""


def fail(message: str) -> NoReturn:
    """What a template calls to end with an error of its own."""
    raise TemplateError(message)


def bounded_range(*bounds: int) -> range:
    """Python's `range`, up to as many numbers as a template may take steps."""
    for bound in bounds:
        if not isinstance(bound, int):
            said = str(bound)  # which, of an undefined variable, raises what names it
            raise TemplateError(f"range takes whole numbers, got {said!r}.")
    numbers = range(*bounds)
    if len(numbers) > STEPS:
        raise TemplateError(f"range({', '.join(map(str, bounds))}) has more than {STEPS:,} numbers.")
    return numbers


def held(value: Any) -> Any:
    """The value, unless it is too large."""
    if isinstance(value, str | list | tuple | dict):
        check_size(len(value))
    return value


def check_size(size: int) -> None:
    """Raise for a number of characters, items or bits that is too large."""
    if size > SIZE:
        raise TemplateError(f"this grows beyond {SIZE:,} characters, items or bits: does a loop run away?")


def check_operands(operator: str, left: Any, right: Any) -> None:
    """Raise for a product or power, or a text of format, that is too large; it is not computed."""
    if operator == "*":
        check_size(_weight(left, right) * _weight(right, left))
    if operator == "**" and isinstance(left, int) and isinstance(right, int):
        check_size(left.bit_length() * right)
    if operator == "%" and isinstance(left, str):
        check_widths("format", left, right if isinstance(right, tuple) else (right,))


def check_widths(name: str, text: Any, arguments: Iterable[Any]) -> None:
    """Raise for a width that is too large, before a text is made that wide.

    `name`: the method or filter that makes it of `text`; `arguments`: the others that it is given.
    """
    if not isinstance(text, str) or name not in _WIDE:
        return
    widths = [each for each in arguments if isinstance(each, int)] if _WIDE[name] or "*" in text else []
    if name.startswith("format"):
        widths += [int(number) for place in _PLACES.findall(text) for number in _NUMBERS.findall(place)]
    check_size(max(widths, default=0))


def check_arguments(macro: str, known: Collection[str], named: Iterable[str], catch_all: bool) -> None:
    """Raise for an argument that a macro does not have, with the nearest."""
    for name in named:
        if name not in (*known, *_JINJA) and not catch_all:
            has = ", ".join(known) or "none"
            raise TemplateError(f"the macro {macro} has no argument '{name}'.{suggest(name, known)} It has {has}.")


def _weight(value: Any, other: Any) -> int:
    """What a factor brings to the size of a product with another one."""
    if isinstance(value, str | list | tuple):
        return len(value)
    if not isinstance(value, int):
        return 1
    return max(value, 0) if isinstance(other, str | list | tuple) else 1 + value.bit_length()
