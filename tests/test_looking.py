"""Looking inside a Kid: values, gradients and statistics by name, runs from block to block, and watching."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.data.batch import Batch
from akid_core.errors import DataError, UnknownNameError, UsageError

ROWS = 4


def kid(*blocks: akid.Block, outputs: str = "y") -> akid.Kid:
    made = akid.Brain.sequential(*blocks, inputs="x", outputs=outputs).with_loss(
        L.MeanSquaredError(name="mse"), "y", "t"
    )
    x = np.arange(ROWS * 2, dtype=np.float32).reshape(ROWS, 2)
    sensors = akid.sensors(train={"x": x, "t": np.ones((ROWS, 1), np.float32)}, batch_size=2)
    return akid.Kid(brain=made, sensors=sensors, backend="numpy", seed=2, optimizer=akid.SGD(learning_rate=0.0))


def nested() -> akid.Kid:
    return kid(
        akid.System.sequential(L.Dense(name="a", units=2, bias=False), L.ReLU(name="b"), name="stage"),
        L.Split(name="cut", parts=2),
        L.Dense(name="y", units=1, bias=False).on("cut:1"),
    )


def first(learner: akid.Kid) -> Batch:
    return learner.train_sensor.span(0, 1).batch(0)


def test_activations_are_what_the_blocks_compute() -> None:
    learner = nested()
    batch = first(learner)
    found = learner.activations(batch, "stage/*", "cut:1", "y", "mse")
    a = batch.fields["x"] @ learner.network["stage/a/weight"]
    b = np.maximum(a, 0)
    y = b[:, 1:] @ learner.network["y/weight"]
    assert list(found) == ["stage/a", "stage/b", "cut:1", "y", "mse"]
    for name, expected in {"stage/a": a, "stage/b": b, "cut:1": b[:, 1:], "y": y, "mse": ((y - 1) ** 2)[:, 0]}.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-6)


def test_a_system_stands_for_what_it_gives() -> None:
    learner = nested()
    found = learner.activations(first(learner), "stage", "stage/b")
    np.testing.assert_array_equal(found["stage"], found["stage/b"])


def test_fields_alone_and_training() -> None:
    learner = kid(L.Dropout(name="drop", rate=0.5), L.Dense(name="y", units=1))
    x = np.ones((64, 2), np.float32)
    np.testing.assert_array_equal(learner.activations({"x": x}, "drop")["drop"], x)
    assert set(np.unique(learner.activations({"x": x}, "drop", training=True)["drop"])) == {0.0, 2.0}


def test_gradients_by_parameters_and_by_values() -> None:
    """y = x w for rows of two: the loss is the mean of (y - 1)^2, so d/dy = 2 (y - 1) / rows."""
    learner = kid(L.Dense(name="y", units=1, bias=False))
    batch = first(learner)
    x, w = batch.fields["x"], learner.network["y/weight"]
    slope = 2 * (x @ w - 1) / 2
    found = learner.gradients(batch, "y", "y/*")
    np.testing.assert_allclose(found["y"], slope, rtol=1e-5)
    np.testing.assert_allclose(found["y/weight"], x.T @ slope, rtol=1e-5)
    assert list(learner.gradients(batch)) == ["y/weight"]


def test_statistics() -> None:
    learner = kid(L.ReLU(name="r"), L.Dense(name="y", units=1))
    x = np.array([[-1.0, 3.0], [0.0, 1.0]], np.float32)
    found = learner.statistics({"x": x}, "r")["r"]
    assert (found.mean, found.least, found.most, found.zeros) == (1.0, 0.0, 3.0, 0.5)
    assert found.deviation == pytest.approx(np.sqrt(1.5))


def test_from_a_block_to_a_block() -> None:
    learner = nested()
    b = np.array([[1.0, 2.0], [3.0, -4.0]], np.float32)
    found = learner.propagate({"stage/b": b}, "y", "cut")
    np.testing.assert_allclose(found["y"], b[:, 1:] @ learner.network["y/weight"], rtol=1e-6)
    np.testing.assert_array_equal(found["cut"], b[:, :1])
    assert list(learner.propagate({"stage": b}, "y")) == ["y"]
    np.testing.assert_array_equal(
        learner.propagate({"cut:1": b[:, :1]}, "y")["y"], b[:, :1] * learner.network["y/weight"]
    )


def test_from_the_middle_of_a_sequence() -> None:
    """What an Unroll's block gave at all steps may be given as it was shown."""
    unroll = akid.Unroll.graph(
        L.Add(name="h").on("v", "h@-1"), L.Tanh(name="g").on("h"), inputs="v", outputs="g", name="rnn", gives="last"
    )
    made = akid.Brain.sequential(unroll, L.Dense(name="y", units=1), inputs="x").with_loss(
        L.MeanSquaredError(), "y", "t"
    )
    data = {"x": np.ones((4, 3, 2), np.float32), "t": np.ones((4, 1), np.float32)}
    learner = akid.Kid(brain=made, sensors=akid.sensors(train=data, batch_size=2), backend="numpy")
    seen = learner.activations(first(learner), "rnn/h", "y")
    assert seen["rnn/h"][0].tolist() == [[1, 1], [2, 2], [3, 3]]
    np.testing.assert_array_equal(learner.propagate({"rnn/h": seen["rnn/h"]}, "y")["y"], seen["y"])
    with pytest.raises(DataError, match=r"'rnn/h' has 3 steps, and was given as \(2, 2, 2\): give \(rows, 3, …\)"):
        learner.propagate({"rnn/h": seen["rnn/h"][:, :2]}, "y")


