"""Globs over paths: what they choose, and an error for one that chooses nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from akid_core.errors import UnknownNameError, closest
from akid_core.graph.lookup import listed
from akid_core.graph.resolved import Graph, whole
from akid_core.specs.names import matches


def chosen(paths: Iterable[str], globs: Iterable[str]) -> tuple[str, ...]:
    """The paths that match one of the globs, in their order; `*` takes `/` in too."""
    globs = tuple(globs)
    return tuple(path for path in paths if matches(path, globs))


def matching(graph: Graph, glob: str) -> tuple[str, ...]:
    """The paths of the calls that a glob matches, at whatever step of an Unroll.

    Raises `UnknownNameError` where there are none.
    """
    found = tuple(path for path in graph.by_path if matches(path, [glob]) or matches(whole(path), [glob]))
    if not found:
        near = nearest(glob, graph.by_path)
        raise UnknownNameError(f"No block matches {glob!r}.{near} Blocks: {listed(graph.by_path)}.")
    return found


def check_globs(paths: Collection[str], globs: Iterable[str], where: str) -> None:
    """Raise `UnknownNameError` for the first glob that matches no path, with the nearest block or path.

    `where`: the setting that holds the globs.
    """
    for glob in globs:
        if not chosen(paths, [glob]):
            raise UnknownNameError(
                f"{where} has {glob!r}, which matches no parameter.{nearest(glob, paths, below='/*')} There are: "
                f"{', '.join(paths) or 'none'}."
            )


def nearest(name: str, paths: Iterable[str], separator: str = "/", *, below: str = "") -> str:
    """Like `suggest`, among parameters and the blocks that they belong to; of a glob, what is not `*` counts.

    `separator`: between the parts of a path. `below`: what is written behind a block, such as `/*`.
    """
    paths = list(paths)
    blocks = dict.fromkeys(path.rpartition(separator)[0] for path in paths)
    near = closest(name.replace("*", "").strip(separator), filter(None, [*blocks, *paths]))
    return f" Did you mean '{near}{below if near in blocks else ''}'?" if near else ""
