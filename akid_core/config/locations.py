"""Locations of templates: absolute paths of files, `package:path` in installed packages, and `akid/` for akid's own."""

from __future__ import annotations

import importlib.resources
import os
import posixpath
from importlib.resources.abc import Traversable
from pathlib import Path

SHIPPED = "akid/"
"""What the names of the templates that akid brings begin with."""


def located(path: str) -> str:
    """The location of a file; links on the way stay, so that what lies beside it is found."""
    return os.path.normpath(Path(path).absolute())


def joined(name: str, parent: str) -> str:
    """Where the template lies that the one at the location `parent` calls `name`."""
    if name.startswith(SHIPPED) or ":" in name:
        return name
    if Path(parent).is_absolute():
        return os.path.normpath(Path(parent).parent / name)
    package, colon, path = parent.rpartition(":")
    return package + colon + posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def seen_from(location: str, known: str, name: str) -> str:
    """What messages call a location, where they call `known` by a name, such as its path relative to the folder."""
    if location == known:
        return name
    if not (Path(location).is_absolute() and Path(known).is_absolute()):
        return location
    return os.path.normpath(Path(name).parent / os.path.relpath(location, Path(known).parent))


def opened(location: str) -> Traversable:
    """The file at a location. Raises `ImportError` for a package that is not installed."""
    if Path(location).is_absolute():
        return Path(location)
    if location.startswith(SHIPPED):
        location = f"akid_core:templates/{location.removeprefix(SHIPPED)}"
    package, _, path = location.partition(":")
    return importlib.resources.files(package).joinpath(path)


def beside(location: str) -> list[str]:
    """The names of the files in the folder of a location; none where there is no such folder."""
    head, slash, _ = location.rpartition("/")
    folder = head + slash if slash else location.partition(":")[0] + ":"
    try:
        return [file.name for file in opened(folder).iterdir() if file.is_file()]
    except (OSError, ImportError):
        return []
