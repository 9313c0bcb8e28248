"""A step of the user's own, in the place of the backend's: see `akid_core.backends.contract.StepProgram`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from akid_core.errors import UsageError

Step = Callable[["TorchStep"], Tensor]


class TorchStep:
    """What the function sees: the batch, the trained parameters, the clock, and what the backend would do."""

    def __init__(
        self,
        *,
        fields: Mapping[str, Tensor],
        parameters: Mapping[str, Tensor],
        number: int,
        learning_rate: float,
        objective: Callable[[], Tensor],
        update: Callable[[Sequence[Tensor | None]], None],
    ) -> None:
        self.fields, self.parameters = fields, parameters
        self.number, self.learning_rate = number, learning_rate
        self._objective, self._update, self._passes = objective, update, 0
        self.updated = False

    def objective(self) -> Tensor:
        """One forward pass of the declared graph: what is minimised. Raises `UsageError` the second time."""
        self._passes += 1
        if self._passes > 1:
            raise UsageError(
                f"Step {self.number}: `program.objective()` was called twice in one step, and its losses and metrics "
                "would count twice. Call it once, and keep what it returns."
            )
        return self._objective()

    def update(self, gradients: Sequence[Tensor | None]) -> None:
        """Clip, regularise and move: a gradient for each of `parameters` in their order, None where it is zero."""
        if len(gradients) != len(self.parameters):
            raise UsageError(
                f"Step {self.number}: `program.update` takes a gradient for each of the {len(self.parameters)} "
                f"parameters, and was given {len(gradients)}: pass None where one is zero."
            )
        self._update(gradients)
        self.updated = True

    def take(self, step: Step) -> Tensor:
        """Run the function; what it returns, checked."""
        objective = step(self)
        if not isinstance(objective, Tensor) or objective.numel() != 1:
            given = list(objective.shape) if isinstance(objective, Tensor) else type(objective).__name__
            raise UsageError(f"execution.step returns the objective, a tensor of one number; it returned {given}.")
        if not self._passes:
            raise UsageError(
                "execution.step did not call `program.objective()`, which notes the losses and metrics of the step: "
                "call it once, even if the gradient comes from elsewhere."
            )
        return objective.detach().reshape(())
