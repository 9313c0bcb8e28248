"""Feedback against cells of torch, and the backends against one another: values, gradients, training, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch
from akid_core.data.samplers import Streams
from akid_core.initializers.fill import initial_values
from akid_core.plugins import default_manager
from akid_core.specs.precision import Precision

BACKENDS = ("numpy", "torch", "tensorflow")
ROWS, STEPS, INPUTS, UNITS = 3, 7, 4, 5


def elman(**settings: Any) -> akid.Unroll:
    return akid.Unroll.graph(
        L.Dense(name="drive", units=UNITS).on("x"),
        L.Dense(name="echo", units=UNITS, bias=False).on("h@-1"),
        L.Add(name="sum").on("drive", "echo"),
        L.Tanh(name="h").on("sum"),
        inputs="x", outputs="h", name="rnn", **settings,
    )  # fmt: skip


def lstm(**settings: Any) -> akid.Unroll:
    """Gates i, f, g, o of Hochreiter and Schmidhuber's cell, from blocks."""
    return akid.Unroll.graph(
        L.Dense(name="drive", units=4 * UNITS).on("x"),
        L.Dense(name="echo", units=4 * UNITS, bias=False).on("h@-1"),
        L.Add(name="sum").on("drive", "echo"),
        L.Split(name="gates", parts=4).on("sum"),
        L.Sigmoid(name="i").on("gates"),
        L.Sigmoid(name="f").on("gates:1"),
        L.Tanh(name="g").on("gates:2"),
        L.Sigmoid(name="o").on("gates:3"),
        L.Multiply(name="new").on("i", "g"),
        L.Multiply(name="old").on("f", "c@-1"),
        L.Add(name="c").on("new", "old"),
        L.Tanh(name="shown").on("c"),
        L.Multiply(name="h").on("o", "shown"),
        inputs="x", outputs="h", name="rnn", **settings,
    )  # fmt: skip


def brain(unroll: akid.Unroll, precision: str = "float64") -> akid.Brain:
    made = akid.Brain.sequential(unroll, inputs="x", precision=Precision.of(precision))
    return made.with_loss(L.MeanSquaredError(), "rnn", "t")


def batch(dtype: str = "float64") -> Batch:
    random = np.random.default_rng(0)
    fields = {
        "x": random.normal(size=(ROWS, STEPS, INPUTS)).astype(dtype),
        "t": random.normal(size=(ROWS, STEPS, UNITS)).astype(dtype),
    }
    return Batch(fields, np.ones(ROWS, np.float32), np.arange(ROWS), np.arange(ROWS))


def specs(given: Batch) -> dict[str, akid.TensorSpec]:
    return {name: akid.TensorSpec(("N", *each.shape[1:]), str(each.dtype)) for name, each in given.fields.items()}


def computed(made: akid.Brain, backend: str, given: Batch) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The outputs, and the gradient by parameter."""
    engine = default_manager().registry.get("backend", backend)()
    graph = made.resolve(
        {name: akid.TensorSpec(("N", *each.shape[1:]), str(each.dtype)) for name, each in given.fields.items()}
    )
    plan = engine.plan(Execution(), graph)
    network = engine.network(graph, plan, 0)
    network.place("cpu")
    network.fill(initial_values(graph, 1))
    trainer = engine.trainer(network, akid.SGD(), plan)
    return network.values(given.fields, list(graph.outputs.values()))[0], trainer.gradients(given, 0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("cell", ["elman", "lstm"])
def test_equal_to_the_cell_of_torch(backend: str, cell: str) -> None:
    given = batch()
    output, gradients = computed(brain(elman() if cell == "elman" else lstm()), backend, given)
    own = (torch.nn.RNN if cell == "elman" else torch.nn.LSTM)(INPUTS, UNITS, batch_first=True).double()
    values = initial_values(brain(elman() if cell == "elman" else lstm()).resolve(specs(given)), 1)
    with torch.no_grad():
        own.weight_ih_l0.copy_(torch.from_numpy(values["rnn/drive/weight"].T))
        own.weight_hh_l0.copy_(torch.from_numpy(values["rnn/echo/weight"].T))
        own.bias_ih_l0.copy_(torch.from_numpy(values["rnn/drive/bias"]))
        own.bias_hh_l0.zero_()
    expected, _ = own(torch.from_numpy(given.fields["x"]))
    np.testing.assert_allclose(output, expected.detach().numpy(), rtol=0, atol=1e-12)
    (expected - torch.from_numpy(given.fields["t"])).square().mean().backward()
    pairs = {
        "drive/weight": own.weight_ih_l0.grad.T,
        "drive/bias": own.bias_ih_l0.grad,
        "echo/weight": own.weight_hh_l0.grad.T,
    }
    for name, gradient in pairs.items():
        np.testing.assert_allclose(gradients[f"rnn/{name}"], gradient.numpy(), rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("bptt", [1, 2, 3, 5, None])
def test_gradients_that_are_cut_are_equal_everywhere(bptt: int | None) -> None:
    """The loop that torch's users write: the state is detached every `bptt` steps."""
    given, made = batch(), brain(elman(bptt=bptt))
    found = {backend: computed(made, backend, given)[1] for backend in BACKENDS}
    values = initial_values(made.resolve(specs(given)), 1)
    params = {path: torch.tensor(value, requires_grad=True) for path, value in values.items()}
    h, outputs = torch.zeros(ROWS, UNITS, dtype=torch.float64), []
    for step in range(STEPS):
        h = h.detach() if bptt and step % bptt == 0 else h
        x = torch.from_numpy(given.fields["x"][:, step])
        h = torch.tanh(x @ params["rnn/drive/weight"] + params["rnn/drive/bias"] + h @ params["rnn/echo/weight"])
        outputs.append(h)
    (torch.stack(outputs, 1) - torch.from_numpy(given.fields["t"])).square().mean().backward()
    for backend, gradients in found.items():
        for path, param in params.items():
            np.testing.assert_allclose(
                gradients[path], param.grad.numpy(), rtol=0, atol=1e-12, err_msg=f"{backend} {path}"
            )


