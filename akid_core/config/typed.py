"""Typed: settings whose types are checked in Python, too."""

from __future__ import annotations

from typing import Any, Self

from akid_core.config.components import check_given
from akid_core.config.located import Where


class Typed:
    """A base of dataclasses whose settings are held against their type hints before `__post_init__` sees them.

    What is accepted is what YAML accepts. Raises `ConfigurationError` that names the setting: `Crop.size`.
    """

    def __new__(cls, *_: Any, **settings: Any) -> Self:
        check_given(cls, settings, Where(cls.__name__))
        return super().__new__(cls)
