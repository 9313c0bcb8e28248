"""Random configurations of layers, by family: what `akid_core.testing.sweep` compares.

Each function takes a generator and the number of the configuration, which walks through the layers of the family.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from akid_core.testing.draw import measures, rows, sequences, space
from akid_core.testing.referee import Trial

FAMILIES: dict[str, Callable[[np.random.Generator, int], Trial]] = {
    "conv": space.convolution,
    "pool": space.pooling,
    "resize": space.resizing,
    "dense": rows.dense,
    "norm": rows.norm,
    "activation": rows.activation,
    "dropout": rows.dropout,
    "shape": rows.shape,
    "merge": rows.merge,
    "embedding": sequences.embedding,
    "attention": sequences.attention,
    "recurrent": sequences.recurrent,
    "loss": measures.loss,
    "metric": measures.metric,
}
