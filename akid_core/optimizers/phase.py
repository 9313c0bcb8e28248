"""Phase: one of the optimizers that take turns in a step, with what it moves and what it minimises."""

from __future__ import annotations

from dataclasses import dataclass, field

from akid_core.optimizers.adam import Adam
from akid_core.optimizers.base import Optimizer


@dataclass(frozen=True, kw_only=True)
class Phase:
    """An optimizer, the parameters that it trains, and the losses that it minimises.

    `params`: globs of parameter paths. `losses`: globs of the names of losses; empty: all. It acts in the steps whose
    number leaves `offset` when divided by `every`, so that phases can alternate. With `fresh` it takes a forward pass
    of its own, with the parameters as the phases before have left them; without, it shares the pass of the phase before
    that acts in the same step: all gradients of a pass are taken before anything moves.
    """

    name: str | None = None
    optimizer: Optimizer = field(default_factory=Adam)
    params: tuple[str, ...] = ("*",)
    losses: tuple[str, ...] = ()
    every: int = 1
    offset: int = 0
    fresh: bool = True

    def __post_init__(self) -> None:
        for name in ("params", "losses"):
            globs = getattr(self, name)
            object.__setattr__(self, name, (globs,) if isinstance(globs, str) else tuple(globs))
        if self.every < 1:
            raise ValueError(f"every is a number of steps of at least 1, got {self.every}")
        if not 0 <= self.offset < self.every:
            raise ValueError(f"offset is the first step of {self.every} that counts, from 0 on, got {self.offset}")

    def acts(self, step: int) -> bool:
        """Whether the phase acts in step number `step`; the first is 0."""
        return step % self.every == self.offset

    def count(self, step: int) -> int:
        """How many updates it has made when step number `step` is taken."""
        return (step - self.offset) // self.every + 1
