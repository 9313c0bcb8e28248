"""A step over a batch without rows moves nothing: no weight, and no running statistic."""

from __future__ import annotations

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Span
from akid_core.initializers.fill import initial_values
from akid_core.optimizers import SGD
from akid_core.plugins import default_manager

SPECS = {"image": akid.TensorSpec(("N", 2, 4, 4), "float32", "NCHW"), "label": akid.TensorSpec(("N",), "int64")}


@pytest.mark.parametrize("name", ["numpy", "torch", "tensorflow"])
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_a_batch_without_rows_leaves_running_statistics(name: str) -> None:
    if name != "numpy":
        pytest.importorskip(name)
    blocks = [L.BatchNorm(name="of_image"), L.Flatten(), L.BatchNorm(name="of_row", scale=False)]
    brain = akid.Brain.sequential(*blocks, L.Dense(units=3, name="logits"), inputs="image")
    graph = brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label").resolve(SPECS)
    backend = default_manager().registry.get("backend", name)()
    plan = backend.plan(Execution(), graph)
    network = backend.network(graph, plan, 0)
    network.place("cpu")
    network.fill(initial_values(graph, 0))
    before = network.read()
    fields = {"image": np.zeros((2, 0, 2, 4, 4), np.float32), "label": np.zeros((2, 0), np.int64)}
    none = Span(0, 0, fields, np.zeros((2, 0), np.float32), np.zeros((2, 0), np.int64), np.zeros(2, np.int64))
    backend.trainer(network, SGD(learning_rate=0.1), plan).run(none, np.full(2, 0.1))
    for path, value in network.read().items():
        np.testing.assert_array_equal(value, before[path], err_msg=path)
