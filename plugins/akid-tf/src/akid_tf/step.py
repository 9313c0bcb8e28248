"""UserStep: a step of training that is a function of the user's own, see `StepProgram`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from akid_core.backends.step import warn_idle
from akid_core.errors import ConfigurationError
from akid_core.specs.target import imported_target
from akid_tf.gradient import Given, Moment
from akid_tf.measures import Rows, Tensors, Total
from akid_tf.network import TensorflowNetwork
from akid_tf.optimizer import Numbers
from akid_tf.regime import LiveRegime
from akid_tf.runtime import tf
from akid_tf.span import noted

OBJECTIVE = "objective"
"""Under which name a step of the user's own notes what it minimised."""


class UserStep:
    """A function of the user's own as the step of a span; it is traced once, in TensorFlow's own words."""

    extra: ClassVar[Tensors] = {OBJECTIVE: {OBJECTIVE: tf.float64}}

    def __init__(self, path: str, network: TensorflowNetwork, regime: LiveRegime) -> None:
        """Raises `ConfigurationError` where there is no such function, and for phases that would have to take turns."""
        self._path, self._function = path, imported(path)
        self._network, self._regime = network, regime
        if regime.kinds != [((0,),)]:
            raise ConfigurationError(
                f"execution.step {path} takes the place of a step of one optimizer that acts every time, so phases "
                "cannot take turns in it: give one optimizer, or leave out the step."
            )
        self._idle = bool(regime.aims[0].parameters)  # until a first trace has shown otherwise, or has been told of

    def __call__(self, given: Given, moment: Moment, numbers: Sequence[Mapping[str, Numbers]]) -> Tensors:
        program = LiveStep(self._network, self._regime, given, moment, numbers)
        minimised = self._function(program)
        if program.noted is None:
            raise ConfigurationError(
                f"The step {self._path} never calls program.objective(), so nothing was measured: call it once, and "
                "take the gradient of what it gives."
            )
        if not tf.is_tensor(minimised) or minimised.shape.rank != 0:
            raise ConfigurationError(
                f"The step {self._path} must return the objective, a scalar tensor, and returned {minimised!r}."
            )
        if self._idle and not program.updated:
            warn_idle(self._path)
        self._idle = False
        return {**program.noted, OBJECTIVE: {OBJECTIVE: tf.cast(minimised, tf.float64)}}


class LiveStep:
    """One step, as the function sees it while it is traced. `number`: int32, a scalar; `learning_rate`: one too."""

    def __init__(
        self,
        network: TensorflowNetwork,
        regime: LiveRegime,
        given: Given,
        moment: Moment,
        numbers: Sequence[Mapping[str, Numbers]],
    ) -> None:
        self.fields = given.fields
        self.parameters = {parameter.path: parameter.variable for parameter in regime.aims[0].parameters}
        self.number = moment.step
        self.learning_rate = next(iter(numbers[0].values())).rate[0]
        self.noted: Tensors | None = None
        self.updated = False
        self._network, self._moment, self._factors = network, moment, given.factors
        (self._optimizer,), (self._numbers,) = regime.optimizers, numbers

    def objective(self) -> tf.Tensor:
        """One forward pass; state takes its new values. Raises `ConfigurationError` where it is not the first one."""
        if self.noted is not None:
            raise ConfigurationError(
                "execution.step calls program.objective() twice, but a step is one forward pass: keep what it gave."
            )
        network, moment = self._network, self._moment._asdict()
        forward = network.forward(network.graph.practised, self.fields, training=True, recompute=True, **moment)
        network.settle(forward)
        self.noted = noted(network, forward.losses, network.metric_states(forward))
        return tf.add_n([self._term(path, rows) for path, rows in forward.losses.items()])

    def _term(self, path: str, rows: Rows) -> tf.Tensor:
        """What a loss adds to the objective, in the type of its reductions."""
        mean = tf.cast(Total.of(rows).mean, self._network.module.reduced(path))
        weighted = mean * self._network.graph.loss_layers[path].weight
        return weighted * tf.cast(self._factors[path], mean.dtype) if path in self._factors else weighted

    def update(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Clip, regularise and move. Raises `ConfigurationError` unless there is one gradient for each parameter."""
        variables = list(self.parameters.values())
        if len(gradients) != len(variables):
            raise ConfigurationError(
                f"execution.step gives program.update {len(gradients)} gradients for {len(variables)} parameters: give "
                "one for each of program.parameters, in their order, None where it is zero."
            )
        pairs = zip(gradients, variables, strict=True)
        dense = [tf.zeros_like(to) if each is None else tf.convert_to_tensor(each) for each, to in pairs]
        self._optimizer.apply(dense, self._numbers)
        self.updated = True


def imported(path: str) -> Callable[[LiveStep], Any]:
    """The function at `module:function`. Raises `ConfigurationError` where there is none."""
    found = imported_target(path, "execution.step")
    if not callable(found):
        raise ConfigurationError(f"execution.step: {path} is {found!r}, not a function.")
    function: Callable[[LiveStep], Any] = found
    return function
