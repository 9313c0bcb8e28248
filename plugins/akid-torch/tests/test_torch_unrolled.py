"""Brains over time and blocks that always evaluate: many calls of few modules, also in compiled steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Span
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.graph.expand import Stream
from akid_core.graph.node import Edge
from akid_core.graph.resolved import Graph, Value
from akid_core.graph.system import System
from akid_core.graph.unroll import Unroll
from akid_core.initializers.fill import initial_values
from akid_core.optimizers import SGD
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import difference
from akid_torch.backend import TorchBackend
from akid_torch.compiled import CompiledSteps

ROWS, TIMES, UNITS = 4, 6, 5
FIELDS = {"x": TensorSpec(("N", TIMES, 3), "float32", "NTC"), "label": TensorSpec(("N",), "int64")}


def recurrent(*, bptt: int | None = None, carry: bool = False, cell: Any = None) -> Brain:
    """An Elman network; its last state is classified."""
    unroll = Unroll.graph(
        L.Dense(name="taken", units=UNITS).on("x"),
        (cell or L.Dense(name="back", units=UNITS, bias=False)).on(Edge("h", delay=1)),
        L.Add(name="sum").on("taken", "back"),
        L.Tanh(name="h").on("sum"),
        name="rnn",
        inputs="x",
        outputs="h",
        gives="last",
        bptt=bptt,
        carry=carry,
    )
    brain = Brain.graph(unroll.on("x"), L.Dense(name="logits", units=3).on("rnn"), inputs="x", outputs="logits")
    return brain.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")


def alive(graph: Graph, **execution: Any) -> tuple[Any, Any]:
    backend = TorchBackend()
    plan = backend.plan(Execution(**execution), graph)
    network = backend.network(graph, plan, 7)
    network.place("cpu")
    network.fill(initial_values(graph, 7))
    return network, backend.trainer(network, SGD(), plan)


def sequences(steps: int) -> Span:
    random, index = np.random.default_rng(0), np.zeros((steps, ROWS), np.int64)
    fields = {
        "x": random.normal(size=(steps, ROWS, TIMES, 3)).astype(np.float32),
        "label": random.integers(0, 3, (steps, ROWS)),
    }
    return Span(0, 0, fields, np.ones((steps, ROWS), np.float32), index, index)


def by_hand(network: Any, span: Span, *, bptt: int, carry: bool, rate: float) -> dict[str, np.ndarray]:
    """The weights after the steps of a span, by torch's own cell, with gradients cut every so many times."""
    cell, out = nn.RNNCell(3, UNITS, bias=True), nn.Linear(UNITS, 3)
    pairs = {
        "rnn/taken/weight": cell.weight_ih, "rnn/taken/bias": cell.bias_ih, "rnn/back/weight": cell.weight_hh,
        "logits/weight": out.weight, "logits/bias": out.bias,
    }  # fmt: skip
    for path, tensor in pairs.items():
        tensor.data = torch.tensor(network[path].T.copy())
    cell.bias_hh.data.zero_()
    optimizer, h = torch.optim.SGD(pairs.values(), lr=rate), torch.zeros(ROWS, UNITS)
    for index in range(span.steps):
        h = h.detach() if carry else torch.zeros(ROWS, UNITS)
        for time in range(TIMES):
            h = cell(torch.from_numpy(span.fields["x"][index, :, time]), h.detach() if time % bptt == 0 else h)
        optimizer.zero_grad()
        nn.functional.cross_entropy(out(h), torch.from_numpy(span.fields["label"][index])).backward()
        optimizer.step()
    return {path: tensor.detach().numpy().T for path, tensor in pairs.items()}


@pytest.mark.parametrize("bptt", [None, 1, 4])
@pytest.mark.parametrize("carry", [False, True])
def test_it_is_a_recurrent_network(bptt: int | None, carry: bool) -> None:
    graph = recurrent(bptt=bptt, carry=carry).resolve(FIELDS, stream=Stream(rows=ROWS, period=10))
    network, trainer = alive(graph)
    span = sequences(3)
    wanted = by_hand(network, span, bptt=bptt or TIMES, carry=carry, rate=0.2)
    trainer.run(span, np.full(3, 0.2))
    for path, value in wanted.items():
        assert difference(network[path], value) < 1e-5, path


def test_the_steps_of_a_layer_are_one_module() -> None:
    network, _ = alive(recurrent().resolve(FIELDS))
    module = network.module
    assert set(module.state_dict()) == {
        "rnn/taken.weight", "rnn/taken.bias", "rnn/back.weight", "logits.weight", "logits.bias",
    }  # fmt: skip
    assert isinstance(module.get_submodule("rnn/back"), nn.Linear)
    assert len({id(module.by_path[f"rnn/back@{time}"]) for time in range(TIMES)}) == 1
    assert len(list(module.named_parameters())) == 5


def test_masks_differ_from_step_to_step() -> None:
    """The modules of steps are one where they know nothing of the call alone."""
    graph = recurrent(cell=L.Dropout(name="back", rate=0.5)).resolve(FIELDS)
    network, _ = alive(graph)
    targets = [Value("rnn/back@1"), Value("rnn/h@0"), Value("rnn/back@2")]
    x = {"x": np.ones((ROWS, TIMES, 3), np.float32)}
    one, before, two = network.values(x, targets, training=True)
    assert not np.array_equal(one == 0, two == 0)
    np.testing.assert_allclose(one[one != 0], 2 * before[one != 0], rtol=1e-6)
    network.module.train(False)
    evaluated, before = network.values(x, targets[:2])
    np.testing.assert_array_equal(evaluated, before)


