"""Matching: which arrays of a file belong to which parameters of a network, by name, shape and type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from akid_core.backends.layouts import LAYOUTS, Layout
from akid_core.backends.meaning import Meaning
from akid_core.errors import CheckpointError, UnknownNameError, closest, suggest
from akid_core.graph.globs import check_globs, chosen, nearest

SHOWN = 6
"""How many names a sentence lists before it says how many more there are."""


class Misfit(NamedTuple):
    """A parameter, and the array of its name that it cannot take: both as `float32[3, 4]`."""

    ours: str
    theirs: str
    wanted: str
    found: str


@dataclass(frozen=True, kw_only=True)
class Match:
    """What arrays give a network.

    `taken`: by our path, in canonical layout and our type. `names`: the name of each of these there. `missing`: our
    paths, and under what name each was looked for. `misfits`: of another shape or kind. `unasked`: our paths that
    `params` leaves out. `unused`: their names that nothing took, sorted.
    """

    taken: Mapping[str, np.ndarray]
    names: Mapping[str, str]
    missing: Mapping[str, str]
    misfits: tuple[Misfit, ...]
    unasked: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def report(self) -> str:
        """A sentence for people."""
        ours = len(self.taken) + len(self.missing) + len(self.misfits) + len(self.unasked)
        values = sum(value.size for value in self.taken.values())
        parts = [f"taken are {len(self.taken)} of {ours} parameters ({values:,} values): {listed(self.taken)}"]
        if self.missing:
            parts.append(f"not there, and left as they were: {listed(map(self._sought, self.missing))}")
        if self.unasked:
            parts.append(f"not asked for: {listed(self.unasked)}")
        if self.unused:
            parts.append(f"not used of the file: {listed(self.unused)}")
        return "; ".join(parts)

    def faults(self, *, complete: bool = False) -> str:
        """What does not fit, in sentences, each with the nearest name; empty where all is well.

        `complete`: what is missing, and what is there besides, are faults too.
        """
        said = [f"{ours!r} is {wanted} here and {found} there" for ours, _, wanted, found in self.misfits]
        said = [text + self._nearest(misfit) for text, misfit in zip(said, self.misfits, strict=True)]
        if complete:
            said += [f"{ours!r} is missing.{suggest(theirs, self.unused)}" for ours, theirs in self.missing.items()]
            said += [f"{name!r} is unknown here.{suggest(name, self.missing)}" for name in self.unused]
        return " ".join(text if text.endswith("?") else f"{text.rstrip('.')}." for text in said)

    @property
    def remedy(self) -> str:
        """The globs of the blocks that fit, as a list; empty where no block does."""
        spoilt = {_block(path) for path in (*self.missing, *(misfit.ours for misfit in self.misfits))}
        fitting = [block for block in dict.fromkeys(map(_block, self.taken)) if block not in spoilt]
        return f"[{', '.join(f'{block}/*' for block in fitting)}]" if fitting else ""

    def _sought(self, path: str) -> str:
        """A path that is missing, with the nearest name of the file."""
        near = closest(self.missing[path], self.unused)
        return f"{path} ({near!r} there?)" if near else path

    def _nearest(self, misfit: Misfit) -> str:
        near = suggest(misfit.theirs, self.unused)
        return f".{near}" if near else ""


def match(
    ours: Mapping[str, np.ndarray],
    theirs: Mapping[str, np.ndarray],
    *,
    params: Iterable[str] = ("*",),
    names: Mapping[str, str] | None = None,
    layout: str | Layout = "akid",
    meanings: Mapping[str, Meaning] | None = None,
) -> Match:
    """Find the array for each parameter; nothing is filled, and what does not fit is listed, not raised.

    `ours`: the present values by path. `theirs`: arrays by name. `params`: globs of our paths, for what is wanted.
    `names`: what a parameter, or a block with all that is in it, is called there (`{"conv1": "features.0"}`), where
    that differs from what the layout says. `layout`: that of the arrays. `meanings`: by our paths, from which an array
    of another layout is turned.

    Raises `UnknownNameError` for a glob, a name or a layout that leads nowhere.
    """
    params, names, meanings = tuple(params), dict(names or {}), meanings or {}
    layout = _layout(layout) if isinstance(layout, str) else layout
    theirs = layout.unpack(theirs)
    check_globs(ours, params, "params")
    _check_names(ours, theirs, names, layout)
    taken: dict[str, np.ndarray] = {}
    sources, missing = dict[str, str](), dict[str, str]()
    misfits = []
    wanted = chosen(ours, params)
    for path in wanted:
        called, present = _their_names(path, names, layout), ours[path]
        name = next((each for each in called if each in theirs), called[0])
        if name not in theirs:
            missing[path] = name
            continue
        array = layout.canonical(theirs[name], meanings.get(path, Meaning()))
        if array.shape != present.shape or _kind(array) != _kind(present):
            misfits.append(Misfit(path, name, _shown(present), _shown(array)))
            continue
        sources[path] = name
        taken[path] = np.ascontiguousarray(array, dtype=present.dtype).reshape(present.shape)
    used = {*sources.values(), *(misfit.theirs for misfit in misfits)}
    return Match(
        taken=taken,
        names=sources,
        missing=missing,
        misfits=tuple(misfits),
        unasked=tuple(path for path in ours if path not in set(wanted)),
        unused=tuple(sorted(name for name in theirs if name not in used)),
    )


def fitting(found: Match, source: str) -> Match:
    """The match itself. Raises `CheckpointError` where something has another shape, or where nothing fits at all."""
    faults = found.faults()
    if faults and found.missing:
        faults += f" Not there at all: {listed(found.missing)}."
    if not faults and not found.taken:
        wanted = next(iter(found.missing.values()), "")
        faults = f"none of its arrays has the name of a parameter here.{suggest(wanted, found.unused)} It holds: "
        faults += f"{listed(found.unused)}. Looked for: {listed(found.missing.values())}."
        if not any("." in name for name in found.missing.values()) and all("." in name for name in found.unused):
            faults += " Names with dots are those of torch: say layout='torch'."
    if faults:
        part = f" To take what fits, ask for params={found.remedy}." if found.remedy else ""
        raise CheckpointError(f"{source} does not fit this network: {faults}{part}")
    return found


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more."""
    names = list(names)
    shown = ", ".join(names[:SHOWN]) or "none"
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _layout(name: str) -> Layout:
    if name not in LAYOUTS:
        raise UnknownNameError(f"There is no layout {name!r}.{suggest(name, LAYOUTS)} There are: {', '.join(LAYOUTS)}.")
    return LAYOUTS[name]


