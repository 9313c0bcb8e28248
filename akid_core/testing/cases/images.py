"""Layers that look at images and signals: odd and even sizes, strides, lopsided padding, ties."""

from __future__ import annotations

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import Trial

ROWS = 5
RANDOM = np.random.default_rng(11)


def image(
    layer: Layer, channels: int = 3, height: int = 7, width: int = 6, *, values: np.ndarray | None = None
) -> Trial:
    """A layer over images; `values`: (5, channels, height, width) where random ones will not do."""
    inputs = None if values is None else (np.broadcast_to(values, (ROWS, channels, height, width)).astype(np.float32),)
    return Trial(layer=layer, in_specs=(TensorSpec(("N", channels, height, width), "float32", "NCHW"),), inputs=inputs)


def line(layer: Layer, channels: int = 3, length: int = 9, *, values: np.ndarray | None = None) -> Trial:
    """A layer over signals; `values`: (5, channels, length) where random ones will not do."""
    inputs = None if values is None else (values.astype(np.float32),)
    return Trial(layer=layer, in_specs=(TensorSpec(("N", channels, length), "float32", "NCL"),), inputs=inputs)


TIES = RANDOM.integers(-1, 2, (ROWS, 3, 7, 6))
NEGATIVE = -1.0 - RANDOM.random((ROWS, 2, 5, 5))
LINE_TIES = RANDOM.integers(-1, 2, (ROWS, 3, 9))

CONVOLUTIONS = (
    image(L.Conv2d(channels=4, kernel=3)),
    image(L.Conv2d(channels=4, kernel=(2, 5), padding="same"), 3, 6, 9),
    image(L.Conv2d(channels=4, kernel=3, stride=2, padding="same"), 3, 7, 8),
    image(L.Conv2d(channels=4, kernel=(5, 2), stride=(2, 3), padding="same"), 1, 8, 7),
    image(L.Conv2d(channels=2, kernel=3, padding=((0, 2), (1, 0)), bias=False), 2, 5, 5),
    image(L.Conv2d(channels=6, kernel=3, padding=1, stride=2, groups=2), 4, 6, 7),
    image(L.Conv2d(channels=6, kernel=3, dilation=2, groups=3), 3, 8, 7),
    image(L.Conv2d(channels=1, kernel=(4, 2), stride=(1, 2)), 1, 5, 3),  # one window in a row, columns left over
    image(L.Conv2d(channels=2, kernel=1, stride=2, dilation=(1, 2), padding=((0, 0), (1, 1))), 3, 1, 1),
    line(L.Conv1d(channels=4, kernel=3)),
    line(L.Conv1d(channels=4, kernel=4, stride=2, padding="same"), 3, 8),
    line(L.Conv1d(channels=6, kernel=2, padding=(0, 3), dilation=3, groups=3, bias=False)),
    image(L.ConvTranspose2d(channels=4, kernel=3), 3, 4, 3),
    image(L.ConvTranspose2d(channels=2, kernel=(3, 4), stride=2, padding="same"), 3, 4, 3),
    image(L.ConvTranspose2d(channels=4, kernel=3, stride=(2, 3), padding=((1, 0), (0, 2)), groups=2), 2, 4, 3),
    image(L.ConvTranspose2d(channels=2, kernel=2, dilation=2, stride=3, bias=False), 3, 3, 2),
    image(L.ConvTranspose2d(channels=1, kernel=(2, 3), stride=(1, 2)), 1, 2, 1),
)
POOLINGS = (
    image(L.MaxPool2d(kernel=2)),
    image(L.MaxPool2d(kernel=3, stride=2, padding="same"), values=TIES),
    image(L.MaxPool2d(kernel=3, stride=2, padding=((1, 0), (2, 1))), 2, 5, 5, values=NEGATIVE),
    image(L.AvgPool2d(kernel=(2, 3))),
    image(L.AvgPool2d(kernel=3, stride=2, padding="same")),
    image(L.AvgPool2d(kernel=3, stride=(1, 2), padding=((0, 2), (1, 0))), 2, 5, 6),
    line(L.MaxPool1d(kernel=2)),
    line(L.MaxPool1d(kernel=3, stride=2, padding="same"), values=LINE_TIES),
    line(L.AvgPool1d(kernel=3, stride=1, padding=(2, 0))),
    line(L.AvgPool1d(kernel=2, padding="same")),
    image(L.GlobalAvgPool2d(), 3, 5, 4),
    image(L.GlobalMaxPool2d(), values=TIES),
    line(L.GlobalAvgPool1d()),
    line(L.GlobalMaxPool1d(), values=LINE_TIES),
)
TRIALS = (
    *CONVOLUTIONS,
    *POOLINGS,
    image(L.Pad(widths=((1, 0), (0, 2)), value=-1.5)),
    line(L.Pad(widths=2)),
    image(L.PadChannels(before=1, after=2, value=-1.5)),
    image(L.Upsample(factor=(2, 3)), 2, 3, 4),
    image(L.Upsample(factor=2, method="bilinear"), 2, 3, 4),
    image(L.Upsample(factor=(3, 1), method="bilinear"), 2, 2, 1),
    line(L.Upsample(factor=3)),
    image(L.LRN(), 6, 3, 2),
    image(L.LRN(depth_radius=1, bias=2.0, alpha=0.5, beta=0.6), 5, 2, 3),
    image(L.BatchNorm(decay=0.7), 3, 4, 5),
    image(L.Dropout(rate=0.4), 3, 5, 4),
    image(L.SpatialDropout(rate=0.4), 6, 3, 2),
    line(L.SpatialDropout(rate=0.3)),
    image(L.ReLU(), values=TIES),
    image(L.Flatten(), 2, 3, 4),
)
