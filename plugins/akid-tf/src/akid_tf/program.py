"""Program: what runs compiled, and is traced anew while somebody watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from akid_core.backends.contract import Watcher
from akid_tf.runtime import tf
from akid_tf.watching import Watching


class Program:
    """A function, compiled for tensors of one signature alone; with `xla` by XLA.

    It is traced at the first call, then called without looking again at what the arguments are. Loops are written in
    TensorFlow's own words, so no code is rewritten. While there are watchers another program runs, which shows them
    what they want to see; XLA, which knows no way out of a program, does not compile it.
    """

    def __init__(self, run: Callable[..., Any], signature: tuple[Any, ...], watching: Watching, *, xla: bool) -> None:
        self._run, self._signature, self._watching, self._xla = run, signature, watching, xla
        self._plain: Callable[..., Any] | None = None
        self._watched: tuple[tuple[Watcher, ...], Callable[..., Any]] | None = None

    def __call__(self, *arguments: Any) -> Any:
        if self._watching.watchers:
            return self._seen(*arguments)
        self._watched = None
        if self._plain is None:
            self._plain = self._traced(xla=self._xla)
        return self._plain(*arguments)

    def _seen(self, *arguments: Any) -> Any:
        watchers = self._watching.watchers
        if self._watched is None or self._watched[0] != watchers:
            self._watched = watchers, self._traced(xla=False)
        with self._watching.heard():
            return self._watched[1](*arguments)

    def _traced(self, *, xla: bool) -> Callable[..., Any]:
        function = tf.function(self._run, input_signature=self._signature, autograph=False, jit_compile=xla or None)
        traced: Callable[..., Any] = function.get_concrete_function()
        return traced
