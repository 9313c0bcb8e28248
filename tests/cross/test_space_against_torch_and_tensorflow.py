"""Layers over sequences and images against the functions of PyTorch and TensorFlow: values and gradients in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.specs import Layer
from akid_core.testing.run_layer import run_layer

torch = pytest.importorskip("torch")
tf = pytest.importorskip("tensorflow")
functional = torch.nn.functional

RANDOM = np.random.default_rng(0)
CLOSE = {"rtol": 1e-10, "atol": 1e-10}

Oracle = Callable[..., Any]


def by_torch(oracle: Oracle, arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The output, a cotangent for it, and the gradients that it gives."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    out = oracle(*tensors)
    cotangent = np.random.default_rng(1).normal(size=tuple(out.shape))
    out.backward(torch.tensor(cotangent))
    return out.detach().numpy(), cotangent, [tensor.grad.numpy() for tensor in tensors]


def by_tensorflow(oracle: Oracle, arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The same, for an oracle of images whose channels lie last."""
    tensors = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        out = tf.transpose(oracle(tf.transpose(tensors[0], (0, 2, 3, 1)), *tensors[1:]), (0, 3, 1, 2))
    cotangent = np.random.default_rng(1).normal(size=tuple(out.shape))
    gradients = tape.gradient(out, tensors, tf.constant(cotangent, out.dtype))
    return out.numpy(), cotangent, [gradient.numpy() for gradient in gradients]


def check(layer: Layer, oracle: Oracle, x: np.ndarray, by: Callable[..., Any] = by_torch, **params: np.ndarray) -> None:
    out, cotangent, gradients = by(oracle, [x, *params.values()])
    ours = run_layer(layer, x, params=params, cotangents=[cotangent])
    np.testing.assert_allclose(ours.output, out, **CLOSE)
    for mine, theirs in zip((ours.input_gradient, *ours.param_gradients.values()), gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, **CLOSE)


@pytest.mark.parametrize("size", [9, 10])
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 2), (3, 2, 2), (1, 3, 4)])
def test_convolution_of_sequences(size: int, stride: int, dilation: int, groups: int) -> None:
    x, bias = RANDOM.normal(size=(2, 4, size)), RANDOM.normal(size=8)
    weight = RANDOM.normal(size=(8, 4 // groups, 3))
    layer = L.Conv1d(channels=8, kernel=3, stride=stride, dilation=dilation, groups=groups, padding=(2, 1))

    def oracle(x: Any, weight: Any, bias: Any) -> Any:
        return functional.conv1d(functional.pad(x, (2, 1)), weight, bias, stride, 0, dilation, groups)

    check(layer, oracle, x, weight=weight, bias=bias)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), ((2, 4), (1, 3), (2, 1)), (2, (3, 2), 1)])
@pytest.mark.parametrize("padding", [0, 1])
def test_transposed_convolution(groups: int, kernel: Any, stride: Any, dilation: Any, padding: int) -> None:
    """torch's weight lies (in, out / groups, tall, wide)."""
    layer = L.ConvTranspose2d(
        channels=6, kernel=kernel, stride=stride, dilation=dilation, padding=padding, groups=groups
    )
    x, bias = RANDOM.normal(size=(2, 4, 4, 5)), RANDOM.normal(size=6)
    tall, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
    weight = RANDOM.normal(size=(6, 4 // groups, tall, wide))

    def oracle(x: Any, weight: Any, bias: Any) -> Any:
        theirs = torch.cat([part.transpose(0, 1) for part in weight.chunk(groups)])
        return functional.conv_transpose2d(x, theirs, bias, stride, padding, 0, groups, dilation)

    check(layer, oracle, x, weight=weight, bias=bias)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 3), (4, 2), ((5, 2), (1, 2))])
