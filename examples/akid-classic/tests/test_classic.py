"""The layers of akid-classic keep what every layer promises, and give what was worked out by hand, on every backend."""

from __future__ import annotations

import math

import numpy as np
import pytest

import akid_core as akid
from akid_classic.colorization import ColorizationReLU
from akid_classic.conv import SelfNormalizedConv2d
from akid_classic.dense import FixedDense
from akid_classic.group_softmax import GroupSoftmax, GroupSoftmaxCrossEntropy
from akid_classic.hinge import BalancedHinge, TripodHinge
from akid_classic.memory import MemoryMaxPool2d, MemoryReLU
from akid_classic.projection import EquivariantProjection
from akid_core import layers as L
from akid_core.backends.contract import Backend
from akid_core.initializers import Constant
from akid_core.specs import Layer, Loss, TensorSpec
from akid_core.testing.hygiene import found, modules_after_import
from akid_core.testing.installed import backend, backends
from akid_core.testing.layers import LayerSuite

FEATURES, IMAGE = TensorSpec(("N", 6)), TensorSpec(("N", 4, 5, 6), axes="NCHW")


class ClassicSuite(LayerSuite):
    """On every backend that is installed."""

    @pytest.fixture(params=backends())
    def backend(self, request: pytest.FixtureRequest) -> Backend:
        return backend(request.param)


CASES = {
    "group_softmax": (GroupSoftmax(group_size=3), (FEATURES,)),
    "group_softmax of images": (GroupSoftmax(group_size=2, temperature=2.0, learn_temperature=True), (IMAGE,)),
    "group_softmax of one": (GroupSoftmax(group_size=1), (FEATURES,)),
    "group_softmax_cross_entropy": (
        GroupSoftmaxCrossEntropy(group_size=3, temperature=0.5), (FEATURES, TensorSpec(("N", 2), "int64")),
    ),
    "memory_relu": (MemoryReLU(), (IMAGE,)),
    "memory_relu of another": (MemoryReLU(), (IMAGE, IMAGE)),
    "memory_max_pool2d": (MemoryMaxPool2d(kernel=2), (IMAGE,)),
    "memory_max_pool2d of another": (MemoryMaxPool2d(kernel=3, stride=2, padding="same"), (IMAGE, IMAGE)),
    "colorization_relu": (ColorizationReLU(), (IMAGE, TensorSpec(("N", 3)))),
    "colorization_relu, wiped": (ColorizationReLU(wipe_negative=True), (FEATURES, TensorSpec(("N", 2)))),
    "equivariant_projection": (EquivariantProjection(channels=3, groups=2), (IMAGE,)),
    "equivariant_projection of features": (EquivariantProjection(channels=1, groups=3), (FEATURES,)),
    "fixed_dense": (FixedDense(weight=((1.0, 2.0),) * 6), (FEATURES,)),
}  # fmt: skip


class TestPlain(ClassicSuite):
    @pytest.fixture(params=CASES)
    def case(self, request: pytest.FixtureRequest) -> tuple[Layer, tuple[TensorSpec, ...]]:
        return CASES[request.param]

    @pytest.fixture
    def layer(self, case: tuple[Layer, tuple[TensorSpec, ...]]) -> Layer:
        return case[0]

    @pytest.fixture
    def in_specs(self, case: tuple[Layer, tuple[TensorSpec, ...]]) -> tuple[TensorSpec, ...]:
        return case[1]


class TestSelfNormalizedConv2d(ClassicSuite):
    trains_differently = True

    @pytest.fixture
    def layer(self) -> Layer:
        return SelfNormalizedConv2d(channels=2, kernel=3, stride=2, padding="same")

    @pytest.fixture
    def in_specs(self) -> tuple[TensorSpec, ...]:
        return (IMAGE,)


class TestHinges(ClassicSuite):
    by_row = False  # how much a row counts depends on the others

    @pytest.fixture(params=[TripodHinge(), TripodHinge(balanced=True), BalancedHinge()], ids=repr)
    def layer(self, request: pytest.FixtureRequest) -> Layer:
        return request.param

    @pytest.fixture(params=[(), (3,)], ids=["rows", "units"])
    def in_specs(self, request: pytest.FixtureRequest) -> tuple[TensorSpec, ...]:
        return (TensorSpec(("N", *request.param)), TensorSpec(("N", *request.param), "int64"))


def given(layer: Layer, name: str, *inputs: np.ndarray) -> np.ndarray:
    """What a layer, or the mean of a loss, gives for these inputs."""
    names = [f"input{number}" for number in range(len(inputs))]
    data = dict(zip(names, (np.asarray(value) for value in inputs), strict=True))
    sensors = akid.sensors(train=data, batch_size=len(data["input0"]))
    if isinstance(layer, Loss):
        echo = akid.Brain.sequential(L.Flatten() if data["input0"].ndim > 2 else FixedDense(weight=np.eye(data["input0"].shape[1]).tolist()), inputs="input0")
        brain = echo.with_loss(layer, echo.nodes[-1].name or "fixed_dense", *names[1:])
        return np.asarray(akid.Kid(brain=brain, sensors=sensors, backend=name).validate("train")["loss"])
    specs = {name: TensorSpec(("N", *data[name].shape[1:])) for name in names}
    brain = akid.Brain.graph(layer.on(*names), inputs=specs)
    return akid.Kid(brain=brain, sensors=sensors, backend=name).predict({key: data[key] for key in names})
