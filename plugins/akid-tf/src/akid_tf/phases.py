"""Turns: the step in which the optimizers of a regime take their turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from akid_tf.gradient import Given, Moment, Slopes, Whole
from akid_tf.measures import Tensors
from akid_tf.network import TensorflowNetwork
from akid_tf.optimizer import Numbers
from akid_tf.parts import Parts
from akid_tf.regime import LiveRegime, Passes
from akid_tf.runtime import tf
from akid_tf.span import noted


class Turns:
    """A step of training: passes over its batch, each followed by the moves of the phases that share it.

    Every kind of step is traced, and its number chooses; where all are of one kind, nothing is chosen.
    """

    def __init__(self, network: TensorflowNetwork, regime: LiveRegime, passes: Whole | Parts) -> None:
        self._network, self._regime, self._passes = network, regime, passes

    def __call__(self, given: Given, moment: Moment, numbers: Sequence[Mapping[str, Numbers]]) -> Tensors:
        kinds, calendar = self._regime.kinds, self._regime.calendar
        branches: list[Callable[[], Tensors]] = [partial(self._step, kind, given, moment, numbers) for kind in kinds]
        if len(branches) == 1:
            return branches[0]()
        kind = tf.gather(tf.constant(calendar), moment.step % len(calendar))
        found: Tensors = tf.switch_case(kind, branches)
        return found

    def _step(self, passes: Passes, given: Given, moment: Moment, numbers: Sequence[Mapping[str, Numbers]]) -> Tensors:
        """A step of one kind. The first pass measures and moves state; later ones see state as it was before it."""
        network, aims = self._network, self._regime.aims
        acting, *later = passes or ((),)
        state = network.state if later else {}
        first = self._passes.first(given, moment, [aims[number] for number in acting], learning=True)
        self._move(acting, first.slopes, numbers)
        for acting in later:
            self._move(acting, self._passes.again(given, moment, [aims[number] for number in acting], state), numbers)
        return noted(network, first.losses, first.metrics)

    def _move(self, acting: Sequence[int], slopes: Slopes, numbers: Sequence[Mapping[str, Numbers]]) -> None:
        for number, gradients in zip(acting, slopes.params, strict=True):
            self._regime.optimizers[number].apply(gradients, numbers[number])
