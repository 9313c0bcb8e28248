"""Layers over sequences: values worked out by hand, masks, and inputs that do not fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from akid_core.layers import GRU, LSTM, MultiHeadAttention, PositionalEmbedding
from akid_core.specs import Layer, TensorSpec
from akid_core.testing.layers import LayerSuite
from akid_core.testing.run_layer import run_layer

SEQUENCE = TensorSpec(("N", 5, 6), "float32", "NTC")
OPEN = TensorSpec(("N", "T", 6), "float32", "NTC")
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 5, 6))


class TestPositionalEmbedding(LayerSuite):
    @pytest.fixture
    def layer(self) -> Layer:
        return PositionalEmbedding(length=7)

    @pytest.fixture
    def in_specs(self) -> Sequence[TensorSpec]:
        return (SEQUENCE,)


class TestMultiHeadAttention(LayerSuite):
    random = True

    @pytest.fixture
    def layer(self) -> Layer:
        return MultiHeadAttention(heads=2, causal=True, dropout=0.4)

    @pytest.fixture
    def in_specs(self) -> Sequence[TensorSpec]:
        return (SEQUENCE,)


class TestLSTM(LayerSuite):
    @pytest.fixture
    def layer(self) -> Layer:
        return LSTM(units=3, return_sequences=True)

    @pytest.fixture
    def in_specs(self) -> Sequence[TensorSpec]:
        return (SEQUENCE, TensorSpec(("N", 5), "bool"))


class TestGRU(LayerSuite):
    @pytest.fixture
    def layer(self) -> Layer:
        return GRU(units=3, reverse=True)

    @pytest.fixture
    def in_specs(self) -> Sequence[TensorSpec]:
        return (OPEN,)


def test_the_table_is_added_row_by_row() -> None:
    table = RANDOM.normal(size=(9, 6))
    run = run_layer(PositionalEmbedding(length=9), X, params={"weight": table})
    np.testing.assert_array_equal(run.outputs[0], X + table[:5])
    np.testing.assert_array_equal(run.param_gradients["weight"], np.repeat([[2.0]] * 5 + [[0.0]] * 4, 6, axis=1))


def test_sines_and_cosines() -> None:
    """Vaswani et al., section 3.5: the wavelengths grow from 2 pi by a factor of 10000^(2 / features)."""
    (table,) = run_layer(PositionalEmbedding(sinusoidal=True), np.zeros((1, 3, 5))).outputs
    for step in range(3):
        slow, slower = step / 10000 ** (2 / 5), step / 10000 ** (4 / 5)
        wanted = [math.sin(step), math.cos(step), math.sin(slow), math.cos(slow), math.sin(slower)]
        np.testing.assert_allclose(table[0, step], wanted, rtol=1e-12)


IDENTITY = {f"{name}_weight": np.eye(2) for name in ("query", "key", "value", "output")}


def test_attention_by_hand() -> None:
    """One head, all projections the identity: softmax(x x^T / sqrt(2)) x."""
    x = np.array([[[1.0, 0.0], [0.0, 2.0]]])
    scores = np.array([[1.0, 0.0], [0.0, 4.0]]) / math.sqrt(2)
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    (out,) = run_layer(MultiHeadAttention(heads=1, bias=False), x, params=IDENTITY).outputs
    np.testing.assert_allclose(out[0], weights @ x[0], rtol=1e-12)

    (out,) = run_layer(MultiHeadAttention(heads=1, bias=False, causal=True), x, params=IDENTITY).outputs
    np.testing.assert_allclose(out[0, 0], x[0, 0], rtol=1e-12)
    np.testing.assert_allclose(out[0, 1], weights[1] @ x[0], rtol=1e-12)


def test_a_step_that_may_attend_no_key_takes_nothing() -> None:
    mask = np.array([[True, True, False, False, False], [False] * 5])
    params = {"output_bias": np.arange(6.0)}
    run = run_layer(MultiHeadAttention(heads=2), X, mask, params=params)
    np.testing.assert_array_equal(run.outputs[0][1], np.tile(np.arange(6.0), (5, 1)))
    assert run.input_gradients[0] is not None
    np.testing.assert_array_equal(run.input_gradients[0][1], np.zeros((5, 6)))
    assert all(np.isfinite(gradient).all() for gradient in run.param_gradients.values())

    alone = run_layer(MultiHeadAttention(heads=2), X[:1, :2], params=params)
    np.testing.assert_allclose(run.outputs[0][0, :2], alone.outputs[0][0], rtol=1e-12)


def test_large_scores_do_not_overflow() -> None:
    assert np.isfinite(run_layer(MultiHeadAttention(heads=2, causal=True), 1e6 * X).outputs[0]).all()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_lstm_by_hand() -> None:
    """One unit over two steps; gates i, f, g, o."""
    params = {"weight": [[0.5, -1.0, 2.0, 1.5]], "recurrent_weight": [[0.1, 0.2, -0.3, 0.4]], "bias": [0, 1, 0.5, -1]}
    h = c = 0.0
    wanted = []
    for x in (1.0, -2.0):
        i = sigmoid(0.5 * x + 0.1 * h)
        f = sigmoid(-1.0 * x + 0.2 * h + 1)
        g = math.tanh(2.0 * x - 0.3 * h + 0.5)
        o = sigmoid(1.5 * x + 0.4 * h - 1)
        c = f * c + i * g
        h = o * math.tanh(c)
        wanted.append(h)
    arrays = {name: np.array(value, float) for name, value in params.items()}
    x = np.array([[[1.0], [-2.0]]])
    (sequence,) = run_layer(LSTM(units=1, return_sequences=True), x, params=arrays).outputs
    np.testing.assert_allclose(sequence[0, :, 0], wanted, rtol=1e-12)
    (last,) = run_layer(LSTM(units=1), x, params=arrays).outputs
    np.testing.assert_allclose(last, [[wanted[-1]]], rtol=1e-12)
    (backwards,) = run_layer(LSTM(units=1, return_sequences=True, reverse=True), x[:, ::-1], params=arrays).outputs
    np.testing.assert_allclose(backwards[0, ::-1, 0], wanted, rtol=1e-12)


def test_gru_by_hand() -> None:
    """One unit over two steps; gates r, z, n, the reset after the product."""
    params = {"weight": [[0.5, -1.0, 2.0]], "recurrent_weight": [[0.1, 0.2, -0.3]], "bias": [0, 1, 0.5]}
    h, wanted = 0.0, []
    for x in (1.0, -2.0):
        r = sigmoid(0.5 * x + 0.1 * h)
        z = sigmoid(-1.0 * x + 0.2 * h + 1)
        n = math.tanh(2.0 * x + 0.5 + r * (-0.3 * h + 0.7))
        h = (1 - z) * n + z * h
        wanted.append(h)
    arrays = {name: np.array(value, float) for name, value in params.items()} | {"recurrent_bias": np.array([0.7])}
    (out,) = run_layer(GRU(units=1, return_sequences=True), np.array([[[1.0], [-2.0]]]), params=arrays).outputs
    np.testing.assert_allclose(out[0, :, 0], wanted, rtol=1e-12)


@pytest.mark.parametrize("cell", [LSTM, GRU])
@pytest.mark.parametrize("reverse", [False, True])
def test_masked_steps_are_passed_over(cell: Any, reverse: bool) -> None:
    mask = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0]])
    settings = {"units": 3, "reverse": reverse}
    params = {"bias": RANDOM.normal(size=3 * cell.gates)}
    run = run_layer(cell(**settings), X, mask, params=params)
    short = run_layer(cell(**settings), X[:1, :3], params=params)
    np.testing.assert_allclose(run.outputs[0][:1], short.outputs[0], rtol=1e-12)
    np.testing.assert_array_equal(run.outputs[0][1], np.zeros(3))
    assert run.input_gradients[0] is not None
    np.testing.assert_array_equal(run.input_gradients[0][0, 3:], np.zeros((2, 6)))

    (sequence,) = run_layer(cell(**settings, return_sequences=True), X, mask, params=params).outputs
    stays = np.zeros(3) if reverse else sequence[0, 2]
    np.testing.assert_array_equal(sequence[0, 3:], [stays, stays])


@pytest.mark.parametrize(
    ("layer", "specs", "said"),
    [
        (PositionalEmbedding(length=4), (SEQUENCE,), "has a table for 4 steps, and float32.* has 5: raise `length`"),
        (PositionalEmbedding(), (OPEN,), "needs `length`, the most steps that there may be"),
        (LSTM(units=2), (TensorSpec(("N", 6)),), "needs sequences"),
        (LSTM(units=2), (TensorSpec(("N", 6, 5), "float32", "NCT"),), "put Transpose before it"),
        (LSTM(units=2), (SEQUENCE, SEQUENCE), "takes a mask of truth values or integers"),
        (LSTM(units=2), (SEQUENCE, TensorSpec(("N", 4), "bool")), "takes a mask of truth values or integers"),
        (GRU(units=2), (SEQUENCE,) * 3, "takes a sequence, and a mask if there is one, got 3 inputs"),
        (MultiHeadAttention(heads=4), (SEQUENCE,), "cannot share 6 features among 4 heads: say `key_size`"),
        (MultiHeadAttention(heads=2), (SEQUENCE, SEQUENCE), "takes a mask of truth values or integers"),
        (MultiHeadAttention(heads=2), (SEQUENCE,) * 5, "got 5 inputs"),
        (MultiHeadAttention(heads=2), (SEQUENCE, SEQUENCE, OPEN), "takes a value for each key"),
        (MultiHeadAttention(heads=2), (SEQUENCE, SEQUENCE, SEQUENCE.with_dtype("float64")), "of one type"),
        (MultiHeadAttention(heads=2, dropout=0.1), (OPEN,), "has symbolic dimensions beside the batch"),
    ],
)
def test_inputs_that_do_not_fit(layer: Layer, specs: tuple[TensorSpec, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        layer.outputs(*specs)


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (LSTM, {"units": 0}),
        (MultiHeadAttention, {"heads": 0}),
        (MultiHeadAttention, {"heads": 1, "dropout": 1.0}),
        (MultiHeadAttention, {"heads": 1, "key_size": 0}),
        (PositionalEmbedding, {"length": 0}),
    ],
)
def test_settings_that_make_no_sense(cls: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1|below 1"):
        cls(**settings)
