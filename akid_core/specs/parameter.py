"""What a layer says of each of its parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from akid_core.initializers.base import Initializer

Role = Literal["weight", "state"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ParamSpec:
    """One parameter in its canonical layout (convolution `OIHW`, dense `IO`).

    `role`: a `weight` is trained; a `state` (running statistics) is saved, but never trained, decayed or counted.
    `fan_in`, `fan_out`: how many values enter and leave one unit, stated by the layer that knows, for initializers.
    `dtype`: `"float"` becomes the parameter type of the Brain's precision.
    """

    name: str
    shape: tuple[int, ...]
    init: Initializer
    axes: str = ""
    dtype: str = "float"
    role: Role = "weight"
    fan_in: int = 1
    fan_out: int = 1

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def trained(self) -> bool:
        return self.role == "weight"
