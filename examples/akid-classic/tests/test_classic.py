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
from akid_core.backends.contract import Backend
from akid_core.specs import Layer, Loss, TensorSpec
from akid_core.testing.hygiene import found, modules_after_import
from akid_core.testing.installed import backend, backends
from akid_core.testing.layers import LayerSuite
from akid_core.testing.run_layer import run_layer

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


# --- by hand; what NumPy gives here, the suites above hold the other backends to ---


def test_group_softmax() -> None:
    x = np.full((1, 6), math.log(3))
    given = run_layer(GroupSoftmax(group_size=3), x).output
    np.testing.assert_allclose(given, np.full((1, 6), 3 / (9 + math.e)))  # 0.2560102
    alone = run_layer(GroupSoftmax(group_size=1), np.array([[2.5, 1e4, -1e4]])).output
    np.testing.assert_allclose(alone, [[1 / (1 + math.exp(-1.5)), 1.0, 0.0]])
    warm = run_layer(GroupSoftmax(group_size=2, temperature=2.0), np.array([[3.0, 5.0]])).output
    total = math.exp(1.5) + math.exp(2.5) + math.exp(0.5)
    np.testing.assert_allclose(warm, [[math.exp(1.5) / total, math.exp(2.5) / total]])


def test_a_learned_temperature_is_learned() -> None:
    run = run_layer(GroupSoftmax(group_size=2, temperature=2.0, learn_temperature=True), np.array([[3.0, 5.0]]))
    powers = np.exp(np.array([3.0, 5.0, 1.0]) / 2)
    share = powers / powers.sum()
    mean = share @ np.array([3.0, 5.0, 1.0])
    by_temperature = (share * -(np.array([3.0, 5.0, 1.0]) - mean) / 4)[:2].sum()
    np.testing.assert_allclose(run.param_gradients["temperature"], [by_temperature])


def test_group_softmax_cross_entropy() -> None:
    logits = np.full((2, 6), math.log(3))
    labels = np.array([[0, 3], [3, 3]])  # the second group of the first row, and both of the second, choose none
    value, weight = run_layer(GroupSoftmaxCrossEntropy(group_size=3), logits, labels).outputs
    chosen, none = -math.log(3 / (9 + math.e)), -math.log(math.e / (9 + math.e))
    np.testing.assert_allclose(value, [(chosen + none) / 2, none])
    np.testing.assert_allclose(weight, [1.0, 1.0])
    nobody = run_layer(GroupSoftmaxCrossEntropy(group_size=3), logits, np.array([[0, 4], [-1, 3]])).outputs[0]
    assert np.isnan(nobody).all()


def test_memory() -> None:
    shape = (4, 1, 2, 2)
    scale = np.arange(1.0, 5.0).reshape(4, 1, 1, 1)
    seen = scale * np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
    other = scale * np.array([[4.0, 3.0], [2.0, 1.0]]).reshape(1, 1, 2, 2)
    pool = MemoryMaxPool2d(kernel=2)
    assert run_layer(pool, seen).output.ravel().tolist() == [4, 8, 12, 16]
    assert run_layer(pool, other, seen).output.ravel().tolist() == [1, 2, 3, 4]
    endless = np.array([[1.0, math.inf], [2.0, 3.0]]).reshape(1, 1, 2, 2)
    assert run_layer(pool, endless, seen[:1]).output.item() == 3
    once = run_layer(pool, other[:1], seen[:1])
    assert once.input_gradient.reshape(2, 2).tolist() == [[0, 0], [0, 1]]
    relu = run_layer(MemoryReLU(), np.full(shape, -2.0), seen - 2.0)
    assert relu.output[0].ravel().tolist() == [0, 0, -2, -2]


