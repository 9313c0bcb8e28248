"""Layers over sequences against torch.nn and Keras: values and gradients in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core.layers import GRU, LSTM, MultiHeadAttention
from akid_core.testing.run_layer import LayerRun, run_layer

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(3, 4, 5))
MASK = np.array([[True, True, False, True], [True, False, False, False], [True] * 4])
UNITS = 6
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def columns(gates: int, **more: int) -> dict[str, np.ndarray]:
    """Random parameters of a recurrent layer."""
    shapes: dict[str, Any] = {"weight": (5, gates * UNITS), "recurrent_weight": (UNITS, gates * UNITS)}
    return {
        name: RANDOM.normal(size=shape)
        for name, shape in {**shapes, "bias": (gates * UNITS,), **more}.items()
    }  # fmt: skip


def gru_biases(params: dict[str, np.ndarray]) -> np.ndarray:
    """The second bias of torch and Keras: that of the new gate alone."""
    return np.concatenate([np.zeros(2 * UNITS), params["recurrent_bias"]])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrent_layers_of_torch(name: str, reverse: bool) -> None:
    torch = pytest.importorskip("torch")
    layer = {"LSTM": LSTM, "GRU": GRU}[name](units=UNITS, return_sequences=True, reverse=reverse)
    params = columns(4) if name == "LSTM" else columns(3, recurrent_bias=UNITS)
    theirs = getattr(torch.nn, name)(5, UNITS, batch_first=True, dtype=torch.float64)
    second = np.zeros(4 * UNITS) if name == "LSTM" else gru_biases(params)
    given = (params["weight"].T, params["recurrent_weight"].T, params["bias"], second)
    for parameter, value in zip(theirs.parameters(), given, strict=True):
        parameter.data = torch.tensor(value)

    x = torch.tensor(X, requires_grad=True)
    out, *_ = theirs(x.flip(1) if reverse else x)
    out = out.flip(1) if reverse else out
    run = compare(layer, out, params, (X,), x)
    weight, recurrent, bias, second_bias = (parameter.grad.numpy() for parameter in theirs.parameters())
    np.testing.assert_allclose(run.param_gradients["weight"], weight.T, **CLOSE)
    np.testing.assert_allclose(run.param_gradients["recurrent_weight"], recurrent.T, **CLOSE)
    np.testing.assert_allclose(run.param_gradients["bias"], bias, **CLOSE)
    if name == "GRU":
        np.testing.assert_allclose(run.param_gradients["recurrent_bias"], second_bias[2 * UNITS :], **CLOSE)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_of_torch(causal: bool, masked: bool) -> None:
    torch = pytest.importorskip("torch")
    query, key = RANDOM.normal(size=(3, 4, 6)), RANDOM.normal(size=(3, 4, 6))
    theirs = torch.nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch.float64)
    params = {f"{name}_weight": RANDOM.normal(size=(6, 6)) for name in ("query", "key", "value", "output")}
    params |= {f"{name}_bias": RANDOM.normal(size=6) for name in ("query", "value", "output")}
    entering = [params[f"{name}_weight"].T for name in ("query", "key", "value")]
    theirs.in_proj_weight.data = torch.tensor(np.concatenate(entering))
    biases = [params["query_bias"], RANDOM.normal(size=6), params["value_bias"]]  # any bias of the keys will do
    theirs.in_proj_bias.data = torch.tensor(np.concatenate(biases))
    theirs.out_proj.weight.data = torch.tensor(params["output_weight"].T)
    theirs.out_proj.bias.data = torch.tensor(params["output_bias"])

    q, k = torch.tensor(query, requires_grad=True), torch.tensor(key)
    out, _ = theirs(
        q,
        k,
        k,
        key_padding_mask=torch.tensor(~MASK) if masked else None,
        attn_mask=torch.ones(4, 4).triu(1).bool() if causal else None,
    )
    layer = MultiHeadAttention(heads=2, causal=causal)
    run = compare(layer, out, params, (query, key, key, *([MASK] if masked else [])), q)
    for number, name in enumerate(("query", "key", "value")):
        wanted = theirs.in_proj_weight.grad.numpy()[6 * number : 6 * number + 6].T
        np.testing.assert_allclose(run.param_gradients[f"{name}_weight"], wanted, **CLOSE)


def compare(layer: Any, out: Any, params: dict[str, np.ndarray], inputs: tuple[np.ndarray, ...], x: Any) -> LayerRun:
    """Check values and the gradient by the first input, after backpropagation through torch's output."""
    cotangent = np.random.default_rng(1).normal(size=tuple(out.shape))
    out.backward(out.new_tensor(cotangent))
    run = run_layer(layer, *inputs, params=params, cotangents=[cotangent])
    np.testing.assert_allclose(run.outputs[0], out.detach().numpy(), **CLOSE)
    np.testing.assert_allclose(run.input_gradients[0], x.grad.numpy(), **CLOSE)
    return run


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrent_layers_of_keras(name: str, masked: bool) -> None:
    tf = pytest.importorskip("tensorflow")
    theirs = getattr(tf.keras.layers, name)(UNITS, return_sequences=True, dtype="float64")
    theirs.build(X.shape)
    if name == "LSTM":
        layer: Any = LSTM(units=UNITS, return_sequences=True)
        params = columns(4)
        given = [params["weight"], params["recurrent_weight"], params["bias"]]
    else:
        layer = GRU(units=UNITS, return_sequences=True)
        params = columns(3, recurrent_bias=UNITS)
        given = [
            zrn(array)
            for array in (
                params["weight"],
                params["recurrent_weight"],
                np.stack([params["bias"], gru_biases(params)]),
            )
        ]
    theirs.set_weights(given)
    wanted = theirs(tf.constant(X), mask=tf.constant(MASK) if masked else None).numpy()
    run = run_layer(layer, X, *([MASK] if masked else []), params=params)
    np.testing.assert_allclose(run.outputs[0], wanted, **CLOSE)


def zrn(array: np.ndarray) -> np.ndarray:
    """Columns r, z, n in Keras's order z, r, n."""
    reset, update, new = np.split(array, 3, axis=-1)
    return np.concatenate([update, reset, new], axis=-1)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_of_keras(causal: bool) -> None:
    tf = pytest.importorskip("tensorflow")
    theirs = tf.keras.layers.MultiHeadAttention(num_heads=2, key_dim=3, dtype="float64")
    theirs.build(X.shape, X.shape)
    names = ("query", "key", "value")
    params = {f"{name}_weight": RANDOM.normal(size=(5, 6)) for name in names}
    params |= {f"{name}_bias": RANDOM.normal(size=6) for name in ("query", "value")}
    params |= {"output_weight": RANDOM.normal(size=(6, 5)), "output_bias": RANDOM.normal(size=5)}
    biases = {**params, "key_bias": RANDOM.normal(size=6)}  # any bias of the keys will do
    given = [
        array
        for name in names
        for array in (params[f"{name}_weight"].reshape(5, 2, 3), biases[f"{name}_bias"].reshape(2, 3))
    ]
    theirs.set_weights([*given, params["output_weight"].reshape(2, 3, 5), params["output_bias"]])
    mask = tf.constant(MASK)[:, None, :]
    wanted = theirs(tf.constant(X), tf.constant(X), attention_mask=mask, use_causal_mask=causal).numpy()
    run = run_layer(MultiHeadAttention(heads=2, key_size=3, causal=causal), X, MASK, params=params)
    np.testing.assert_allclose(run.outputs[0], wanted, rtol=1e-6, atol=1e-6)  # Keras scales by a float32 number
