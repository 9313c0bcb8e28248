"""Running means of parameters, out of the slot `average`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from akid_core.optimizers.base import AVERAGE

Averages = Mapping[str, tuple[float, int]]
"""For each parameter whose running mean is kept `Optimizer.average`, and the number of updates so far."""


def running_means(
    params: Mapping[str, np.ndarray], slots: Mapping[str, np.ndarray], averages: Averages
) -> dict[str, np.ndarray]:
    """The parameters, those that have the slot at the mean of their values so far; the others stay as they are.

    `params`: by path. `slots`: by `"<slot>:<path>"`. The slot began at 0, so it is divided by 1 - share^count (the
    correction of Kingma and Ba, "Adam", 2015, section 3).
    """
    found = dict(params)
    for path, (share, count) in averages.items():
        slot = slots.get(f"{AVERAGE}:{path}")
        if count and slot is not None:
            scale = -1.0 / math.expm1(count * math.log(share))
            found[path] = (slot.astype(np.float64) * scale).astype(params[path].dtype)
    return found
