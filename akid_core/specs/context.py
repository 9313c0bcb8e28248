"""What a layer's portable `forward` sees beside its inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from akid_core.errors import UnknownNameError, suggest
from akid_core.random import elements, row_bits
from akid_core.specs.tensor import wider

if TYPE_CHECKING:
    import numpy as np

    from akid_core.graph.resolved import Call
    from akid_core.ops import Ops


class Params(dict[str, Any]):
    """The parameters of one call by name; one that there is not is answered with those that there are."""

    def __init__(self, call: Call, params: Mapping[str, Any]) -> None:
        super().__init__(params)
        self._call = call

    def __missing__(self, name: str) -> NoReturn:
        raise UnknownNameError(
            f"{_block(self._call)} asks for its parameter {name!r}, and has none so named.{suggest(name, self)} It "
            f"has: {', '.join(self) or 'none'}. What a layer uses, its `params` names."
        )


@dataclass(slots=True)
class Context:
    """One call of one layer.

    `ops`: the portable operations. `params`: this call's parameters by name, in canonical layout. `training`: learning,
    not evaluating. `step`: the step's number, int32 of shape (1,). `rows`: the number of each row in the global batch,
    int32 of shape (batch,). `key`: the two words that dropout and other random parts of this call start from.
    `reductions`: the Brain's type for softmax, losses and norm statistics.
    """

    call: Call
    ops: Ops
    params: Mapping[str, Any]
    training: bool
    step: Any
    rows: Any
    key: tuple[int, int]
    updates: dict[str, Any] = field(default_factory=dict)
    reductions: str = "float32"

    def __post_init__(self) -> None:
        self.params = Params(self.call, self.params)

    def wide(self, dtype: str) -> str:
        """The type in which values of type `dtype` are summed: the wider of it and `reductions`."""
        return wider(wider(dtype), self.reductions)

    def update(self, name: str, value: Any) -> None:
        """Give the state parameter `name` a new value when this step ends.

        Raises `UnknownNameError` where the call has no state so named.
        """
        state = [spec.name for spec in self.call.params if not spec.trained]
        if name not in state:
            raise UnknownNameError(
                f"{_block(self.call)} updates {name!r}, which is no state of its own.{suggest(name, state)} Its state: "
                f"{', '.join(state) or 'none'}. State is a parameter whose role is 'state'."
            )
        self.updates[name] = value

    def keep(self, probability: float, row_shape: tuple[int, ...]) -> Any:
        """A mask, true with the given probability: bool of shape (batch, *row_shape).

        A function of (seed, path, step, row, element) alone: the same on every backend and for any number of workers.
        The element is the index in the canonical layout; probabilities are resolved to 2^-24.
        """
        bits = row_bits(self.ops, self.key, self.step, self.rows, self.ops.asarray(self.elements(row_shape), "int32"))
        threshold = math.ceil(probability * (1 << 24))
        shifted = self.ops.bitwise_and(self.ops.bitwise_right_shift(bits, 8), 0xFFFFFF)
        return shifted < threshold

    def elements(self, row_shape: tuple[int, ...]) -> np.ndarray:
        """The canonical index of each element of a row, int32; a backend that lays its values otherwise, otherwise."""
        return elements(row_shape)


def _block(call: Call) -> str:
    return f"Block '{call.path}' ({type(call.layer).__name__})"
