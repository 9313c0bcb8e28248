"""Who looks inside: watched blocks in every way of running, gradients by values, values that are given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from akid_core import layers as L
from akid_core.backends.contract import Arrays
from akid_core.backends.plan import Execution
from akid_core.errors import DataError, UnknownNameError
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.optimizers import SGD
from akid_torch.backend import TorchBackend
from akid_torch.compiled import CompiledSteps

RATES = np.array([0.1, 0.1])


class Seen:
    """What was shown, in order."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.arrays: list[Arrays] = []

    def __call__(self, path: str, arrays: tuple[np.ndarray, ...]) -> None:
        assert all(type(array) is np.ndarray and array.flags.c_contiguous for array in arrays)
        self.paths.append(path)
        self.arrays.append(dict(enumerate(arrays)))  # type: ignore[arg-type]


def inside(network: Any) -> list[Any]:
    """What runs the first three calls."""
    program = network.module.program([Value("logits")])
    return [type(operation.run) for operation in program.operations[:3]]


def test_while_nobody_watches_nothing_is_in_the_way(brain: Brain, live: Any, make_span: Any) -> None:
    network, trainer = live(brain)
    assert inside(network)[:2] == [nn.Sequential, nn.ReLU]
    with network.watch("relu", after=Seen()):
        assert inside(network)[:2] == [nn.Sequential, type(lambda: None)]
        trainer.run(make_span(0, 1), RATES[:1])
    assert inside(network)[:2] == [nn.Sequential, nn.ReLU]
    trainer.run(make_span(1, 1), RATES[:1])
    assert type(trainer._objective.program.operations[1].run) is nn.ReLU


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"layout": "channels_first"},
        {"recompute": ("*",)},
        {"compile": True},
        {"micro_batches": 2},
        {"precision": "float64"},
    ],
    ids=repr,
)
def test_training_is_watched(
    brain: Brain, live: Any, make_span: Any, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    def refused(*_: Any) -> None:
        raise AssertionError("compiled steps show nothing")

    monkeypatch.setattr(CompiledSteps, "run", refused)
    watched, alone = live(brain, **settings), live(brain, **{**settings, "compile": False})
    before, after, span = Seen(), Seen(), make_span(0, 2)
    with watched.network.watch("*", before=before, after=after):
        result = watched.trainer.run(span, RATES)
    expected = alone.trainer.run(span, RATES)
    np.testing.assert_allclose(result.objective, expected.objective, rtol=1e-5)
    for path, value in alone.network.read().items():
        np.testing.assert_allclose(watched.network[path], value, rtol=1e-4, atol=1e-6, err_msg=path)
    for path, state in expected.measures.items():
        for part, value in state.items():
            np.testing.assert_allclose(result.measures[path][part], value, rtol=1e-5)

    calls = ["conv1", "relu", "norm", "max_pool2d", "dropout", "flatten", "logits", "loss", "accuracy"]
    times = 2 * settings.get("micro_batches", 1)
    assert before.paths == after.paths == calls * times
    assert before.arrays[0][0].shape == (6 // (times // 2), 1, 8, 8)
    for place in range(1, 7):  # a chain: each takes what the one before gave
        np.testing.assert_array_equal(before.arrays[place][0], after.arrays[place - 1][0])
    value, weight = after.arrays[7].values()
    assert value.shape == weight.shape == (6 // (times // 2),)
    assert len(before.arrays[7]) == len(before.arrays[8]) == 2, "the sample weights are no input of the block"


def test_a_rectifier_before_pooling_is_seen_in_its_own_place(live: Any) -> None:
    """Unwatched it runs after the pooling."""
    blocks = (L.ReLU(), L.MaxPool2d(kernel=2), L.Flatten(), L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    network, seen = live(brain).network, Seen()
    images = np.random.default_rng(0).normal(size=(2, 1, 8, 8)).astype(np.float32)
    with network.watch("relu", after=seen):
        network.values({"image": images}, [Value("logits")])
    np.testing.assert_array_equal(seen.arrays[0][0], np.maximum(images, 0))


def test_attached_modules_are_watched(live: Any, make_span: Any) -> None:
    body = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    blocks = (Attach(name="body", target=body, out=("N", 5)), L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    network, trainer = live(brain)
    seen, image = Seen(), make_span(0, 1).fields["image"][0]
    with torch.no_grad():
        wanted = body(torch.from_numpy(image)).numpy()
    with network.watch("body", after=seen):
        trainer.run(make_span(0, 1), RATES[:1])
        outputs, _ = network.module({"image": torch.from_numpy(image)})
    assert seen.paths == ["body"] * 2
    np.testing.assert_allclose(seen.arrays[0][0], wanted, rtol=1e-5, atol=1e-6)
    assert outputs["logits"].requires_grad


def test_gradients_by_values(brain: Brain, live: Any, make_span: Any) -> None:
    """By torch's own graph: from the logits on, the loss is a mean of cross-entropies."""
    network, trainer = live(brain)
    batch, values = make_span(0, 1).batch(0), (Value("logits"), Value("conv1"))
    gradients = trainer.gradients(batch, 3, values)
    plain = trainer.gradients(batch, 3)
    fields = {"image": batch.fields["image"]}
    (given,) = network.values(fields, [Value("logits")], training=True, step=3)
    logits = torch.tensor(given, requires_grad=True)
    nn.functional.cross_entropy(logits, torch.from_numpy(batch.fields["label"])).backward()
    np.testing.assert_allclose(gradients["logits"], logits.grad, rtol=1e-4, atol=1e-7)
    assert gradients["conv1"].shape == (6, 4, 4, 4)
    # the bias of a convolution adds to all places of its channel
    np.testing.assert_allclose(gradients["conv1"].sum((0, 2, 3)), plain["conv1/bias"], rtol=1e-3, atol=1e-6)
    assert list(gradients) == [*plain, "logits", "conv1"]
    for path, gradient in plain.items():
        np.testing.assert_allclose(gradients[path], gradient, rtol=1e-4, atol=1e-6)
    with pytest.raises(UnknownNameError, match="No block gives 'logit'.*Did you mean 'logits'"):
        trainer.gradients(batch, 3, (Value("logit"),))
    with pytest.raises(UnknownNameError, match="No block gives 'logits:1'"):
        trainer.gradients(batch, 3, (Value("logits", 1),))


def test_gradients_by_values_need_no_parameters(brain: Brain, live: Any, make_span: Any) -> None:
    """Where all is frozen; a block that the loss does not see has none."""
    beside = replace(brain, nodes=(*brain.nodes, L.ReLU(name="beside").on("conv1")))
    network, trainer = live(beside)
    batch, backend = make_span(0, 1).batch(0), TorchBackend()
    wanted = trainer.gradients(batch, 0, (Value("conv1"),))["conv1"]
    frozen = replace(network.graph, frozen=("*",))
    plan = backend.plan(Execution(), frozen)
    other = backend.network(frozen, plan, 7)
    other.place("cpu")
    other.fill(network.read())
    trainer = backend.trainer(other, SGD(), plan)
    gradients = trainer.gradients(batch, 0, (Value("conv1"),))
    assert list(gradients) == ["conv1"]
    np.testing.assert_allclose(gradients["conv1"], wanted, rtol=1e-5, atol=1e-7)
    with pytest.raises(UnknownNameError, match="No block gives 'beside'"):
        trainer.gradients(batch, 0, (Value("beside"),))


def test_what_lies_before_a_given_value_is_not_computed(brain: Brain, live: Any) -> None:
    network, seen = live(brain).network, Seen()
    given = {Value("norm"): np.random.default_rng(0).normal(size=(3, 4, 4, 4))}
    with network.watch("*", after=seen):
        logits, norm = network.values({}, [Value("logits"), Value("norm")], given=given)
    assert seen.paths == ["max_pool2d", "dropout", "flatten", "logits"]
    np.testing.assert_array_equal(norm, given[Value("norm")].astype(np.float32))
    assert logits.shape == (3, 3)
    with pytest.raises(DataError, match=r"'norm' should be float32\[N, 4, 4, 4\].*\(3, 4, 4, 5\)"):
        network.values({}, [Value("logits")], given={Value("norm"): np.zeros((3, 4, 4, 5))})
    with pytest.raises(UnknownNameError, match="'nrom'.*Did you mean 'norm'"):
        network.values({}, [Value("logits")], given={Value("nrom"): given[Value("norm")]})


def test_one_of_several_outputs_is_given(live: Any) -> None:
    brain = Brain.graph(
        L.Flatten(name="flat").on("image"),
        L.Split(name="parts", parts=2).on("flat"),
        L.Add(name="sum").on("parts", "parts:1"),
        inputs="image",
    ).with_loss(L.MeanSquaredError(), "sum", "parts")
    network, images = live(brain).network, np.ones((2, 1, 8, 8), np.float32)
    (sums,) = network.values({"image": images}, [Value("sum")], given={Value("parts", 1): np.full((2, 32), 5.0)})
    np.testing.assert_array_equal(sums, np.full((2, 32), 6.0))
