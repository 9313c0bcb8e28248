"""The zoo against torch: networks with feedback against torch.nn, step by step too, and U-Net against operations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core.backends.plan import Execution
from akid_core.bundled.zoo.elman import char_elman
from akid_core.bundled.zoo.lstm_lm import char_lstm
from akid_core.bundled.zoo.unet import unet
from akid_core.data.samplers import Streams
from akid_core.initializers.fill import initial_values
from akid_core.plugins import default_manager
from akid_core.specs.precision import Precision

torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
CHARACTERS, LENGTH, UNITS = 7, 6, 5
TEXT = np.random.default_rng(0).integers(0, CHARACTERS, (3, LENGTH))


def precise(brain: akid.Brain) -> akid.Brain:
    return replace(brain, precision=Precision.of("float64"))


def live(brain: akid.Brain, backend: str) -> tuple[Any, dict[str, Any]]:
    """The brain live, with biases that count, and its parameters as torch's."""
    graph = brain.resolve(losses=False)
    made = default_manager().registry.get("backend", backend)()
    network = made.network(graph, made.plan(Execution(), graph), 0)
    network.place("cpu")
    random = np.random.default_rng(1)
    network.fill({path: value + random.normal(0, 0.1, value.shape) for path, value in initial_values(graph, 1).items()})
    return network, {path: torch.tensor(value) for path, value in network.read().items()}


def recurrent(cell: type, inputs: int, params: dict[str, Any], entering: str, recurrent: str) -> Any:
    """A layer of torch's with our parameters; of its two biases the second is zero."""
    theirs = cell(inputs, UNITS, batch_first=True).double()
    zeros = torch.zeros_like(theirs.bias_hh_l0)
    given = (params[f"{entering}/weight"].T, params[f"{recurrent}/weight"].T, params[f"{entering}/bias"], zeros)
    for parameter, value in zip(theirs.parameters(), given, strict=True):
        parameter.data = value
    return theirs


@BACKENDS
def test_lstm_language_model(backend: str) -> None:
    brain = char_lstm(characters=CHARACTERS, length=LENGTH, embedding=4, units=UNITS, depth=2)
    network, params = live(precise(brain), backend)
    values = torch.nn.functional.embedding(torch.tensor(TEXT), params["embedding/weight"])
    for number, inputs in ((1, 4), (2, UNITS)):
        theirs = recurrent(torch.nn.LSTM, inputs, params, f"entering{number}", f"lstm{number}/recurrent")
        values, _ = theirs(values)
    check(network, values @ params["logits/weight"] + params["logits/bias"])


@BACKENDS
def test_elman_network(backend: str) -> None:
    network, params = live(precise(char_elman(characters=CHARACTERS, length=LENGTH, embedding=4, units=UNITS)), backend)
    values = torch.nn.functional.embedding(torch.tensor(TEXT), params["embedding/weight"])
    values, _ = recurrent(torch.nn.RNN, 4, params, "entering", "rnn/recurrent")(values)
    check(network, values @ params["logits/weight"] + params["logits/bias"])


def check(network: Any, wanted: Any) -> None:
    [found] = network.values({"text": TEXT}, list(network.graph.outputs.values()))
    np.testing.assert_allclose(found, wanted.detach().numpy(), rtol=0, atol=1e-10)


@BACKENDS
@pytest.mark.parametrize("build", [char_lstm, char_elman])
def test_step_by_step_is_at_once(backend: str, build: Any) -> None:
    brain = build(characters=CHARACTERS, length=LENGTH, embedding=4, units=UNITS, carry=True)
    data = {"text": TEXT, "next": TEXT}
    kid = akid.Kid(
        brain=brain, sensors=akid.sensors(train=data, batch_size=3, sampler=Streams(count=3)), backend=backend
    )
    stepper = kid.stepper()
    steps = [stepper(TEXT[:, :2]), *(stepper(TEXT[:, step : step + 1]) for step in range(2, LENGTH))]
    np.testing.assert_allclose(np.concatenate(steps, 1), kid.predict(TEXT), rtol=0, atol=1e-5)


@BACKENDS
def test_unet(backend: str) -> None:
    network, params = live(precise(unet(classes=2, channels=1, size=8, depth=2, width=3)), backend)
    functional, image = torch.nn.functional, np.random.default_rng(0).normal(size=(2, 1, 8, 8))

    def level(x: Any, name: str) -> Any:
        for conv in (f"{name}/conv1", f"{name}/conv2"):
            x = functional.relu(functional.conv2d(x, params[f"{conv}/weight"], params[f"{conv}/bias"], padding=1))
        return x

    def raised(x: Any, name: str) -> Any:
        # torch has the channels that enter first
        return functional.conv_transpose2d(
            x, params[f"{name}/weight"].transpose(0, 1), params[f"{name}/bias"], stride=2
        )

    first = level(torch.tensor(image), "down1")
    second = level(functional.max_pool2d(first, 2), "down2")
    x = level(functional.max_pool2d(second, 2), "bottom")
    x = level(torch.cat([second, raised(x, "raise2")], 1), "up2")
    x = level(torch.cat([first, raised(x, "raise1")], 1), "up1")
    wanted = functional.conv2d(x, params["logits/weight"], params["logits/bias"])
    [found] = network.values({"image": image}, list(network.graph.outputs.values()))
    np.testing.assert_allclose(found, wanted.numpy(), rtol=0, atol=1e-10)
