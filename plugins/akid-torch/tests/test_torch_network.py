"""A live network: fill and read in canonical layout, tensors that stay, values that change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch
from akid_core.errors import ConfigurationError, DataError, UnknownNameError
from akid_core.graph.brain import Brain
from akid_core.graph.node import Edge
from akid_core.graph.resolved import Value
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_torch import threads
from akid_torch.backend import TorchBackend

IMAGES = np.random.default_rng(0).normal(size=(5, 1, 8, 8)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1])
BATCH = Batch({"image": IMAGES, "label": LABELS}, np.ones(5, np.float32), np.arange(5), np.arange(5))


def test_it_is_a_module_whose_children_are_the_layers(brain: Brain, live: Any) -> None:
    module = live(brain).network.module
    assert isinstance(module, nn.Module)
    assert [name for name, _ in module.named_children()] == [
        "conv1", "relu", "norm", "max_pool2d", "dropout", "flatten", "logits", "loss", "accuracy",
    ]  # fmt: skip
    assert isinstance(module.logits, nn.Linear)
    assert module.logits.weight.shape == (3, 16)


def test_a_name_with_a_dot_is_a_child(live: Any) -> None:
    brain = Brain.sequential(L.Flatten(), L.Dense(name="fc.1", units=3), inputs="image")
    network = live(brain.with_loss(L.SoftmaxCrossEntropy(), "fc.1", "label")).network
    assert "fc:1" in dict(network.module.named_children())
    assert network["fc.1/weight"].shape == (64, 3)


def test_build_has_no_storage(brain: Brain) -> None:
    backend = TorchBackend()
    graph = brain.resolve({"image": TensorSpec(("N", 1, 8, 8)), "label": TensorSpec(("N",), "int64")})
    network = backend.network(graph, backend.plan(Execution(), graph), 0)
    assert all(tensor.is_meta for tensor in network.module.state_dict().values())


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
def test_fill_and_read_in_canonical_layout(brain: Brain, live: Any, layout: str) -> None:
    network = live(brain, layout=layout).network
    random = np.random.default_rng(3)
    values = {path: random.normal(size=spec.shape).astype(np.float32) for path, spec in network.graph.params.items()}
    tensors = {path: network.native(path) for path in values}
    network.fill(values)
    read = network.read()
    assert list(read) == list(values)
    for path, value in values.items():
        np.testing.assert_array_equal(read[path], value)
        assert read[path].flags.c_contiguous
        assert network.native(path) is tensors[path]
    assert read["conv1/weight"].shape == (4, 1, 3, 3)
    assert read["logits/weight"].shape == (16, 3)
    np.testing.assert_array_equal(network.native("logits/weight").numpy(force=True), values["logits/weight"].T)
    read["conv1/bias"][:] = 0  # a copy
    np.testing.assert_array_equal(network["conv1/bias"], values["conv1/bias"])


def test_images_lie_as_the_plan_says(brain: Brain, live: Any) -> None:
    seen: list[torch.Tensor] = []
    for layout in ("channels_last", "channels_first", None):
        network, _ = live(brain, layout=layout)
        network.module.conv1.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        network.measure(BATCH)
    assert [output.is_contiguous(memory_format=torch.channels_last) for output in seen] == [True, False, True]
    assert {output.shape for output in seen} == {(5, 4, 4, 4)}


def test_layouts_agree(brain: Brain, live: Any) -> None:
    outputs = [
        live(brain, layout=layout).network.values({"image": IMAGES}, [Value("logits"), Value("conv1")])
        for layout in ("channels_first", "channels_last")
    ]
    for first, last in zip(*outputs, strict=True):
        np.testing.assert_allclose(last, first, atol=1e-5)


def test_wrong_fills(brain: Brain, live: Any) -> None:
    network = live(brain).network
    with pytest.raises(UnknownNameError, match="'conv1/weigth'.*Did you mean 'conv1/weight'"):
        network.fill({"conv1/weigth": np.zeros(1)})
    with pytest.raises(DataError, match=r"'logits/weight' has shape \(16, 3\), and was given \(3, 16\)"):
        network.fill({"logits/weight": np.zeros((3, 16))})


def test_values_compute_what_is_asked_for(brain: Brain, live: Any) -> None:
    network = live(brain).network
    logits, images = network.values({"image": IMAGES}, [Value("logits"), Value("image")])  # needs no label
    assert logits.shape == (5, 3)
    np.testing.assert_array_equal(images, IMAGES)
    assert not np.shares_memory(images, IMAGES)
    fields = {"image": IMAGES, "label": LABELS, Batch.WEIGHTS: np.array([1, 2, 0, 1, 1], np.float32)}
    value, weight, right = network.values(fields, [Value("loss"), Value("loss", 1), Value("accuracy")])
    assert value.shape == (5,)
    np.testing.assert_array_equal(weight, [1, 2, 0, 1, 1])
    assert right == np.sum((logits.argmax(1) == LABELS) * weight)
    with pytest.raises(DataError, match="'loss' needs the field 'label'"):
        network.values({"image": IMAGES}, [Value("loss")])


def test_values_in_training_mode_change_nothing(brain: Brain, live: Any) -> None:
    network = live(brain).network
    before = network.read()
    evaluated = network.values({"image": IMAGES}, [Value("logits")])[0]
    trained = [network.values({"image": IMAGES}, [Value("logits")], training=True, step=step)[0] for step in (0, 0, 1)]
    np.testing.assert_array_equal(trained[0], trained[1])
    assert not np.array_equal(trained[0], trained[2])
    np.testing.assert_array_equal(network.values({"image": IMAGES}, [Value("logits")])[0], evaluated)
    for path, value in network.read().items():
        np.testing.assert_array_equal(value, before[path])


def test_read_only_arrays_are_taken_without_a_warning(
    brain: Brain, live: Any, recwarn: pytest.WarningsRecorder
) -> None:
    frozen = IMAGES.copy()
    frozen.flags.writeable = False
    live(brain).network.values({"image": frozen}, [Value("logits")])
    assert not recwarn.list


def test_arrays_may_lie_in_any_order(brain: Brain, live: Any) -> None:
    network, mirrored = live(brain).network, IMAGES[..., ::-1]
    (expected,) = network.values({"image": np.ascontiguousarray(mirrored)}, [Value("logits")])
    for images in (mirrored, mirrored.astype(">f4")):
        np.testing.assert_array_equal(network.values({"image": images}, [Value("logits")])[0], expected)


def test_a_failure_names_the_block(live: Any) -> None:
    blocks = (L.Conv2d(name="conv", channels=2, kernel=3), L.Flatten(), L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    with pytest.raises(RuntimeError) as raised:
        live(brain).network.values({"image": IMAGES.repeat(2, axis=1)}, [Value("logits")])
    assert raised.value.__notes__ == ["in block 'conv' with inputs float32[5, 2, 8, 8]"]


def test_shared_parameters_are_one_tensor(live: Any) -> None:
    brain = Brain.graph(
        L.Flatten(name="flat").on("image"),
        L.Dense(name="first", units=64).on("flat"),
        L.Dense(name="again", units=64).on("first", share="first"),
        inputs="image",
    ).with_loss(L.MeanSquaredError(), "again", "flat")
    network, trainer = live(brain)
    assert list(network.read()) == ["first/weight", "first/bias"]
    assert network.module.again.weight is network.module.first.weight is network.native("first/weight")
    assert list(trainer.gradients(BATCH, 0)) == ["first/weight", "first/bias"]


def test_the_past_is_carried(live: Any) -> None:
    image = TensorSpec(("N", 2), "float32", "NC")
    brain = Brain.graph(
        L.Add(name="total").on("x", "total@-1"),
        L.Add(name="both").on("total", Edge("total", delay=2, initial=0.5), Edge("x", delay=1, initial="learned")),
        inputs={"x": image},
    )
    backend, graph = TorchBackend(), brain.resolve({"x": image}, stepwise=True)
    network = backend.network(graph, backend.plan(Execution(), graph), 0)
    network.place("cpu")
    (learned,) = graph.params
    network[learned] = np.array([10.0, 20.0])
    x, carried, seen = torch.ones(3, 2), None, []
    for step in range(4):
        outputs, carried = network.module({"x": x}, "evaluation", step, carried)
        assert set(carried) == set(graph.lines)
        seen.append(outputs["both"][0].tolist())
    # total is 1, 2, 3, 4; two steps before it was 0.5, 0.5, 1, 2; x was as learned, then 1
    assert seen == [[11.5, 21.5], [3.5, 3.5], [5, 5], [7, 7]]


def test_what_torch_does_not_run(brain: Brain) -> None:
    fields = {"image": TensorSpec(("N", 1, 8, 8)), "label": TensorSpec(("N",), "int64")}
    backend = TorchBackend()
    with pytest.raises(ConfigurationError, match="device is 'cuda:7'.*Use 'cpu'"):
        backend.plan(Execution(device="cuda:7"), brain.resolve(fields))
    mixed = replace(brain, precision=Precision("float32", "float64", "float64"))
    with pytest.raises(ConfigurationError, match="parameters in float32 and computation in float64"):
        backend.plan(Execution(), mixed.resolve(fields))


def test_the_plan_is_settled_by_fixed_rules(brain: Brain) -> None:
    fields = {"image": TensorSpec(("N", 1, 8, 8)), "label": TensorSpec(("N",), "int64")}
    backend, graph = TorchBackend(), brain.resolve(fields)
    plan = backend.plan(Execution(), graph)
    assert (plan.layout, plan.bundle, plan.fused, plan.threads) == ("channels_last", 8, True, 1)
    asked = Execution(layout="channels_first", bundle=3, fused=False, threads=1)
    plan = backend.plan(asked, graph)
    assert (plan.layout, plan.bundle, plan.fused, plan.threads) == ("channels_first", 3, False, 1)
    dense = Brain.sequential(L.Dense(units=2), inputs={"x": TensorSpec(("N", 4))}).resolve({})
    plan = backend.plan(Execution(), dense)
    assert (plan.layout, plan.bundle) == ("channels_first", 32)
    assert plan.versions["torch"] == torch.__version__


def test_only_large_brains_take_several_threads(brain: Brain, monkeypatch: pytest.MonkeyPatch) -> None:
    small = brain.resolve({"image": TensorSpec(("N", 1, 8, 8)), "label": TensorSpec(("N",), "int64")})
    # conv1: 4x4 places, 4 filters of 3x3; logits: 3 units of 2x2x4 values
    assert threads.multiplications(small) == 4 * 4 * 4 * 9 + 3 * 16
    large = Brain.sequential(L.Dense(units=3000), inputs={"x": TensorSpec(("N", 2000))}).resolve({})
    monkeypatch.setattr(threads, "FOUND", 3)
    threads.use_threads(1)  # as a small brain before it has done
    assert TorchBackend().plan(Execution(), large).threads == 3
    assert TorchBackend().plan(Execution(threads=2), small).threads == 2
