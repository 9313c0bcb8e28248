"""Finding blocks by path, and the sentences for names that are not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from akid_core.errors import AmbiguousNameError, UnknownNameError, suggest

_SHOWN = 12


def find(path: str, paths: Collection[str]) -> str:
    """The path that equals `path`, else the only one that ends in it: `conv1` finds `encoder/conv1`.

    Raises `UnknownNameError`, or `AmbiguousNameError` where several end so.
    """
    if path in paths:
        return path
    matches = endings(path, paths)
    if len(matches) > 1:
        raise AmbiguousNameError(f"'{path}' could be {listed(matches)}. Write the whole path.")
    if not matches:
        raise UnknownNameError(f"There is no block '{path}'.{nearest(path, paths)} Blocks: {listed(paths)}.")
    return matches[0]


def endings(path: str, paths: Iterable[str]) -> list[str]:
    """The paths that end in `path`."""
    return [candidate for candidate in paths if candidate.endswith(f"/{path}")]


def nearest(name: str, known: Collection[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest of the known paths, judged by the whole path or by its end."""
    whole = suggest(name, known)
    if whole:
        return whole
    ends = {path.rpartition("/")[2]: path for path in known}
    guess = suggest(name, ends)
    for end, path in ends.items():
        if f"'{end}'" in guess:
            return f" Did you mean '{path}'?"
    return ""


def listed(names: Iterable[str]) -> str:
    """Names for a message: the first few, and how many more."""
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more or "none"
