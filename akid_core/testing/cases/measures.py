"""Losses and metrics: dense and index labels, rows that do not count, large logits."""

from __future__ import annotations

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import Trial

RANDOM = np.random.default_rng(12)
VALUES = RANDOM.normal(size=(5, 4)).astype(np.float32)
OTHERS = RANDOM.normal(size=(5, 4)).astype(np.float32)
CLASSES = np.array([3, 0, 2, 2, 1])
SHARES = (np.exp(OTHERS) / np.exp(OTHERS).sum(axis=1, keepdims=True)).astype(np.float32)


def of(layer: Layer, *inputs: np.ndarray) -> Trial:
    """A loss or metric of these inputs, the batch first."""
    specs = tuple(TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for value in inputs)
    return Trial(layer=layer, in_specs=specs, inputs=inputs)


TRIALS = (
    of(L.SoftmaxCrossEntropy(), VALUES, CLASSES),
    of(L.SoftmaxCrossEntropy(weight=0.5), 100 * VALUES, CLASSES),
    of(L.SoftmaxCrossEntropy(smoothing=0.1, class_weights=(1.0, 2.0, 0.5, 0.0)), VALUES, CLASSES),
    of(L.SoftmaxCrossEntropy(), VALUES, SHARES),
    of(L.MeanSquaredError(weight=2.0), VALUES, OTHERS),
    of(L.Accuracy(), VALUES, CLASSES),
    of(L.Accuracy(), np.round(VALUES), SHARES),
)
