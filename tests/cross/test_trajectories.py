"""A small residual network with batch norm goes the same way on all backends; `bench/trajectories.py` goes further."""

from __future__ import annotations

import pytest

from akid_core.optimizers import SGD, Adam
from akid_core.plugins import default_manager
from akid_core.testing.referee import referee
from akid_core.testing.trajectories import residual_network, trajectory

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

OPTIMIZERS = {"momentum": SGD(momentum=0.9), "adam": Adam()}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["torch", "tensorflow"])
def test_float64(name: str, optimizer: str) -> None:
    backend, graph = default_manager().registry.get("backend", name)(), residual_network("float64")
    mine, theirs = (trajectory(each, graph, OPTIMIZERS[optimizer], 1e-2, 20) for each in (backend, referee()))
    assert mine.loss_error(theirs) <= 1e-8
    assert mine.output_error(theirs) <= 1e-8


@pytest.mark.parametrize("name", ["torch", "tensorflow"])
def test_float32(name: str) -> None:
    backend = default_manager().registry.get("backend", name)()
    mine = trajectory(backend, residual_network("float32"), OPTIMIZERS["adam"], 1e-2, 10)
    theirs = trajectory(referee(), residual_network("float64"), OPTIMIZERS["adam"], 1e-2, 10)
    assert mine.loss_error(theirs) <= 1e-4