def _their_names(path: str, names: Mapping[str, str], layout: Layout) -> list[str]:
    """By the longest part of the path that has a name, else as the layout calls it; the usual name first."""
    if path in names:
        return [names[path]]
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        block = "/".join(parts[:length])
        if block in names:
            prefix = names[block] and names[block] + layout.separator
            return [prefix + name for name in layout.names("/".join(parts[length:]))]
    return layout.names(path)


def _check_names(
    ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], names: Mapping[str, str], layout: Layout
) -> None:
    """Raise `UnknownNameError` for a name of ours, or of theirs, that there is not."""
    for mine, other in names.items():
        below = [path for path in ours if path == mine or path.startswith(f"{mine}/")]
        if not below:
            raise UnknownNameError(
                f"names has {mine!r}, which is neither a parameter nor a block here.{nearest(mine, ours)} "
                f"There are: {listed(ours)}."
            )
        if not any(name in theirs for path in below for name in _their_names(path, names, layout)):
            raise UnknownNameError(
                f"names says that {mine!r} is {other!r} there, and nothing is called so."
                f"{nearest(other, theirs, layout.separator)} There are: {listed(theirs)}."
            )


def _kind(array: np.ndarray) -> str:
    return "integer" if array.dtype.kind in "iu" else array.dtype.kind


def _shown(array: np.ndarray) -> str:
    return f"{array.dtype}[{', '.join(map(str, array.shape))}]"


def _block(path: str) -> str:
    return path.rpartition("/")[0]
