"""Layers against PyTorch's own functions in float64: values and gradients over a seeded sweep of settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from akid_core.layers import AvgPool2d, BatchNorm, Conv2d, Dense, MaxPool2d, SoftmaxCrossEntropy
from akid_core.layers.padding import Padding
from akid_core.layers.windows import Windows
from akid_core.specs import Layer
from akid_core.testing.run_layer import LayerRun, run_layer, specs_of

torch = pytest.importorskip("torch")
functional = torch.nn.functional

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
SEEDS = range(40)


def tracked(array: np.ndarray) -> Any:
    return torch.tensor(array, requires_grad=np.issubdtype(array.dtype, np.floating))


def compare(
    layer: Layer,
    oracle: Callable[..., Any],
    inputs: Sequence[np.ndarray],
    params: dict[str, np.ndarray] | None = None,
    training: bool = False,
) -> LayerRun:
    """Check the first output and the gradients by inputs and parameters; `oracle(*inputs, **params)`."""
    theirs = [tracked(value) for value in inputs]
    their_params = {name: tracked(value) for name, value in (params or {}).items()}
    out = oracle(*theirs, **their_params)
    cotangent = np.random.default_rng(0).normal(size=tuple(out.shape))
    out.backward(torch.tensor(cotangent))

    plain = run_layer(layer, *inputs, params=params, training=training)
    cotangents = [cotangent, *(np.zeros_like(extra) for extra in plain.outputs[1:])]
    ours = run_layer(layer, *inputs, params=params, training=training, cotangents=cotangents)
    np.testing.assert_allclose(ours.outputs[0], out.detach().numpy(), **CLOSE)
    for gradient, value in zip(ours.input_gradients, theirs, strict=True):
        if gradient is not None:
            np.testing.assert_allclose(gradient, value.grad.numpy(), **CLOSE)
    for name, gradient in ours.param_gradients.items():
        np.testing.assert_allclose(gradient, their_params[name].grad.numpy(), **CLOSE, err_msg=name)
    return ours


def padded(x: Any, windows: Windows, value: float = 0.0) -> Any:
    """The image with explicit padding, as torch wants it: last axis first."""
    return functional.pad(x, (*windows.widths[1], *windows.widths[0]), value=value)


def draw_padding(rng: np.random.Generator, limit: Sequence[int]) -> Padding:
    """A padding of any form, below `limit` (vertical, horizontal) on each side."""
    sides = [[int(rng.integers(0, size)) for _ in range(2)] for size in limit]
    forms: list[Padding] = [
        "same",
        "valid",
        int(rng.integers(0, min(limit))),
        (sides[0][0], sides[1][0]),
        ((sides[0][0], sides[0][1]), (sides[1][0], sides[1][1])),
    ]
    return forms[int(rng.integers(len(forms)))]


def draw_pair(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    first, second = (int(number) for number in rng.integers(low, high, 2))
    return first, second


@pytest.mark.parametrize("seed", SEEDS)
def test_convolution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, bias = int(rng.integers(1, 4)), bool(rng.integers(2))
    entering, leaving = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 4))
    kernel, stride, dilation = draw_pair(rng, 1, 5), draw_pair(rng, 1, 4), draw_pair(rng, 1, 3)
    layer = Conv2d(
        channels=leaving,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        groups=groups,
        bias=bias,
        padding=draw_padding(rng, (4, 4)),
    )
    x = rng.normal(size=(2, entering, *rng.integers(7, 12, 2)))
    params = {"weight": rng.normal(size=(leaving, entering // groups, *kernel))}
    if bias:
        params["bias"] = rng.normal(size=leaving)
    windows = layer.windows(specs_of([x])[0])

    def oracle(x: Any, weight: Any, bias: Any = None) -> Any:
        return functional.conv2d(padded(x, windows), weight, bias, stride, 0, dilation, groups)

    compare(layer, oracle, [x], params)


@pytest.mark.parametrize("seed", SEEDS)
def test_max_pooling(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel, stride = draw_pair(rng, 1, 5), draw_pair(rng, 1, 4)
    layer = MaxPool2d(kernel=kernel, stride=stride, padding=draw_padding(rng, kernel))
    x = rng.normal(size=(2, 3, *rng.integers(5, 12, 2)))
    windows = layer.windows(specs_of([x])[0])
    compare(layer, lambda x: functional.max_pool2d(padded(x, windows, -np.inf), kernel, stride), [x])


@pytest.mark.parametrize("seed", SEEDS)
def test_average_pooling_is_a_quotient_of_sums(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel, stride = draw_pair(rng, 1, 5), draw_pair(rng, 1, 4)
    layer = AvgPool2d(kernel=kernel, stride=stride, padding=draw_padding(rng, kernel))
    x = rng.normal(size=(2, 3, *rng.integers(5, 12, 2)))
    windows = layer.windows(specs_of([x])[0])

    def oracle(x: Any) -> Any:
        ones = torch.ones_like(x, requires_grad=False)
        above, below = (functional.avg_pool2d(padded(values, windows), kernel, stride) for values in (x, ones))
        return above / below

    compare(layer, oracle, [x])


@pytest.mark.parametrize("shape", [(8, 3), (4, 3, 5), (3, 3, 4, 5), (1, 3, 2, 2)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(shape: tuple[int, ...], training: bool) -> None:
    rng = np.random.default_rng(len(shape))
    x = rng.normal(2.0, 3.0, shape)
    weights = {"scale": rng.normal(size=3), "shift": rng.normal(size=3)}
    state = {"mean": rng.normal(size=3), "variance": rng.uniform(0.5, 2.0, 3)}
    mean, variance = torch.tensor(state["mean"]), torch.tensor(state["variance"])

    def oracle(x: Any, scale: Any, shift: Any, **_: Any) -> Any:
        return functional.batch_norm(x, mean, variance, scale, shift, training, momentum=0.1, eps=1e-5)

    run = compare(BatchNorm(), oracle, [x], weights | state, training)
    assert set(run.updates) == ({"mean", "variance"} if training else set())
    for name, theirs in (("mean", mean), ("variance", variance)):
        np.testing.assert_allclose(run.updates.get(name, state[name]), theirs.numpy(), **CLOSE)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("dense", [True, False])
def test_cross_entropy(smoothing: float, dense: bool) -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0.0, 20.0, (16, 5))
    labels = rng.dirichlet(np.ones(5), 16) if dense else rng.integers(0, 5, 16)

    def oracle(logits: Any, labels: Any) -> Any:
        return functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)

    compare(SoftmaxCrossEntropy(smoothing=smoothing), oracle, [logits, labels])


def test_mean_with_class_weights() -> None:
    rng = np.random.default_rng(4)
    logits, labels, weights = rng.normal(size=(16, 3)), rng.integers(0, 3, 16), (0.5, 1.0, 4.0)
    value, weight = run_layer(SoftmaxCrossEntropy(class_weights=weights), logits, labels).outputs
    theirs = functional.cross_entropy(torch.tensor(logits), torch.tensor(labels), torch.tensor(weights).double())
    np.testing.assert_allclose(np.sum(value * weight) / np.sum(weight), theirs.item(), rtol=1e-10)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
def test_dense(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    params = {"weight": rng.normal(size=(5, 7)), "bias": rng.normal(size=7)}
    compare(
        Dense(units=7),
        lambda x, weight, bias: functional.linear(x, weight.T, bias),
        [rng.normal(size=shape)],
        params,
    )