def test_an_attached_module_runs_at_each_step() -> None:
    linear = Attach(
        name="back", target="torch.nn:Linear", arguments={"in_features": UNITS, "out_features": UNITS, "bias": False}
    )
    graph = recurrent(cell=linear).resolve(FIELDS)
    network, trainer = alive(graph)
    assert "rnn/back/weight" in network.read()
    assert len({id(network.module.by_path[f"rnn/back@{time}"].module) for time in range(TIMES)}) == 1
    before = network["rnn/back/weight"]
    span = sequences(1)
    gradient = trainer.gradients(span.batch(0), 0)["rnn/back/weight"]
    trainer.run(span, np.array([0.5]))
    np.testing.assert_allclose(network["rnn/back/weight"], before - 0.5 * gradient, rtol=1e-5, atol=1e-7)


def traced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Compiled steps are recorded, and run as they are recorded; how many calls of them there were."""
    calls: list[int] = []
    monkeypatch.setattr("torch._inductor.standalone_compile", lambda recorded, *_, **__: recorded)
    run = CompiledSteps.run

    def counted(self: CompiledSteps, span: Span, rates: np.ndarray) -> Any:
        calls.append(span.steps)
        return run(self, span, rates)

    monkeypatch.setattr(CompiledSteps, "run", counted)
    return calls


def test_what_is_carried_is_carried_in_compiled_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = traced(monkeypatch)
    graph = recurrent(bptt=4, carry=True).resolve(FIELDS, stream=Stream(rows=ROWS, period=3))
    (compiled, trainer), (plain, other) = alive(graph, compile=True, bundle=2), alive(graph)
    span = sequences(4)  # its last step begins an epoch
    results = [each.run(span, np.full(4, 0.2)) for each in (trainer, other)]
    assert calls == [4]
    np.testing.assert_allclose(results[0].objective, results[1].objective, rtol=1e-5)
    for path, value in plain.read().items():
        assert difference(compiled[path], value) < 1e-5, path


TEACHER = (
    L.Flatten(name="flat"),
    L.BatchNorm(name="norm"),
    L.Dropout(name="drop", rate=0.5),
    Attach(name="own", target=nn.Sequential(nn.BatchNorm1d(18), nn.Dropout(0.5))),
)


def taught() -> Brain:
    """A dense layer that is to say what a teacher with statistics and dropout says."""
    teacher = System.sequential(*TEACHER, name="teacher", inputs="x", evaluating=True)
    brain = Brain.graph(
        teacher.on("x"),
        L.Flatten(name="flat").on("x"),
        L.Dropout(name="noise", rate=0.5).on("flat"),
        L.Dense(name="said", units=18).on("noise"),
        inputs="x",
    )
    return brain.with_loss(L.MeanSquaredError(name="loss"), "said", "teacher")


@pytest.mark.parametrize("compiles", [False, True])
def test_what_evaluates_does_so_in_training(monkeypatch: pytest.MonkeyPatch, compiles: bool) -> None:
    calls = traced(monkeypatch)
    network, trainer = alive(taught().resolve(FIELDS), compile=compiles, bundle=2)
    network["teacher/norm/mean"] = np.full(18, 0.25)
    state = [path for path in network.read() if "teacher" in path and path not in trainer.read_slots()]
    before = {path: network[path] for path in state}
    x = {"x": sequences(1).fields["x"][0]}
    targets = [Value("teacher/drop"), Value("teacher/own"), Value("noise")]
    evaluated, trained = (network.values(x, targets, training=training) for training in (False, True))
    np.testing.assert_array_equal(evaluated[0], trained[0])
    np.testing.assert_array_equal(evaluated[1], trained[1])
    assert not np.array_equal(evaluated[2], trained[2])
    trainer.run(sequences(2), np.full(2, 0.01))
    assert calls == ([2] if compiles else [])
    for path in ("teacher/norm/mean", "teacher/norm/variance", "teacher/own/0.running_mean"):
        np.testing.assert_array_equal(network[path], before[path], err_msg=path)
    assert not np.array_equal(network["teacher/norm/scale"], before["teacher/norm/scale"])


def test_a_module_of_two_calls_evaluates_in_one() -> None:
    """What is shared is one module, in training here and in evaluation there."""
    drop = Attach(name="own", target=nn.Dropout(0.5))
    pupil = System.sequential(drop, name="pupil", inputs="x")
    teacher = System.sequential(drop, name="teacher", inputs="x", evaluating=True)
    brain = Brain.graph(pupil.on("x"), teacher.on("x", share="pupil"), inputs="x").with_loss(
        L.MeanSquaredError(name="loss"), "pupil", "teacher"
    )
    network, _ = alive(brain.resolve(FIELDS))
    x = sequences(1).fields["x"][0]
    for _ in range(2):
        one, two = network.values({"x": x}, [Value("pupil/own"), Value("teacher/own")], training=True)
        assert (one == 0).any()
        np.testing.assert_array_equal(two, x)
