"""Dropout draws the core's masks, to the bit, whatever the layout in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.contract import Backend
from akid_core.backends.plan import Execution
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.plugins import default_manager
from akid_core.specs.tensor import TensorSpec
from akid_torch.backend import TorchBackend


def dropped(backend: Backend, shape: tuple[int, ...], rate: float, step: int, **execution: Any) -> np.ndarray:
    """Where a Dropout keeps elements of ones."""
    spec = TensorSpec(("N", *shape))
    graph = Brain.sequential(L.Dropout(name="drop", rate=rate), inputs={"x": spec}).resolve({})
    network = backend.network(graph, backend.plan(Execution(**execution), graph), 11)
    network.place("cpu")
    return network.values({"x": np.ones((9, *shape), np.float32)}, [Value("drop")], training=True, step=step)[0] != 0


@pytest.mark.parametrize("shape", [(40,), (5, 6), (3, 4, 5), (1, 7, 7)])
@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
def test_masks_are_those_of_numpy(shape: tuple[int, ...], layout: str) -> None:
    numpy = default_manager().registry.get("backend", "numpy")()
    for rate in (0.1, 0.5, 0.937):
        for step in (0, 1, 123456):
            mask = dropped(TorchBackend(), shape, rate, step, layout=layout)
            np.testing.assert_array_equal(mask, dropped(numpy, shape, rate, step))


def test_the_share_that_is_kept() -> None:
    mask = dropped(TorchBackend(), (5000,), 0.3, 4)
    assert mask.mean() == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / mask.size))


def test_rows_count_in_the_global_batch(brain: Brain, live: Any, make_span: Any) -> None:
    """A process that holds the later rows of a batch draws what one process draws for them."""
    objectives = [live(brain).trainer.run(make_span(0, 1, first_row=row), np.zeros(1)).objective for row in (0, 0, 6)]
    assert objectives[0] == objectives[1] != objectives[2]