def test_watching_while_it_trains() -> None:
    learner, seen = nested(), list[Any]()
    with learner.watch("stage/*", before=lambda path, inputs: seen.append((path, "takes", len(inputs)))):
        learner.practice(max_steps=1)
    assert seen == [("stage/a", "takes", 1), ("stage/b", "takes", 1)]
    learner.predict(np.zeros((1, 2), np.float32))
    assert len(seen) == 2


def test_a_watcher_that_fails_is_taken_away() -> None:
    learner = nested()

    def fail(path: str, outputs: tuple[np.ndarray, ...]) -> None:
        raise RuntimeError(path)

    with pytest.raises(RuntimeError, match="y"), learner.watch("y", after=fail):
        learner.predict(np.zeros((1, 2), np.float32))
    learner.predict(np.zeros((1, 2), np.float32))


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (lambda k, b: k.activations(b, "stag/a"), "Nothing is called 'stag/a'. Did you mean 'stage/a'?"),
        (lambda k, b: k.gradients(b, "stage/a/weigt"), "Did you mean 'stage/a/weight'?"),
        (lambda k, b: k.propagate({"cat": b.weights}, "y"), "Nothing is called 'cat'. Did you mean 'cut'?"),
        (lambda k, b: k.watch("z").__enter__(), "No block matches 'z'"),
    ],
)
def test_names_that_there_are_not(look: Any, message: str) -> None:
    learner = nested()
    with pytest.raises(UnknownNameError) as caught:
        look(learner, first(learner))
    assert message in str(caught.value)


def test_too_little_to_run_from() -> None:
    learner = nested()
    with pytest.raises(DataError, match=r"To compute y from t takes x too: give it, or a value that lies between\."):
        learner.propagate({"t": np.ones((2, 1), np.float32)}, "y")


def test_what_predicts_is_looked_at() -> None:
    """With running means, activations are those of prediction; as training sees it, of the parameters themselves."""
    learner = kid(L.Dense(name="y", units=1))
    averaging = akid.SGD(learning_rate=0.01, average=0.9)
    learner = akid.Kid(brain=learner.config.brain, sensors=learner.config.sensors, backend="numpy", optimizer=averaging)
    learner.practice()
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(learner.activations({"x": x}, "y")["y"], learner.predict(x))
    live = x @ learner.network["y/weight"] + learner.network["y/bias"]
    np.testing.assert_allclose(learner.activations({"x": x}, "y", training=True)["y"], live, rtol=1e-6)
    assert np.abs(live - learner.predict(x)).max() > 1e-4


def test_an_input_of_an_unroll_and_steps_of_steps() -> None:
    """Sums along lines, and sums of these: what the inner one gives has both steps, and its input is one entry."""
    inner = akid.Unroll.graph(L.Add(name="s").on("v", "s@-1"), inputs="v", outputs="s", name="inner", gives="last")
    outer = akid.Unroll.graph(
        inner.on("rows"), L.Add(name="total").on("inner", "total@-1"), inputs="rows", outputs="total", name="outer"
    )
    made = akid.Brain.sequential(outer, inputs="x").with_loss(L.MeanSquaredError(name="mse"), "outer", "t")
    data = {"x": np.arange(12, dtype=np.float32).reshape(2, 2, 3, 1), "t": np.ones((2, 2, 1), np.float32)}
    learner = akid.Kid(brain=made, sensors=akid.sensors(train=data, batch_size=2), backend="numpy")
    found = learner.activations(data, "*")
    assert list(found) == ["outer/inner/s", "outer/total", "outer", "outer/rows", "mse"]
    np.testing.assert_array_equal(found["outer/inner/s"], np.cumsum(data["x"], axis=2))
    np.testing.assert_array_equal(found["outer/rows"], data["x"])
    np.testing.assert_array_equal(
        learner.propagate({"outer/inner/s": found["outer/inner/s"], "x": data["x"]}, "outer")["outer"], found["outer"]
    )
    assert learner.gradients(data, "*")["outer/inner/s"].shape == (2, 2, 3, 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": np.ones((2, 3), np.float32)}, r"'x' is float32\[N, 2\], N being the rows, and was given as \(2, 3\)"),
        ({"x": np.ones(2, np.float32)}, r"was given as \(2,\)"),
        ({"x": np.ones((2, 2), np.float32), "cut": np.ones((3, 1), np.float32)}, "'cut' has 3, and 'x' 2"),
    ],
)
def test_arrays_that_do_not_fit(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        nested().propagate(given, "y")


def test_looking_at_nothing() -> None:
    learner = nested()
    with pytest.raises(UsageError, match="Say what to look at"):
        learner.activations(first(learner))
