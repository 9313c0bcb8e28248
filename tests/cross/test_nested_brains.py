"""One brain with everything that graphs may have, against the same network written by hand in torch, on each backend.

Systems in Systems, Brains in Brains with losses and metrics of their own, repeated blocks, shared Systems and layers,
several inputs and outputs, and values taken from deep inside.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.specs.precision import Precision
from akid_core.testing.referee import difference

torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")

EXAMPLE = Path(__file__).parents[2] / "examples" / "feedback.yaml"
ROWS, WIDTH, RATE = 12, 5, 0.05

LOSSES = ["heads/side/doubt", "heads/error", "kind_loss"]
PARAMETERS = [
    "left/in", "left/stage2/first/fc", "left/stage2/wrapped/inner/fc", "own/1/fc", "own/2/fc", "own/3/fc", "again/1/fc",
    "heads/side/logits", "heads/size", "kind",
]  # fmt: skip


def unit(name: str) -> akid.System:
    """What is learned is added to what is given."""
    return akid.System.sequential(
        L.Dense(name="fc", units=WIDTH), L.Tanh(), L.Add(name="sum").on("v", "tanh"), inputs="v", name=name
    )


def tower(name: str) -> akid.System:
    wrapped = akid.System.sequential(unit("inner"), name="wrapped")
    stage = akid.System.sequential(unit("first"), wrapped, name="stage2")
    return akid.System.sequential(L.Dense(name="in", units=WIDTH), stage, name=name)


def brain() -> akid.Brain:
    fc = L.Dense(name="fc", units=WIDTH)
    cross = akid.System.graph(
        L.Add(name="sum").on("a", "b"), L.Multiply(name="product").on("a", "b"),
        inputs=("a", "b"), outputs=("product", "sum"), name="cross",
    )  # fmt: skip
    side = akid.Brain.sequential(L.Dense(name="logits", units=3), name="side")
    side = side.with_loss(L.SoftmaxCrossEntropy(weight=0.3), "logits", "label", name="doubt")
    side = side.with_metric(L.Accuracy(name="right"), "logits", "label")
    heads = akid.Brain.graph(
        side.on("z"), L.Dense(name="size", units=1).on("z"), inputs="z", outputs=("side", "size"), name="heads"
    ).with_loss(L.MeanSquaredError(weight=0.5), "size", "length", name="error")
    made = akid.Brain.graph(
        tower("left").on("x"),
        tower("right").on("y", share="left"),
        cross.on("left", "right"),
        akid.Repeat.sequential(fc, L.Sigmoid(), times=3, name="own").on("cross:1"),
        akid.Repeat.sequential(fc, L.Tanh(), times=2, shared=True, name="again").on("cross"),
        L.Concat(name="both").on("own", "again"),
        heads.on("both"),
        L.Dense(name="kind", units=3).on("left/stage2/wrapped"),
        inputs=("x", "y"), outputs=("kind", "heads:1"), precision=Precision.of("float64"),
    )  # fmt: skip
    made = made.with_loss(L.SoftmaxCrossEntropy(), "kind", "label", name="kind_loss")
    return made.with_metric(L.Accuracy(name="known"), "heads", "label")


def by_hand(params: dict[str, torch.Tensor], rows: dict[str, torch.Tensor]) -> torch.Tensor:
    """The objective."""

    def dense(path: str, x: torch.Tensor) -> torch.Tensor:
        return x @ params[f"{path}/weight"] + params[f"{path}/bias"]

    def tall(x: torch.Tensor) -> torch.Tensor:
        x = dense("left/in", x)
        x = x + torch.tanh(dense("left/stage2/first/fc", x))
        return x + torch.tanh(dense("left/stage2/wrapped/inner/fc", x))

    left, right = tall(rows["x"]), tall(rows["y"])
    own, again = left + right, left * right
    for copy in ("1", "2", "3"):
        own = torch.sigmoid(dense(f"own/{copy}/fc", own))
    for _ in range(2):
        again = torch.tanh(dense("again/1/fc", again))
    both = torch.cat([own, again], 1)
    doubt = torch.nn.functional.cross_entropy(dense("heads/side/logits", both), rows["label"])
    error = torch.nn.functional.mse_loss(dense("heads/size", both), rows["length"])
    kind = torch.nn.functional.cross_entropy(dense("kind", left), rows["label"])
    return 0.3 * doubt + 0.5 * error + kind


def data() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "x": random.normal(size=(ROWS, 4)),
        "y": random.normal(size=(ROWS, 4)),
        "label": random.integers(0, 3, ROWS),
        "length": random.normal(size=(ROWS, 1)),
    }


@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
def test_values_gradients_and_training_are_those_written_by_hand(backend: str) -> None:
    rows = data()
    kid = akid.Kid(
        brain=akid.Brain.from_config(brain().to_config()),  # as it comes back from a file
        sensors=akid.sensors(train=rows, batch_size=ROWS),
        optimizer=akid.SGD(learning_rate=RATE),
        backend=backend,
        seed=3,
    )
    assert list(kid.graph.loss_layers) == LOSSES
    assert list(kid.graph.metric_layers) == ["heads/side/right", "known"]
    assert list(kid.graph.params) == [f"{path}/{name}" for path in PARAMETERS for name in ("weight", "bias")]

    params = {path: torch.tensor(value, requires_grad=True) for path, value in kid.network.read().items()}
    given = {name: torch.from_numpy(values) for name, values in rows.items()}  # all rows, whose order does not matter
    objective = by_hand(params, given)
    expected = dict(zip(params, torch.autograd.grad(objective, list(params.values())), strict=True))
    found = kid.strategy.trainer.gradients(kid.train_sensor.batch(0, 0), 0)  # type: ignore[attr-defined]
    assert max(difference(found[path], expected[path].numpy()) for path in expected) < 1e-10

    optimizer = torch.optim.SGD(params.values(), lr=RATE)
    for step in range(3):
        result = kid.strategy.run(kid.train_sensor.span(step, 1), np.array([RATE]))
        optimizer.zero_grad()
        objective = by_hand(params, given)
        objective.backward()
        optimizer.step()
        assert abs(float(result.objective[0]) - objective.item()) < 1e-10
    trained = kid.network.read()
    assert max(difference(trained[path], params[path].detach().numpy()) for path in params) < 1e-10
    outputs = kid.predict({"x": rows["x"], "y": rows["y"]})
    assert {name: value.shape for name, value in outputs.items()} == {"kind": (ROWS, 3), "heads:1": (ROWS, 1)}


@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
def test_the_example_with_feedback_learns(backend: str) -> None:
    pytest.importorskip("akid_datasets")
    kid = akid.Kid.from_yaml(EXAMPLE, [f"backend={backend}", "practice.epochs=2", "practice.validate_every=never"])
    assert kid.practice().test["accuracy"] > 0.5  # guessing reaches 0.1
