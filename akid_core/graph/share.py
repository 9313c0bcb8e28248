"""Sharing: under which path the parameters of a layer live."""

from __future__ import annotations

from collections.abc import Iterable

from akid_core.errors import CycleError, SpecError
from akid_core.graph.flatten import Placed, Scope, block, unknown


class Sharing:
    """Who owns the parameters of each layer.

    The name in `share` is looked up in the System of the block that says it, then in those around. A System that
    shares another's parameters does so block by block; they must be called alike.
    """

    def __init__(self, layers: Iterable[Placed]) -> None:
        self._layers = {placed.path: placed for placed in layers}
        self._owners: dict[str, str] = {}

    def owner(self, placed: Placed) -> Placed:
        """The layer whose parameters `placed` uses: itself, or the end of the chain of those it shares with."""
        path = placed.path
        chain = {path: None}
        while path not in self._owners:
            target = self._target(self._layers[path]) or path
            if target == path:
                self._owners[path] = path
            elif target in chain:
                circle = " -> ".join([*chain, target])
                raise CycleError(f"These blocks share each other's parameters, and none has any: {circle}.")
            elif target not in self._layers:
                raise SpecError(
                    f"{block(path)} shares the parameters of '{target}', which is not a layer: a layer shares with a "
                    "layer, a System with a System whose blocks have the same names."
                )
            path = target
            chain[path] = None
        self._owners.update(dict.fromkeys(chain, self._owners[path]))
        return self._layers[self._owners[path]]

    def _target(self, placed: Placed) -> str | None:
        """The path that `placed` shares with; a System around it that shares comes before its own `share`."""
        target = _found(placed.scope, placed.share, placed.path) if placed.share else None
        scope = placed.scope
        while scope.outer is not None:
            if scope.share:
                target = _found(scope.outer, scope.share, scope.path) + placed.path[len(scope.path) :]
            scope = scope.outer
        return target


def _found(scope: Scope, name: str, path: str) -> str:
    """The full path of the block that `name` means to the block at `path` in `scope`: never itself."""
    around: Scope | None = scope
    itself = False
    while around is not None:
        if found := around.find(name):
            holder, last = found
            if holder.join(last) != path:
                return holder.join(last)
            itself = True
        around = around.outer
    if itself:
        raise CycleError(f"{block(path)} shares its own parameters: name another block, or leave out share.")
    raise unknown(scope, name, f"{block(path)} shares parameters and")