def test_transposed_convolution_with_same_padding(kernel: Any, stride: Any) -> None:
    """TensorFlow's "SAME" gives size * stride; its filters lie (tall, wide, out, in)."""
    tall, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (stride, stride) if isinstance(stride, int) else stride
    x, weight = RANDOM.normal(size=(2, 3, 4, 5)), RANDOM.normal(size=(6, 3, tall, wide))

    def oracle(x: Any, weight: Any) -> Any:
        shape = (2, 4 * down, 5 * right, 6)
        return tf.nn.conv2d_transpose(x, tf.transpose(weight, (2, 3, 0, 1)), shape, (down, right), "SAME")

    layer = L.ConvTranspose2d(channels=6, kernel=kernel, stride=stride, padding="same", bias=False)
    check(layer, oracle, x, by_tensorflow, weight=weight)


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolution(stride: int) -> None:
    """TensorFlow's filters lie (tall, wide, in, out / in)."""
    x, weight = RANDOM.normal(size=(2, 3, 7, 6)), RANDOM.normal(size=(6, 1, 3, 3))

    def oracle(x: Any, weight: Any) -> Any:
        filters = tf.reshape(tf.transpose(weight, (2, 3, 1, 0)), (3, 3, 3, 2))
        return tf.nn.depthwise_conv2d(x, filters, (1, stride, stride, 1), "SAME")

    layer = L.Conv2d(channels=6, kernel=3, stride=stride, padding="same", groups=3, bias=False)
    check(layer, oracle, x, by_tensorflow, weight=weight)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 2, 1), (4, 1, 2), (2, 3, 0)])
def test_pooling_of_sequences(kernel: int, stride: int | None, padding: int) -> None:
    settings: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding}
    x = RANDOM.normal(size=(2, 3, 9))
    check(L.MaxPool1d(**settings), lambda x: functional.max_pool1d(x, kernel, stride, padding), x)
    counted = {"count_include_pad": False}
    check(L.AvgPool1d(**settings), lambda x: functional.avg_pool1d(x, kernel, stride, padding, **counted), x)


def test_global_maximum() -> None:
    x = RANDOM.integers(0, 3, (2, 3, 4, 5)).astype(float)
    check(L.GlobalMaxPool2d(), lambda x: functional.adaptive_max_pool2d(x, 1).flatten(1), x)
    check(L.GlobalMaxPool1d(), lambda x: functional.adaptive_max_pool1d(x, 1).flatten(1), x[:, :, 0])


@pytest.mark.parametrize("factor", [(2, 2), (3, 1), (4, 5)])
@pytest.mark.parametrize("size", [(1, 1), (3, 4), (2, 5)])
def test_upsampling(factor: tuple[int, int], size: tuple[int, int]) -> None:
    x = RANDOM.normal(size=(2, 3, *size))
    lines = {"scale_factor": tuple(map(float, factor)), "mode": "bilinear", "align_corners": False}
    check(L.Upsample(factor=factor, method="bilinear"), lambda x: functional.interpolate(x, **lines), x)
    larger = (size[0] * factor[0], size[1] * factor[1])
    check(L.Upsample(factor=factor), lambda x: tf.image.resize(x, larger, "nearest"), x, by_tensorflow)

    values = run_layer(L.Upsample(factor=factor, method="bilinear"), x).output
    resized = tf.image.resize(x.transpose(0, 2, 3, 1).astype("float32"), larger, "bilinear").numpy()
    np.testing.assert_allclose(values, resized.transpose(0, 3, 1, 2), atol=1e-5)


@pytest.mark.parametrize("radius", [0, 1, 4])
def test_local_response_normalisation(radius: int) -> None:
    """torch divides alpha by the number of channels."""
    x, size = RANDOM.normal(size=(2, 7, 3, 4)), 2 * radius + 1
    layer = L.LRN(depth_radius=radius, bias=1.5, alpha=0.3, beta=0.6)
    check(layer, lambda x: functional.local_response_norm(x, size, 0.3 * size, 0.6, 1.5), x)
    theirs = tf.nn.local_response_normalization(x.transpose(0, 2, 3, 1).astype("float32"), radius, 1.5, 0.3, 0.6)
    np.testing.assert_allclose(run_layer(layer, x).output, theirs.numpy().transpose(0, 3, 1, 2), atol=1e-6)
