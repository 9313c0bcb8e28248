"""Every layer's gradients against central differences in float64, away from kinks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from akid_core import layers
from akid_core.specs import Layer
from akid_core.testing.run_layer import initial_params, run_layer

RNG = np.random.default_rng(7)
IMAGE = (2, 2, 4, 5)
LINE = (2, 4, 7)
STEP = 1e-6

CASES: list[tuple[Layer, tuple[tuple[int, ...], ...]]] = [
    (layers.Conv2d(channels=6, kernel=(2, 3), stride=(2, 1), padding="same", groups=2), (IMAGE,)),
    (layers.Conv2d(channels=2, kernel=2, dilation=(2, 3), padding=((1, 0), (0, 1)), bias=False), (IMAGE,)),
    (layers.Dense(units=3), (IMAGE,)),
    (layers.Conv1d(channels=4, kernel=3, stride=2, dilation=2, padding="same", groups=2), (LINE,)),
    (layers.ConvTranspose2d(channels=4, kernel=(3, 2), stride=(2, 3), padding="same", groups=2), (IMAGE,)),
    (layers.ConvTranspose2d(channels=2, kernel=2, dilation=(2, 3), padding=((3, 0), (0, 1)), bias=False), (IMAGE,)),
    (layers.Pad(widths=((1, 0), (0, 2)), value=0.5), (IMAGE,)),
    (layers.Upsample(factor=(2, 3)), (IMAGE,)),
    (layers.Upsample(factor=3, method="bilinear"), (IMAGE,)),
    (layers.LRN(depth_radius=1, bias=2.0, alpha=0.3), (IMAGE,)),
    (layers.SpatialDropout(rate=0.3), (LINE,)),
    (layers.GlobalMaxPool2d(), (IMAGE,)),
    (layers.AvgPool1d(kernel=3, stride=2, padding=(2, 1)), (LINE,)),
    (layers.MaxPool2d(kernel=3, stride=2, padding="same"), (IMAGE,)),
    (layers.AvgPool2d(kernel=(2, 3), stride=(2, 2), padding=((1, 0), (1, 2))), (IMAGE,)),
    (layers.GlobalAvgPool2d(), (IMAGE,)),
    (layers.ReLU(), (IMAGE,)),
    (layers.Tanh(), (IMAGE,)),
    (layers.Sigmoid(), (IMAGE,)),
    (layers.LeakyReLU(negative_slope=0.3), (IMAGE,)),
    (layers.PReLU(), (IMAGE,)),
    (layers.PReLU(shared=True), ((7,),)),
    (layers.GELU(), (IMAGE,)),
    (layers.GELU(approximate="tanh"), (IMAGE,)),
    (layers.SiLU(), (IMAGE,)),
    (layers.Softmax(axis=2), (IMAGE,)),
    (layers.Maxout(group_size=2, axis=2), (IMAGE,)),
    (layers.MeanOut(group_size=5, axis=-1), (IMAGE,)),
    (layers.LayerNorm(axis=(1, 3)), (IMAGE,)),
    (layers.GroupNorm(groups=2), ((2, 6, 3),)),
    (layers.RMSNorm(), (IMAGE,)),
    (layers.L2Normalize(axis=(2, 3)), (IMAGE,)),
    (layers.Reshape(shape=(5, -1)), (IMAGE,)),
    (layers.Transpose(axes=(3, 1, 2)), (IMAGE,)),
    (layers.Split(parts=(1, 3), axis=2), (IMAGE,)),
    (layers.Slice(axis=-1, start=1, step=2), (IMAGE,)),
    (layers.Multiply(), (IMAGE, (2, 2, 1, 5), IMAGE)),
    (layers.Flatten(), (IMAGE,)),
    (layers.Dropout(rate=0.3), (IMAGE,)),
    (layers.BatchNorm(), (IMAGE,)),
    (layers.BatchNorm(scale=False), ((5, 3),)),
    (layers.Add(), (IMAGE, IMAGE)),
    (layers.Concat(axis=2), (IMAGE, (2, 2, 1, 5))),
    (layers.SoftmaxCrossEntropy(smoothing=0.2), ((4, 5), (4, 5))),
    (layers.MeanSquaredError(), (IMAGE, IMAGE)),
]


def difference(value: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """The derivative of `value` by each element of `array`, which is changed in place and restored."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + STEP
        above = value()
        array[index] = kept - STEP
        gradient[index] = (above - value()) / (2 * STEP)
        array[index] = kept
    return gradient


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("layer", "shapes"), CASES, ids=lambda case: getattr(case, "component", lambda: "")())
def test_gradients_are_central_differences(layer: Layer, shapes: tuple[tuple[int, ...], ...], training: bool) -> None:
    inputs = [RNG.normal(size=shape) for shape in shapes]
    params = {name: value + 0.1 for name, value in initial_params(layer, *inputs).items()}
    cotangents = [RNG.normal(size=out.shape) for out in run_layer(layer, *inputs, params=params).outputs]

    def value() -> float:
        run = run_layer(layer, *inputs, params=params, training=training)
        return sum(float(np.sum(out * factor)) for out, factor in zip(run.outputs, cotangents, strict=True))

    run = run_layer(layer, *inputs, params=params, training=training, cotangents=cotangents)
    trained = {name: params[name] for name in run.param_gradients}
    found = [*run.input_gradients, *run.param_gradients.values()]
    for gradient, array in zip(found, [*inputs, *trained.values()], strict=True):
        assert gradient is not None
        expected = difference(value, array)
        assert np.linalg.norm(gradient - expected) <= 1e-7 * max(np.linalg.norm(expected), np.sqrt(array.size))
