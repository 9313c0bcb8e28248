"""When layers over sequences run by torch's kernels, and when by their portable definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from akid_core import layers as L
from akid_core.backends.plan import Plan
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import FLOAT32, FLOAT64, Trial
from akid_torch.backend import TorchBackend
from akid_torch.layers.attention import NativeAttention
from akid_torch.layers.recurrent import NativeRecurrent
from akid_torch.portable import Portable

SEQUENCE, MASK = TensorSpec(("N", 4, 6)), TensorSpec(("N", 4), "bool")


@pytest.mark.parametrize(
    ("layer", "specs", "wanted"),
    [
        (L.LSTM(units=3), (SEQUENCE,), NativeRecurrent),
        (L.GRU(units=3), (SEQUENCE, MASK), Portable),
        (L.MultiHeadAttention(heads=2), (SEQUENCE, MASK), NativeAttention),
    ],
)
def test_which_module_runs(layer: Layer, specs: tuple[TensorSpec, ...], wanted: type) -> None:
    network: Any = TorchBackend().network(Trial(layer=layer, in_specs=specs).plain(FLOAT32), Plan(backend="torch"), 0)
    assert type(network.module.by_path["layer"]) is wanted


def test_attention_draws_its_dropout_as_the_core_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's kernel would draw by itself, so training runs without it; evaluation, and no dropout, with it."""
    calls = []
    kernel = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        torch.nn.functional, "scaled_dot_product_attention", lambda *a, **k: calls.append(1) or kernel(*a, **k)
    )
    for dropout, training, wanted in ((0.3, True, 0), (0.3, False, 1), (0.0, True, 1)):
        calls.clear()
        trial = Trial(layer=L.MultiHeadAttention(heads=2, dropout=dropout), in_specs=(SEQUENCE,))
        trial.forward(TorchBackend(), FLOAT32, training=training)
        assert len(calls) == wanted


def test_one_bias_is_trained_where_torch_has_two() -> None:
    trial = Trial(layer=L.LSTM(units=3), in_specs=(SEQUENCE,))
    network: Any = TorchBackend().network(trial.plain(FLOAT64), Plan(backend="torch"), 0)
    names = [name for name, _ in network.module.named_parameters()]
    assert names == ["layer.weight", "layer.recurrent_weight", "layer.bias"]
    assert np.isfinite(trial.gradients(TorchBackend(), FLOAT64)["bias"]).all()
