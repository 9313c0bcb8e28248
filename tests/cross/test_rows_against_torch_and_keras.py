"""Activations, norms of rows, groups and embedding against torch and Keras: values and gradients in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.plugins import default_manager
from akid_core.specs import Layer, TensorSpec
from akid_core.testing.referee import FLOAT32, Trial
from akid_core.testing.run_layer import run_layer

RANDOM = np.random.default_rng(0)
IMAGE, ROW = RANDOM.normal(size=(3, 4, 5, 6)), RANDOM.normal(size=(7, 6))
TIES = RANDOM.integers(-1, 2, (3, 4, 5, 6)).astype(float)
ZEROS = ROW * (np.arange(7) % 2)[:, None]
WORDS = RANDOM.integers(0, 9, (3, 5))
TORCH, KERAS = 1e-10, 1e-6
"""How near they are; Keras holds constants such as the root of 2 in float32."""

Params = dict[str, np.ndarray]
Case = tuple[Layer, np.ndarray, Params, Callable[..., Any]]


def draw(*shape: int, names: tuple[str, ...] = ("scale", "shift")) -> Params:
    return {name: RANDOM.normal(size=shape) for name in names}


def compare(
    case: Case, near: float, variable: Callable[[np.ndarray], Any], gradients: Callable[..., list[Any]]
) -> None:
    """`variable` makes a tensor; `gradients(function, tensors, cotangent)` gives the output, then the gradients."""
    layer, x, params, oracle = case
    ours = run_layer(layer, x, params=params)
    cotangent = RANDOM.normal(size=ours.output.shape)
    ours = run_layer(layer, x, params=params, cotangents=[cotangent])
    tensors = [variable(value) for value in (x, *params.values())]
    output, by_input, *by_params = gradients(oracle, tensors, cotangent)
    np.testing.assert_allclose(ours.output, output, rtol=near, atol=near, err_msg=str(layer))
    if x.dtype.kind == "f":
        np.testing.assert_allclose(ours.input_gradient, by_input, rtol=near, atol=near, err_msg=str(layer))
    for name, gradient in zip(params, by_params, strict=True):
        np.testing.assert_allclose(
            ours.param_gradients[name], gradient, rtol=near, atol=near, err_msg=f"{name} of {layer}"
        )


def torch_cases() -> list[Case]:
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    slopes = draw(4, names=("slope",))
    return [
        (L.LeakyReLU(), TIES, {}, f.leaky_relu),
        (L.PReLU(), TIES, slopes, f.prelu),
        (L.PReLU(shared=True), TIES, draw(1, names=("slope",)), f.prelu),
        (L.GELU(), IMAGE * 5, {}, f.gelu),
        (L.GELU(approximate="tanh"), IMAGE * 5, {}, lambda x: f.gelu(x, approximate="tanh")),
        (L.SiLU(), IMAGE * 5, {}, f.silu),
        (L.Softmax(), IMAGE * 100, {}, lambda x: f.softmax(x, -1)),
        (L.Softmax(axis=1), IMAGE, {}, lambda x: f.softmax(x, 1)),
        (L.Maxout(group_size=2), TIES, {}, lambda x: x.unflatten(1, (2, 2)).max(2).values),
        (L.MeanOut(group_size=3, axis=-1), ROW, {}, lambda x: f.avg_pool1d(x[:, None], 3)[:, 0]),
        (L.LayerNorm(), IMAGE, draw(6), lambda x, scale, shift: f.layer_norm(x, (6,), scale, shift)),
        (L.LayerNorm(axis=(2, 3)), IMAGE, draw(5, 6), lambda x, scale, shift: f.layer_norm(x, (5, 6), scale, shift)),
        (L.GroupNorm(groups=2), IMAGE, draw(4), lambda x, scale, shift: f.group_norm(x, 2, scale, shift)),
        (L.GroupNorm(groups=4), IMAGE, draw(4), lambda x, scale, shift: f.instance_norm(x, weight=scale, bias=shift)),
        (L.RMSNorm(), IMAGE, draw(6, names=("scale",)), lambda x, scale: f.rms_norm(x, (6,), scale, 1e-5)),
        (L.L2Normalize(axis=1), IMAGE, {}, lambda x: f.normalize(x, dim=1, eps=1e-6)),
        (L.L2Normalize(epsilon=1e-4), ZEROS, {}, lambda x: f.normalize(x, eps=1e-2)),
        (L.Embedding(entries=9, units=4), WORDS, draw(9, 4, names=("weight",)), f.embedding),
        (L.Reshape(shape=(8, -1)), IMAGE, {}, lambda x: x.reshape(3, 8, 15)),
        (L.Transpose(axes=(2, 3, 1)), IMAGE, {}, lambda x: x.permute(0, 2, 3, 1)),
        (L.Slice(axis=3, start=-5, step=2), IMAGE, {}, lambda x: x[..., -5::2]),
    ]


def keras_cases() -> list[Case]:
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras runs on another backend here")

    def norm(layer: Any, *names: str) -> Callable[..., Any]:
        """What calls a Keras layer with the given tensors in the place of its variables."""

        def call(x: Any, *values: Any) -> Any:
            layer.build(x.shape)
            variables = [getattr(layer, name) for name in names]
            out, _ = layer.stateless_call(values, [], x) if variables else (layer(x), None)
            return out

        return call

    layers, both = keras.layers, {"epsilon": 1e-5, "dtype": "float64"}
    table = draw(9, 4, names=("weight",))
    return [
        (L.LeakyReLU(negative_slope=0.25), TIES, {}, layers.LeakyReLU(negative_slope=0.25, dtype="float64")),
        (L.GELU(), IMAGE * 5, {}, lambda x: keras.ops.gelu(x, approximate=False)),
        (L.GELU(approximate="tanh"), IMAGE * 5, {}, keras.ops.gelu),
        (L.SiLU(), IMAGE * 5, {}, keras.ops.silu),
        (L.Softmax(axis=1), IMAGE * 100, {}, layers.Softmax(axis=1, dtype="float64")),
        (L.LayerNorm(), IMAGE, draw(6), norm(layers.LayerNormalization(**both), "gamma", "beta")),
        (L.LayerNorm(axis=(1, 3)), IMAGE, draw(4, 6), norm(layers.LayerNormalization((1, 3), **both), "gamma", "beta")),
        (L.GroupNorm(groups=2), IMAGE, draw(4), norm(layers.GroupNormalization(2, axis=1, **both), "gamma", "beta")),
        (L.RMSNorm(), IMAGE, draw(6, names=("scale",)), norm(layers.RMSNormalization(**both), "scale")),
        (L.L2Normalize(), ROW, {}, lambda x: keras.ops.normalize(x, axis=-1)),
        (
            L.Embedding(entries=9, units=4),
            WORDS,
            table,
            lambda x, weight: keras.ops.take(weight, x, 0),
        ),
    ]


def test_torch() -> None:
    import torch

    def gradients(oracle: Callable[..., Any], tensors: list[Any], cotangent: np.ndarray) -> list[Any]:
        output = oracle(*tensors)
        output.backward(torch.tensor(cotangent))
        return [output.detach().numpy(), *(tensor.grad for tensor in tensors)]

    for case in torch_cases():
        compare(case, TORCH, lambda value: torch.tensor(value, requires_grad=value.dtype.kind == "f"), gradients)


def test_keras() -> None:
    cases = keras_cases()
    import tensorflow as tf

    def gradients(oracle: Callable[..., Any], tensors: list[Any], cotangent: np.ndarray) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch([tensor for tensor in tensors if tensor.dtype.is_floating])
            output = oracle(*tensors)
        found = tape.gradient(output, tensors, tf.constant(cotangent))
        return [output.numpy(), *(None if one is None else tf.convert_to_tensor(one).numpy() for one in found)]

    for case in cases:
        compare(case, KERAS, tf.constant, gradients)


@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
@pytest.mark.parametrize("index", [-1, 9, 2**40])
def test_an_index_outside_the_table_gives_no_number_anywhere(backend: str, index: int) -> None:
    """And takes no part in the gradient; where frameworks stop, clip or count from the end, by device."""
    pytest.importorskip(backend)
    made = default_manager().registry.get("backend", backend)()
    words = np.array([[3, 8], [3, index]])
    trial = Trial(
        layer=L.Embedding(entries=9, units=2), in_specs=(TensorSpec(("N", 2), "int64"),), inputs=(words,), batch=2
    )
    (found,) = trial.forward(made, FLOAT32)
    np.testing.assert_array_equal(np.isnan(found), [[[False] * 2] * 2, [[False] * 2, [True] * 2]])
    np.testing.assert_array_equal(found[0], trial.params["weight"][[3, 8]])
    gradient = trial.gradients(made, FLOAT32)["weight"]
    np.testing.assert_array_equal(np.flatnonzero(gradient.any(axis=1)), [3, 8])