def stream_kid(backend: str, cell: akid.Unroll | None = None, **execution: Any) -> akid.Kid:
    random = np.random.default_rng(3)
    data = {
        "x": random.normal(size=(ROWS * 4, STEPS, INPUTS)).astype(np.float32),
        "t": random.normal(size=(ROWS * 4, STEPS, UNITS)).astype(np.float32),
    }
    sensors = akid.sensors(train=data, batch_size=ROWS, sampler=Streams(count=ROWS))
    made = brain(cell or lstm(carry=True, bptt=3), "float32")
    return akid.Kid(
        brain=made, sensors=sensors, optimizer=akid.Adam(learning_rate=0.02), practice=akid.Practice(epochs=3),
        backend=backend, seed=4, execution=akid.Execution(**execution),
    )  # fmt: skip


def trained(backend: str, cell: akid.Unroll | None = None, **execution: Any) -> dict[str, np.ndarray]:
    kid = stream_kid(backend, cell, **execution)
    kid.practice()
    assert kid.plan.compile == execution.get("compile", False)
    return kid.network.read()


def test_training_with_a_state_that_is_carried_is_equal_everywhere() -> None:
    expected = trained("numpy")
    for backend in ("torch", "tensorflow"):
        for path, value in trained(backend).items():
            np.testing.assert_allclose(value, expected[path], rtol=0, atol=2e-5, err_msg=f"{backend} {path}")


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_compiled_training_with_feedback(backend: str) -> None:
    cell = elman(carry=True, bptt=3)
    expected, found = trained(backend, cell), trained(backend, cell, compile=True, bundle=1)
    for path, value in found.items():
        np.testing.assert_allclose(value, expected[path], rtol=0, atol=2e-5, err_msg=path)


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_step_by_step(backend: str) -> None:
    kid = stream_kid(backend)
    x = np.random.default_rng(8).normal(size=(2, STEPS, INPUTS)).astype(np.float32)
    stepper = kid.stepper()
    steps = [stepper(x[:, step : step + 1]) for step in range(STEPS)]
    np.testing.assert_allclose(np.concatenate(steps, axis=1), kid.predict(x), rtol=0, atol=1e-6)
    assert {name: values.shape for name, values in stepper.carried.items()} == {
        "rnn/h@-1": (2, UNITS), "rnn/c@-1": (2, UNITS)
    }  # fmt: skip


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_values_gradients_and_watching_by_name(backend: str) -> None:
    kid, reference = stream_kid(backend), stream_kid("numpy")
    given = kid.train_sensor.span(0, 1).batch(0)
    expected, found = (each.activations(given, "rnn/c", "rnn") for each in (reference, kid))
    assert found["rnn/c"].shape == (ROWS, STEPS, UNITS)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-6, err_msg=name)
    slopes = kid.gradients(given, "rnn/h", "rnn/echo/*")
    for name, value in reference.gradients(given, "rnn/h", "rnn/echo/*").items():
        np.testing.assert_allclose(slopes[name], value, rtol=0, atol=1e-6, err_msg=name)
    again = kid.propagate({"rnn/c": found["rnn/c"], "rnn/o": kid.activations(given, "rnn/o")["rnn/o"]}, "rnn")["rnn"]
    np.testing.assert_allclose(again, found["rnn"], rtol=0, atol=1e-6)
    seen: list[str] = []
    with kid.watch("rnn/c", after=lambda path, _: seen.append(path)):
        kid.practice(max_steps=1)
    assert seen == [f"rnn/c@{step}" for step in range(STEPS)]
