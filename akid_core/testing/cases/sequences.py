"""Layers over sequences (batch, steps, features), whose ends may be padding, and over indices."""

from __future__ import annotations

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import Trial

RANDOM = np.random.default_rng(15)
STEPS, FEATURES = 6, 4
SEQUENCE = RANDOM.normal(size=(5, STEPS, FEATURES)).astype(np.float32)
KEYS = RANDOM.normal(size=(5, 3, FEATURES)).astype(np.float32)
LENGTHS = np.array([6, 1, 4, 0, 5])
SHOWN = np.arange(STEPS) < LENGTHS[:, None]
"""(5, steps): which steps are no padding; one row is nothing else."""
SHOWN_KEYS = np.arange(3) < LENGTHS[:, None]
INDICES = np.array([[0, 3, 3], [2, 0, 1], [1, 1, 1], [3, 2, 0], [0, 0, 2]])


def of(layer: Layer, *inputs: np.ndarray) -> Trial:
    """A layer of these inputs, the batch first."""
    specs = tuple(TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for value in inputs)
    return Trial(layer=layer, in_specs=specs, inputs=inputs)


TRIALS = (
    of(L.Embedding(entries=4, units=3), INDICES),
    of(L.Embedding(entries=4, units=2, padding_index=0), INDICES),
    of(L.Embedding(entries=4, units=2, padding_index=-1), np.where(SHOWN[:, :3], INDICES, -1)),
    of(L.PositionalEmbedding(), SEQUENCE),
    of(L.PositionalEmbedding(length=9, sinusoidal=True), SEQUENCE),
    of(L.MultiHeadAttention(heads=2), SEQUENCE),
    of(L.MultiHeadAttention(heads=2, causal=True, bias=False), SEQUENCE, SHOWN),
    of(L.MultiHeadAttention(heads=1, units=3, key_size=5), SEQUENCE, KEYS, KEYS, SHOWN_KEYS),
    of(L.MultiHeadAttention(heads=2, dropout=0.3), SEQUENCE),
    of(L.LSTM(units=3), SEQUENCE),
    of(L.LSTM(units=2, return_sequences=True, reverse=True), SEQUENCE, SHOWN),
    of(L.GRU(units=3), SEQUENCE, SHOWN),
    of(L.GRU(units=2, return_sequences=True, reverse=True), SEQUENCE),
)
