"""What layers of a user's own give is held to what they promise when a program is traced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from akid_core.backends.plan import Execution
from akid_core.graph.brain import Brain
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.promises import PromiseSuite
from akid_tf.backend import TensorflowBackend


class TestPromises(PromiseSuite):
    unknown = "?"

    @pytest.fixture
    def backend(self) -> TensorflowBackend:
        return TensorflowBackend()


@dataclass(frozen=True, kw_only=True)
class Branching(Layer):
    """Looks at a value."""

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def forward(self, context: Context, x: Array) -> Array:
        return x if context.ops.max(x) > 0 else -x


def test_a_layer_that_branches_on_a_value_is_told_what_chooses() -> None:
    backend = TensorflowBackend()
    graph = Brain.sequential(Branching(name="mine"), inputs="x").resolve({"x": TensorSpec(("N", 3))}, losses=False)
    network = backend.network(graph, backend.plan(Execution(), graph), 0)
    network.place("cpu")
    with pytest.raises(TypeError, match="symbolic") as caught:
        network.values({"x": np.zeros((2, 3), np.float32)}, list(graph.outputs.values()))
    assert any("context.ops.where(condition, x, y)" in note for note in caught.value.__notes__)