def test_one_memory_serves_for_all_rows() -> None:
    brain = akid.Brain.graph(
        MemoryReLU(name="gated").on("x", "memory"),
        inputs={"x": TensorSpec(("N", 2)), "memory": TensorSpec(("N", 2))}, outputs="gated",
    )  # fmt: skip
    graph = brain.resolve({}, losses=False)
    for name in backends():
        network = backend(name).network(graph, backend(name).plan(akid.Execution(), graph), 0)
        network.place("cpu")
        fields = {"x": np.array([[1, -2], [3, 4]], "float32"), "memory": np.array([[1, -1]], "float32")}
        (given,) = network.values(fields, list(graph.outputs.values()))
        assert given.tolist() == [[1, 0], [3, 0]], name


def test_colorization_relu() -> None:
    features, red = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([[1.0, 0.0, 0.0]] * 2)
    given = run_layer(ColorizationReLU(), features, red).output
    assert given.tolist() == [[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]]
    negative = np.array([[-1.0, 2.0]])
    assert run_layer(ColorizationReLU(), features[:1], negative).output.tolist() == [[-1, 0, 2, 0]]
    assert run_layer(ColorizationReLU(wipe_negative=True), features[:1], negative).output.tolist() == [[0, 0, 2, 0]]


def test_equivariant_projection() -> None:
    weight = np.broadcast_to(np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), (3, 1, 2))
    layer = EquivariantProjection(channels=2, groups=3)
    given = run_layer(layer, np.array([[1.0, 2.0, 3.0]]), params={"weight": weight.copy()}).output
    assert given.tolist() == [[1, 1, 4, 4, 9, 9]]


def test_self_normalized_conv2d() -> None:
    x = np.random.default_rng(0).normal(3.0, 2.0, (8, 2, 7, 7))
    run = run_layer(SelfNormalizedConv2d(channels=3, kernel=3), x, training=True)
    np.testing.assert_allclose(run.output.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(run.output.std(axis=(0, 2, 3)), 1, atol=1e-4)
    assert set(run.updates) == {"mean", "variance"}


def test_hinges() -> None:
    scores = np.array([0.5, -2.0, 3.0])
    assert _mean(TripodHinge(), scores, np.array([1, 0, -1])) == pytest.approx(6.5 / 3)
    assert _mean(TripodHinge(balanced=True), scores, np.array([1, 0, -1])) == pytest.approx(2.125)
    # 0.5 and 3 for the two of the first class, 4 for the only one of the second
    assert _mean(BalancedHinge(), np.array([0.5, -2.0, 3.0]), np.array([1, 1, -1])) == pytest.approx((1.75 + 4) / 2)
    assert _mean(BalancedHinge(), np.array([0.5, 2.0]), np.array([1, 1])) == pytest.approx(0.25)


def _mean(layer: Loss, scores: np.ndarray, targets: np.ndarray) -> float:
    value, weight = run_layer(layer, scores, targets).outputs
    return float(np.sum(value * weight) / np.sum(weight))


def test_fixed_dense() -> None:
    layer = FixedDense(weight=((1.0, 2.0), (3.0, 4.0)))
    assert run_layer(layer, np.array([[1.0, 10.0]])).output.tolist() == [[31, 42]]
    assert layer.params(TensorSpec(("N", 2))) == ()


@pytest.mark.parametrize(
    ("layer", "inputs", "told"),
    [
        (GroupSoftmax(group_size=4), (FEATURES,), "6 channels do not fall into groups of 4"),
        (MemoryReLU(), (IMAGE, FEATURES), "needs a memory like its first input"),
        (EquivariantProjection(channels=1, groups=4), (FEATURES,), "do not fall into 4 equal groups"),
        (FixedDense(weight=((1.0,),)), (FEATURES,), "a matrix of 1 rows"),
        (TripodHinge(), (FEATURES, IMAGE), "takes floating scores"),
        (ColorizationReLU(), (IMAGE, IMAGE), "takes features"),
    ],
)
def test_inputs_that_do_not_fit(layer: Layer, inputs: tuple[TensorSpec, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        layer.outputs(*inputs)


def test_the_light_module_is_light() -> None:
    assert found(modules_after_import("akid_classic.plugin")) == []
