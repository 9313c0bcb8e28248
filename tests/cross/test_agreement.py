"""Three backends, one meaning: NumPy in float64 is the referee of torch and TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.data.batch import Batch
from akid_core.graph.resolved import Value
from akid_core.specs.precision import Precision
from akid_core.testing.referee import difference

pytest.importorskip("torch")
pytest.importorskip("tensorflow")
pytest.importorskip("akid_datasets")

NATIVE = ("torch", "tensorflow")


def brain(dtype: str) -> akid.Brain:
    """Every built-in layer that has an effect on gradients, dropout and running statistics included."""
    made = akid.Brain.graph(
        # no bias before a norm: its gradient is zero but for rounding
        L.Conv2d(channels=6, kernel=3, bias=False, name="conv1").on("image"),
        L.BatchNorm(name="norm1").on("conv1"),
        L.Tanh(name="tanh1").on("norm1"),
        L.Conv2d(channels=4, kernel=2, stride=2, padding="same", name="left").on("tanh1"),
        L.AvgPool2d(kernel=3, stride=2, padding="same", name="right").on("tanh1"),
        L.Concat(name="both").on("left", "right"),
        L.Dropout(rate=0.3, name="drop").on("both"),
        L.Conv2d(channels=10, kernel=1, name="mixed").on("drop"),
        L.Sigmoid(name="gate").on("mixed"),
        L.Add(name="sum").on("gate", "both"),
        L.Flatten(name="flat").on("sum"),
        L.Dense(units=10, name="logits").on("flat"),
        inputs="image", outputs="logits",
    )  # fmt: skip
    made = made.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")
    return replace(made.with_metric(L.Accuracy(), "logits", "label"), precision=Precision.of(dtype))


def kid(backend: str, dtype: str, optimizer: akid.Optimizer | None = None) -> akid.Kid:
    from akid_datasets.augmenters.shift import Shift

    return akid.Kid(
        brain=brain(dtype),
        sensors=akid.sensors("digits", batch_size=48, augment=(Shift(pixels=1),)),
        optimizer=optimizer or akid.SGD(learning_rate=0.05, momentum=0.9),
        practice=akid.Practice(epochs=100),
        backend=backend,
        seed=3,
    )


def judge(what: str, errors: dict[str, float], goal: float) -> None:
    """Every error is at most `goal`; the worst is printed for `pytest -s`."""
    worst = max(errors, key=lambda name: errors[name], default=None)
    if worst is not None:
        print(f"\nagreement: {what}: worst {errors[worst]:.1e} ({worst}), goal {goal:.0e}")
        assert errors[worst] <= goal, (what, worst)


def steps(one: akid.Kid, count: int) -> list[float]:
    """The objective of each of the first `count` steps."""
    return [
        float(one.strategy.run(one.train_sensor.span(step, 1), np.array([0.05])).objective[0]) for step in range(count)
    ]


@pytest.fixture(scope="module")
def referee() -> akid.Kid:
    return kid("numpy", "float64")


@pytest.mark.parametrize("backend", NATIVE)
def test_values_and_gradients_in_float32(backend: str, referee: akid.Kid) -> None:
    one = kid(backend, "float32")
    one.network.fill(referee.network.read())
    batch = referee.train_sensor.batch(0, 0)
    fields = {**batch.fields, Batch.WEIGHTS: batch.weights}
    targets = [Value(call.path) for call in referee.graph.calls]
    for training in (False, True):
        mine = one.network.values(fields, targets, training=training, step=7)
        theirs = referee.network.values(fields, targets, training=training, step=7)
        errors = {str(target): difference(*pair) for target, *pair in zip(targets, mine, theirs, strict=True)}
        judge(f"{backend} forward, training {training}, float32", errors, 1e-5)
    gradients, expected = (net.strategy.trainer.gradients(batch, 7) for net in (one, referee))  # type: ignore[attr-defined]
    assert gradients.keys() == expected.keys()
    judge(
        f"{backend} gradients, float32", {path: difference(gradients[path], expected[path]) for path in expected}, 1e-4
    )


@pytest.mark.parametrize("backend", ["numpy", *NATIVE])
def test_a_masked_batch_is_the_batch_without_the_masked_rows(backend: str) -> None:
    random = np.random.default_rng(4)
    images, labels = random.standard_normal((12, 5)), random.integers(0, 3, 12)
    kept = np.arange(12) % 3 != 1

    def outcome(labels: np.ndarray, weights: np.ndarray, on: str, rows: Any = slice(None)) -> dict[str, np.ndarray]:
        """Of one step: the objective, sum and count of loss and accuracy, and the gradients."""
        made = akid.Brain.sequential(
            L.Dense(units=6), L.Tanh(), L.Dense(units=3, name="logits"), inputs="image", outputs="logits"
        )  # fmt: skip
        made = made.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")
        made = replace(made.with_metric(L.Accuracy(), "logits", "label"), precision=Precision.of("float64"))
        arrays = (images[rows], labels[rows], weights[rows])
        one = akid.Kid(brain=made, sensors=akid.sensors(train=arrays, batch_size=len(arrays[0])), backend=on, seed=3)
        gradients = one.strategy.trainer.gradients(one.train_sensor.batch(0, 0), 0)  # type: ignore[attr-defined]
        result = one.strategy.run(one.train_sensor.span(0, 1), np.array([0.05]))
        parts = {path: np.array([state["sum"], state["count"]]) for path, state in result.measures.items()}
        return {"objective": result.objective, **parts, **gradients}

    expected = outcome(labels, np.ones(12), "numpy", kept)
    found = outcome(np.where(kept, labels, -1), kept.astype(float), backend)
    assert found.keys() == expected.keys()
    errors = {name: difference(found[name], expected[name]) for name in expected}
    judge(f"{backend} masked rows, float64", errors, 1e-10)
    spoilt = outcome(np.where(kept, labels, -1), np.ones(12), backend)
    assert np.isnan(spoilt["objective"]).all()


@pytest.mark.parametrize("backend", NATIVE)
def test_fifty_steps_in_float64_with_dropout_and_augmentation(backend: str) -> None:
    one, reference = kid(backend, "float64"), kid("numpy", "float64")
    np.testing.assert_allclose(steps(one, 50), steps(reference, 50), rtol=1e-8)
    for kind, mine, theirs in zip(
        ("parameters", "slots"), one.strategy.gather(), reference.strategy.gather(), strict=True
    ):
        judge(
            f"{backend} {kind} after 50 steps, float64",
            {name: difference(mine[name], theirs[name]) for name in theirs},
            1e-8,
        )


@pytest.mark.parametrize("backend", NATIVE)
def test_ten_steps_in_float32(backend: str) -> None:
    losses, reference = steps(kid(backend, "float32"), 10), steps(kid("numpy", "float64"), 10)
    relative = {f"step {i}": abs(a - b) / b for i, (a, b) in enumerate(zip(losses, reference, strict=True))}
    judge(f"{backend} losses of 10 steps, float32", relative, 1e-4)


@pytest.mark.parametrize("backend", NATIVE)
def test_dropout_masks_are_equal_to_the_bit(backend: str) -> None:
    """With weights that are all one and no bias, what is left after dropout is the mask."""
    masks = []
    for name in (backend, "numpy"):
        one = kid(name, "float32")
        batch = one.train_sensor.batch(0, 0)
        drop, before = one.network.values(batch.fields, [Value("drop"), Value("both")], training=True, step=11)
        masks.append((drop != 0) | (before == 0))
    assert np.array_equal(*masks)
    assert 0.65 < masks[0].mean() < 0.75


def test_augmented_batches_are_equal_to_the_bit() -> None:
    batches: list[Any] = [kid(name, "float32").train_sensor.batch(2, 5) for name in ("numpy", *NATIVE)]
    for batch in batches[1:]:
        assert np.array_equal(batch.fields["image"], batches[0].fields["image"])
        assert np.array_equal(batch.rows, batches[0].rows)


OPTIMIZERS = [
    akid.SGD(learning_rate=0.1),
    akid.SGD(learning_rate=0.1, momentum=0.9, weight_decay=0.01, clip_norm=0.5),
    akid.SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
    akid.Adam(learning_rate=0.01),
    akid.AdamW(learning_rate=0.01, weight_decay=0.1),
    akid.RMSprop(learning_rate=0.01),
    akid.RMSprop(learning_rate=0.01, momentum=0.9, centered=True),
    akid.Adagrad(learning_rate=0.1),
    akid.Lion(learning_rate=0.01, weight_decay=0.1),
    akid.Adam(
        learning_rate=0.05,
        clip_value=1.0,
        clip_norm=2.0,
        regularizers=(akid.Regularizer(l1=0.1, l2=0.1), akid.Regularizer(params=("line/*",), max_norm=1.0)),
        weight_decay=0.1,
        average=0.9,
    ),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.component())
def test_optimizers_with_the_same_gradients_in_float64(optimizer: akid.Optimizer) -> None:
    """A linear loss has the same gradient at every point: each backend's update meets the same recorded gradients."""
    random = np.random.default_rng(0)
    x, direction = random.standard_normal((50, 1, 8)), random.standard_normal((50, 1, 3))

    def trained(backend: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        linear = akid.Brain(
            nodes=(L.Dense(units=3, name="line").on("image"),), inputs="image", precision=Precision.of("float64")
        ).with_loss(Dot(), "line", "label")
        one = akid.Kid(
            brain=linear,
            sensors=akid.sensors(train=(x.reshape(50, 8), direction.reshape(50, 3)), batch_size=1),
            optimizer=optimizer,
            practice=akid.Practice(steps=50, log_every="never"),
            backend=backend,
        )
        one.practice()
        return one.strategy.gather()

    expected = trained("numpy")
    for backend in NATIVE:
        for mine, theirs in zip(trained(backend), expected, strict=True):
            assert mine.keys() == theirs.keys()
            errors = {name: difference(mine[name], theirs[name]) for name in theirs}
            judge(f"{backend} {optimizer.component()} after 50 updates, float64", errors, 1e-10)


class Dot(L.MeanSquaredError):
    """The product of prediction and target: its gradient does not depend on the prediction."""

    def forward(self, context: Any, prediction: Any, target: Any) -> tuple[Any, Any]:
        value = context.ops.sum(prediction * target, axis=1)
        return value, context.ops.zeros_like(value) + 1.0
