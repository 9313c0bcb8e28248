"""Losses and metrics with a short way for training: what a step must compute of them, and nothing more.

Called like any module they follow their portable definition. The trainer uses the short way where it applies.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from akid_torch.portable import Portable


def masked(value: Tensor, weight: Tensor) -> Tensor:
    """The values of a loss's rows, 0 and without gradient where the row's weight is 0; all (batch,).

    Zero times infinity is no number: what does not count is taken out before anything is multiplied.
    """
    return value.masked_fill(weight == 0, 0)


class ShortLoss(Portable):
    """A loss whose own weights are all one in the usual case, so that kernels of torch give its mean at once."""

    @abstractmethod
    def usual(self, fields: Sequence[np.ndarray | None], steps: int) -> np.ndarray:
        """Which steps are the usual case: bool (steps,).

        `fields`: for each input its values in all steps (steps, batch, ...), or None where it is no field of the batch.
        """

    @abstractmethod
    def mean(self, *inputs: Tensor) -> Tensor:
        """The mean of the values over the rows."""

    @abstractmethod
    def each(self, *inputs: Tensor) -> Tensor:
        """The value of each row (batch,)."""


class ShortMetric(Portable):
    """A metric that is the weighted mean of a figure of each row: its parts are weighted sum and sum of weights."""

    @abstractmethod
    def each(self, *inputs: Tensor) -> Tensor:
        """The figure of each row (batch,), without a gradient."""
