"""The layer suite on every layer of the core, and on layers that break each of its rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from akid_core import layers
from akid_core.errors import SpecError
from akid_core.initializers import GlorotNormal
from akid_core.specs import Layer, TensorSpec
from akid_core.specs.context import Context
from akid_core.specs.layer import Array
from akid_core.testing.layers import LayerSuite, Trial, compare_forward, referee
from akid_core.testing.referee import FLOAT32, difference

IMAGE = TensorSpec(("N", 4, 7, 6), "float32", "NCHW")
ROW = TensorSpec(("N", 5), "float32")
LABEL = TensorSpec(("N",), "int64", "N")

Case = tuple[Layer, tuple[TensorSpec, ...]]


def cases(*each: Case) -> Any:
    """A fixture that gives each layer with the specs of its inputs."""

    def case(self: Any, request: Any) -> Case:
        return request.param  # type: ignore[no-any-return]

    return pytest.fixture(params=each, ids=lambda case: re.sub(r"\(.*", "", repr(case[0])))(case)


class CaseSuite(LayerSuite):
    @pytest.fixture
    def layer(self, case: Case) -> Layer:
        return case[0]

    @pytest.fixture
    def in_specs(self, case: Case) -> tuple[TensorSpec, ...]:
        return case[1]


class TestPlainLayers(CaseSuite):
    case = cases(
        (layers.Conv2d(channels=6, kernel=(3, 2), stride=2, padding="same", groups=2), (IMAGE,)),
        (layers.Conv2d(channels=3, kernel=2, dilation=2, bias=False, weight_init=GlorotNormal()), (IMAGE,)),
        (layers.Dense(units=3, name="logits"), (ROW,)),
        (layers.MaxPool2d(kernel=3, stride=2, padding="same"), (IMAGE,)),
        (layers.AvgPool2d(kernel=(2, 3), padding=1), (IMAGE,)),
        (layers.GlobalAvgPool2d(), (IMAGE,)),
        (layers.ReLU(), (IMAGE,)),
        (layers.Tanh(), (ROW,)),
        (layers.Sigmoid(), (ROW,)),
        (layers.LeakyReLU(negative_slope=0.3), (ROW,)),
        (layers.PReLU(), (IMAGE,)),
        (layers.GELU(approximate="tanh"), (ROW,)),
        (layers.SiLU(), (ROW,)),
        (layers.Softmax(axis=1), (IMAGE,)),
        (layers.Maxout(group_size=2), (IMAGE,)),
        (layers.MeanOut(group_size=5), (ROW,)),
        (layers.LayerNorm(axis=(1, -1), shift=False), (IMAGE,)),
        (layers.GroupNorm(groups=2), (IMAGE,)),
        (layers.RMSNorm(), (ROW,)),
        (layers.L2Normalize(axis=1), (IMAGE,)),
        (layers.Reshape(shape=(7, -1)), (IMAGE,)),
        (layers.Transpose(axes=(2, 3, 1)), (IMAGE,)),
        (layers.Split(parts=(1, 3)), (IMAGE,)),
        (layers.Split(parts=5), (ROW,)),
        (layers.Slice(start=-3, step=2), (IMAGE,)),
        (layers.Multiply(), (IMAGE, IMAGE)),
        (layers.Embedding(entries=2, units=3, padding_index=-1), (LABEL,)),
        (layers.Flatten(), (IMAGE,)),
        (layers.Add(), (IMAGE, IMAGE, IMAGE)),
        (layers.Concat(), (IMAGE, IMAGE)),
        (layers.SoftmaxCrossEntropy(smoothing=0.1, class_weights=(1.0, 2.0, 0.5, 1.0, 1.0)), (ROW, LABEL)),
        (layers.MeanSquaredError(weight=2.0), (ROW, ROW)),
    )


class TestBatchNorm(CaseSuite):
    trains_differently = True
    case = cases((layers.BatchNorm(), (IMAGE,)), (layers.BatchNorm(scale=False, decay=0.99), (ROW,)))


class TestDropout(CaseSuite):
    random = True
    case = cases((layers.Dropout(rate=0.4), (IMAGE,)))


class TestAccuracy(CaseSuite):
    differentiable = False
    case = cases((layers.Accuracy(), (ROW, LABEL)), (layers.Accuracy(), (ROW, ROW)))


class TestGivenInputs(LayerSuite):
    """A fixture `inputs` takes the place of random ones."""

    @pytest.fixture
    def layer(self) -> Layer:
        return layers.SoftmaxCrossEntropy()

    @pytest.fixture
    def in_specs(self) -> tuple[TensorSpec, ...]:
        return (ROW, LABEL)

    @pytest.fixture
    def inputs(self) -> tuple[np.ndarray, ...]:
        return np.linspace(-3, 3, 15, dtype=np.float32).reshape(3, 5), np.array([4, 0, 2])

    def test_they_are_used(self, trial: Trial) -> None:
        assert trial.fields["input1"].tolist() == [4, 0, 2]
        assert trial.batch == 3


@dataclass(frozen=True, kw_only=True)
class Broken(Layer):
    """Squares, and breaks one rule."""

    rule: str

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x.with_shape("N", 1) if self.rule == "shape" else x

    def forward(self, context: Context, x: Array) -> Array:
        ops = context.ops
        if self.rule == "gradient":
            return x * ops.stop_gradient(x)
        if self.rule == "type":
            return ops.astype(x * x, "float64")
        if self.rule == "rows":
            return x * x - ops.mean(x, axis=0, keepdims=True)
        if self.rule == "training" and context.training:
            return x
        if self.rule == "random":
            return x * ops.astype(context.keep(0.5, context.call.in_specs[0].row), "float32")
        return x * x


BREAKS: dict[str, Callable[[Trial], None]] = {
    "shape": lambda trial: LayerSuite().test_outputs_are_as_promised(trial, referee(), False),
    "type": lambda trial: LayerSuite().test_outputs_are_as_promised(trial, referee(), False),
    "gradient": lambda trial: LayerSuite().test_gradients_match_finite_differences(trial, referee()),
    "rows": lambda trial: LayerSuite().test_batch_of_one(trial, referee()),
    "training": lambda trial: LayerSuite().test_training_and_evaluation(trial, referee()),
    "random": lambda trial: LayerSuite().test_is_a_function_of_its_inputs_and_the_step(trial, referee()),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_a_broken_rule_is_found(rule: str) -> None:
    with pytest.raises(SpecError if rule in ("shape", "type") else AssertionError):
        BREAKS[rule](Trial(layer=Broken(rule=rule), in_specs=(ROW,)))
    if rule not in ("shape", "type"):
        BREAKS[rule](Trial(layer=Broken(rule=""), in_specs=(ROW,)))


def test_another_backend_that_is_wrong_is_found() -> None:
    class Slanted(type(referee())):  # type: ignore[misc]
        """A backend whose networks hold slightly other parameters than they were given."""

        def network(self, *arguments: Any) -> Any:
            network = super().network(*arguments)
            fill = network.fill
            network.fill = lambda values: fill({path: value * 1.001 for path, value in values.items()})
            return network

    good = compare_forward(referee(), layers.Dense(units=3), (ROW,))
    bad = compare_forward(Slanted(), layers.Dense(units=3), (ROW,))
    assert max(good.values()) < 1e-6 < 1e-4 < max(bad.values())


def test_the_error_is_relative_to_the_norm() -> None:
    assert difference(np.array([3.0, 4.5]), np.array([3.0, 4.0])) == pytest.approx(0.1)
    assert difference(np.full(4, 1e-4), np.zeros(4)) == pytest.approx(2e-4 / 2e-3)


def test_a_trial_is_drawn_from_its_seed() -> None:
    trial = Trial(layer=layers.Dense(units=2), in_specs=(ROW,), batch=3)
    again, other = replace(trial), replace(trial, seed=1)
    np.testing.assert_array_equal(trial.fields["input0"], again.fields["input0"])
    assert not np.array_equal(trial.fields["input0"], other.fields["input0"])
    assert trial.forward(referee(), FLOAT32)[0].shape == (3, 2)
