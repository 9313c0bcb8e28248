"""Embedding, attention and recurrent layers, with padding and without."""

from __future__ import annotations

from typing import Any

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.testing.draw.chance import Chance, trial
from akid_core.testing.referee import Trial


def embedding(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    rows = chance.rows()
    if chance.turn("embedding", "embedding", "positional") == "positional":
        steps = chance.size(1, 7)
        features = chance.size(1, 6)
        length = steps + chance.size(0, 3)
        layer: Layer = L.PositionalEmbedding(length=length, sinusoidal=chance.one_of(True, False))
        return trial(layer, chance.normal(rows, steps, features))
    entries = chance.size(1, 9)
    indices = random.integers(0, entries, (rows, *chance.sizes(1, 6, chance.size(0, 2))))
    kind = chance.one_of("int64", "int32")
    padding = chance.one_of(None, 0, -1)
    if padding == -1:
        indices = np.where(random.random(indices.shape) < 0.2, -1, indices)
    return trial(L.Embedding(entries=entries, units=chance.size(1, 6), padding_index=padding), indices.astype(kind))


def attention(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    rows, steps, heads = chance.rows(), chance.size(1, 6), chance.size(1, 3)
    features = heads * chance.size(1, 3)
    layer = L.MultiHeadAttention(
        heads=heads,
        units=chance.one_of(None, chance.size(1, 6)),
        key_size=chance.one_of(None, chance.size(1, 5)),
        causal=chance.one_of(True, False),
        dropout=chance.one_of(0.0, 0.0, 0.3),
        bias=chance.one_of(True, False),
    )
    # Small, so that no softmax is saturated: its gradient would be what rounding leaves of it.
    inputs, keys = [chance.normal(rows, steps, features, scale=0.3)], steps
    if chance.one_of(True, False):
        keys = chance.size(1, 6)
        inputs += [chance.normal(rows, keys, chance.size(1, 5), scale=0.3) for _ in range(2)]
    return trial(layer, *inputs, *_mask(chance, rows, keys))


def recurrent(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    rows, steps = chance.rows(), chance.size(1, 6)
    cls: Any = chance.turn(L.LSTM, L.GRU)
    layer = cls(
        units=chance.size(1, 5), return_sequences=chance.one_of(True, False), reverse=chance.one_of(True, False)
    )
    return trial(layer, chance.normal(rows, steps, chance.size(1, 5)), *_mask(chance, rows, steps))


def _mask(chance: Chance, rows: int, steps: int) -> tuple[np.ndarray, ...]:
    """None, or which steps are no padding, as truth values or integers; some rows may be padding alone."""
    lengths = chance.random.integers(0, steps + 1, (rows, 1))
    mask = np.arange(steps) < lengths
    chosen: tuple[np.ndarray, ...] = chance.one_of((), (mask,), (mask.astype(np.int64),))
    return chosen
