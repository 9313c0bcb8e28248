"""Watching: a way out of running programs, for those who want to see what blocks take and give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from akid_core.backends.contract import Watch, Watcher
from akid_tf.runtime import tf


class Watching:
    """Who watches the calls of a network.

    What shows them values is part of the program that computes these: programs are traced anew for other watchers.
    """

    def __init__(self) -> None:
        self.watchers: tuple[Watcher, ...] = ()
        self._raised: BaseException | None = None

    def before(self, path: str, inputs: Sequence[tf.Tensor]) -> None:
        """Let those who watch the call at `path` see what it takes: canonical."""
        for watcher in self._of(path):
            if watcher.before is not None:
                self._show(watcher.before, path, inputs)

    def after(self, path: str, outputs: Sequence[tf.Tensor]) -> None:
        """Let those who watch the call at `path` see what it gives: canonical."""
        for watcher in self._of(path):
            if watcher.after is not None:
                self._show(watcher.after, path, outputs)

    @contextmanager
    def away(self) -> Iterator[None]:
        """What is traced inside shows nothing: a pass that others need not know of."""
        watchers, self.watchers = self.watchers, ()
        try:
            yield
        finally:
            self.watchers = watchers

    @contextmanager
    def heard(self) -> Iterator[None]:
        """What a watcher raises comes out as it is, not as TensorFlow retells it."""
        self._raised = None
        try:
            yield
        except tf.errors.OpError as error:
            if self._raised is None:
                raise
            raise self._raised from error

    def _of(self, path: str) -> list[Watcher]:
        return [watcher for watcher in self.watchers if path in watcher.paths]

    def _show(self, watch: Watch, path: str, tensors: Sequence[tf.Tensor]) -> None:
        def show(*arrays: np.ndarray) -> None:
            try:
                watch(path, arrays)
            except BaseException as error:
                self._raised = error
                raise

        known = [tf.cast(each, tf.float32) if each.dtype == tf.bfloat16 else each for each in tensors]
        with tf.device("/CPU:0"):
            tf.numpy_function(show, known, [])  # whatever it gives: it has effects, so it runs, and in its order
