"""Initializers: ranges, moments and fans from their papers; reproducible by (seed, path)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akid_core.errors import GraphError
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.initializers import (
    Constant,
    Default,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    Normal,
    Ones,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    UniformUnitScaling,
    Zeros,
)
from akid_core.initializers.fill import initial_values
from akid_core.layers import Conv2d, Dense
from akid_core.random import derive_key
from akid_core.specs import Layer, ParamSpec, TensorSpec

KEY = derive_key(0, "init", "conv/weight")


def weight(init: Initializer, shape: tuple[int, ...] = (200, 300), axes: str = "IO") -> ParamSpec:
    """A dense matrix of 200 inputs and 300 outputs."""
    return ParamSpec(name="weight", shape=shape, init=init, axes=axes, fan_in=200, fan_out=300)


def graph(layer: Layer, spec: TensorSpec, path: str = "conv", params: tuple[ParamSpec, ...] | None = None) -> Graph:
    params = layer.params(spec) if params is None else params
    call = Call(path, layer, (Value("x"),), (spec,), (layer.outputs(spec),), params, path)  # type: ignore[arg-type]
    return Graph(inputs={"x": spec}, fields={}, calls=(call,), outputs={"out": Value(path)})


@pytest.mark.parametrize(
    ("init", "limit"),
    [
        (Default(), 1 / math.sqrt(200)),
        (UniformUnitScaling(), math.sqrt(3 / 200)),
        (UniformUnitScaling(factor=1.43), 1.43 * math.sqrt(3 / 200)),
        (GlorotUniform(), math.sqrt(6 / 500)),
        (HeUniform(), math.sqrt(6 / 200)),
        (Uniform(low=-0.25, high=0.25), 0.25),
    ],
)
def test_uniform_within_a_limit(init: Initializer, limit: float) -> None:
    values = init.values(weight(init), KEY)
    assert values.shape == (200, 300)
    assert values.dtype == np.float64
    assert -limit <= values.min() < -0.999 * limit
    assert 0.999 * limit < values.max() < limit
    assert values.mean() == pytest.approx(0, abs=5 * limit / math.sqrt(3 * values.size))
    assert values.var() == pytest.approx(limit**2 / 3, rel=0.02)


@pytest.mark.parametrize(
    ("init", "mean", "stddev"),
    [
        (GlorotNormal(), 0, math.sqrt(2 / 500)),
        (HeNormal(), 0, math.sqrt(2 / 200)),
        (Normal(mean=3.0, stddev=0.1), 3, 0.1),
    ],
)
def test_normal(init: Initializer, mean: float, stddev: float) -> None:
    values = (init.values(weight(init), KEY) - mean) / stddev
    assert values.mean() == pytest.approx(0, abs=5 / math.sqrt(values.size))
    assert values.var() == pytest.approx(1, abs=5 * math.sqrt(2 / values.size))
    # Shares of a normal distribution beyond one and two standard deviations, from its table.
    assert np.mean(np.abs(values) > 1) == pytest.approx(0.3173, abs=0.01)
    assert np.mean(np.abs(values) > 2) == pytest.approx(0.0455, abs=0.005)


def test_truncated_normal_redraws_what_lies_outside() -> None:
    init = TruncatedNormal(mean=1.0, stddev=0.5)
    values = (init.values(weight(init), KEY) - 1.0) / 0.5
    assert np.abs(values).max() <= 2
    assert values.std() == pytest.approx(0.8796, abs=0.01)  # of a normal cut at two deviations
    assert np.mean(np.abs(values) > 1) == pytest.approx((0.3173 - 0.0455) / (1 - 0.0455), abs=0.01)
    kept = np.abs(whole := Normal(mean=0.0, stddev=1.0).values(weight(init), KEY)) <= 2
    np.testing.assert_allclose(values[kept], whole[kept], atol=1e-12)
    assert np.unique(values[~kept]).size == np.count_nonzero(~kept)


def test_constants() -> None:
    spec = weight(Zeros(), (2, 3))
    np.testing.assert_array_equal(Zeros().values(spec, KEY), [[0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(Ones().values(spec, KEY), [[1, 1, 1], [1, 1, 1]])
    np.testing.assert_array_equal(Constant(value=0.1).values(spec, KEY), [[0.1] * 3] * 2)


@pytest.mark.parametrize(
    ("shape", "axes", "out"),
    [((6, 4), "IO", 1), ((4, 6), "IO", 1), ((8, 2, 3, 3), "OIHW", 0), ((32, 2, 3, 3), "OIHW", 0), ((5, 5), "", 0)],
)
def test_orthogonal(shape: tuple[int, ...], axes: str, out: int) -> None:
    init = Orthogonal(gain=2.0)
    matrix = np.moveaxis(init.values(weight(init, shape, axes), KEY), out, 0).reshape(shape[out], -1) / 2
    small = min(matrix.shape)
    product = matrix @ matrix.T if matrix.shape[0] == small else matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(small), atol=1e-12)


def test_orthogonal_wants_a_matrix() -> None:
    layer = Dense(units=3, bias_init=Orthogonal())
    with pytest.raises(GraphError, match=r"'dense/bias'.*two axes or more"):
        initial_values(graph(layer, TensorSpec(("N", 2)), "dense"), 0)


def test_a_wrong_shape_is_said() -> None:
    class Wrong(Initializer):
        def values(self, spec: ParamSpec, key: tuple[int, int]) -> np.ndarray:
            return np.zeros(3)

    with pytest.raises(GraphError, match="'dense/weight'"):
        initial_values(graph(Dense(units=3, weight_init=Wrong()), TensorSpec(("N", 2)), "dense"), 0)


@pytest.mark.parametrize(
    "wrong", [lambda: Normal(stddev=-1.0), lambda: TruncatedNormal(stddev=-1.0), lambda: Uniform(low=1, high=0)]
)
def test_wrong_settings(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"got"):
        wrong()  # type: ignore[operator]


@pytest.mark.parametrize("init", [GlorotUniform(), GlorotNormal()])
def test_glorot_of_a_convolution(init: Initializer) -> None:
    """3x3 filters from 1 to 10 channels: 9 values enter a unit and 90 leave it, so the variance is 2 / 99."""
    spec = TensorSpec(("N", 1, 8, 8), "float32", "NCHW")
    (param, _) = Conv2d(channels=10, kernel=3, weight_init=init).params(spec)
    assert (param.fan_in, param.fan_out) == (9, 90)
    drawn = [init.values(param, derive_key(seed, "init", "conv/weight")) for seed in range(1000)]
    assert np.std(drawn) == pytest.approx(math.sqrt(2 / 99), abs=0.001)


def test_fans_of_a_dense_layer_are_not_mixed_up() -> None:
    """10000 inputs and 4 outputs start within 0.01, not within 0.5."""
    (param, _) = Dense(units=4, weight_init=Default()).params(TensorSpec(("N", 10000)))
    values = param.init.values(param, KEY)
    assert 0.0099 < np.abs(values).max() <= 0.01


def test_same_seed_same_values_and_every_path_its_own() -> None:
    spec = TensorSpec(("N", 3, 8, 8), "float32", "NCHW")
    layer = Conv2d(channels=4, kernel=3)
    first = initial_values(graph(layer, spec, "conv"), 0)
    again = initial_values(graph(layer, spec, "conv"), 0)
    np.testing.assert_array_equal(first["conv/weight"], again["conv/weight"])
    for other in (initial_values(graph(layer, spec, "conv_2"), 0), initial_values(graph(layer, spec, "conv"), 1)):
        values = next(iter(other.values()))
        correlation = np.corrcoef(first["conv/weight"].ravel(), values.ravel())[0, 1]
        assert abs(correlation) < 5 / math.sqrt(values.size)


def test_types_are_those_of_the_parameters() -> None:
    layer, spec = Dense(units=4), TensorSpec(("N", 3))
    params = (
        ParamSpec(name="weight", shape=(3, 4), init=HeNormal(), fan_in=3),
        ParamSpec(name="count", shape=(2,), init=Zeros(), role="state", dtype="int64"),
    )
    values = initial_values(graph(layer, spec, "dense", params), 0)
    assert [value.dtype.name for value in values.values()] == ["float32", "int64"]
    whole = HeNormal().values(params[0], derive_key(0, "init", "dense/weight"))
    np.testing.assert_array_equal(values["dense/weight"], whole.astype(np.float32))


@given(size=st.integers(1, 50), more=st.integers(1, 50))
def test_a_value_depends_on_its_index_alone(size: int, more: int) -> None:
    """A longer parameter starts with the same values."""
    init = TruncatedNormal()
    short = init.values(weight(init, (size,), "O"), KEY)
    np.testing.assert_array_equal(init.values(weight(init, (size + more,), "O"), KEY)[:size], short)
