"""Running means of parameters, out of the slot `average`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from akid_core.optimizers.base import AVERAGE


def running_means(
    params: Mapping[str, np.ndarray], slots: Mapping[str, np.ndarray], share: float, count: int
) -> dict[str, np.ndarray]:
    """The parameters, those that have the slot at the mean of their values so far; the others stay as they are.

    `params`: by path. `slots`: by `"<slot>:<path>"`. `share`: `Optimizer.average`. `count`: updates so far. The slot
    began at 0, so it is divided by 1 - share^count (the correction of Kingma and Ba, "Adam", 2015, section 3).
    """
    found = dict(params)
    if count:
        scale = -1.0 / math.expm1(count * math.log(share))
        for path, value in params.items():
            if (slot := slots.get(f"{AVERAGE}:{path}")) is not None:
                found[path] = (slot.astype(np.float64) * scale).astype(value.dtype)
    return found
