"""Feedback: unrolled graphs, what is carried, graphs that run step by step, blocks that evaluate."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch, Span
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.graph.expand import Stream
from akid_core.graph.node import Edge
from akid_core.graph.resolved import Value
from akid_core.graph.system import System
from akid_core.graph.unroll import Unroll
from akid_core.optimizers import SGD
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import difference
from akid_tf.backend import TensorflowBackend
from akid_tf.runtime import tf

ROWS, LENGTH, UNITS = 4, 6, 3
RATE = 0.1


def elman(**settings: Any) -> Brain:
    """h = tanh([x, h] W + b), from a learnt beginning (Elman, 1990)."""
    cell = Unroll.graph(
        L.Concat(name="joined").on("x", Edge("h", delay=1, initial="learned")),
        L.Dense(name="dense", units=UNITS).on("joined"),
        L.Tanh(name="h").on("dense"),
        inputs="x",
        outputs="h",
        name="rnn",
        **settings,
    )
    brain = Brain.graph(cell.on("sequence"), inputs="sequence", outputs="rnn")
    return brain.with_loss(L.MeanSquaredError(name="loss"), "rnn", "target")


def specs(length: int = LENGTH) -> dict[str, TensorSpec]:
    return {"sequence": TensorSpec(("N", length, 2)), "target": TensorSpec(("N", length, UNITS))}


def stream(steps: int, length: int = LENGTH) -> Span:
    random = np.random.default_rng(1)
    fields = {name: random.normal(size=(steps, ROWS, *spec.row)) for name, spec in specs(length).items()}
    index = np.zeros((steps, ROWS), np.int64)
    return Span(0, 0, fields, np.ones((steps, ROWS), np.float32), index, index)


@pytest.mark.parametrize("bptt", [None, 2])
def test_carried_state_as_a_loop_by_hand(live: Any, bptt: int | None) -> None:
    """Three batches of a stream of epochs of two: each goes on where the last one ended, and the third begins anew."""
    made = live(
        elman(carry=True, bptt=bptt), SGD(), specs=specs(), precision="float64", stream=Stream(rows=ROWS, period=2)
    )
    params = {path: tf.Variable(value) for path, value in made.network.read().items()}
    (begins,) = (path for path in params if path.endswith("@initial/value"))
    span, carried, objectives = stream(3), None, []
    for step in range(3):
        fields = span.batch(step).fields
        with tf.GradientTape() as tape:
            h = tf.broadcast_to(params[begins], (ROWS, UNITS)) if step % 2 == 0 else carried
            outputs = []
            for time in range(LENGTH):
                if bptt and time % bptt == 0 and time:
                    h = tf.stop_gradient(h)
                joined = tf.concat([fields["sequence"][:, time], h], 1)
                h = tf.tanh(joined @ params["rnn/dense/weight"] + params["rnn/dense/bias"])
                outputs.append(h)
            objective = tf.reduce_mean((tf.stack(outputs, 1) - fields["target"]) ** 2)
        carried = tf.stop_gradient(h)
        moved = [params[path] for path in made.network.graph.trained]
        for variable, slope in zip(moved, tape.gradient(objective, moved), strict=True):
            if slope is not None:
                variable.assign_sub(RATE * slope)
        objectives.append(objective.numpy())
    found = made.trainer.run(span, np.full(3, RATE)).objective
    np.testing.assert_allclose(found, objectives, rtol=1e-9)
    for path in made.network.graph.trained:
        assert difference(made.network[path], params[path].numpy()) <= 1e-9, path
    (kept,) = (path for path in params if path.endswith("@before/values"))
    assert difference(made.network[kept][:, 0], carried.numpy()) <= 1e-9


def test_what_training_keeps_is_no_part_of_evaluation(live: Any) -> None:
    made = live(elman(carry=True), specs=specs(), stream=Stream(rows=ROWS, period=5))
    made.trainer.run(stream(1), np.full(1, RATE))
    before, batch = made.network.read(), stream(1).batch(0)
    first, again = (made.network.measure(batch)["loss"]["sum"] for _ in range(2))
    assert first == again
    fewer = Batch(
        {name: value[:2] for name, value in batch.fields.items()},
        batch.weights[:2],
        batch.positions[:2],
        batch.rows[:2],
    )
    made.network.measure(fewer)  # another number of rows than is carried
    for path, value in made.network.read().items():
        np.testing.assert_array_equal(value, before[path])


def test_step_by_step_as_all_at_once(live: Any, backend: TensorflowBackend) -> None:
    """`network.module` takes what it gave the step before; the first one takes what begins."""
    whole = live(elman(), specs=specs(), precision="float64").network
    one = replace(elman(), precision=Precision.of("float64"))
    graph = one.resolve({"sequence": specs(1)["sequence"]}, losses=False, stepwise=True)
    steps = backend.network(graph, backend.plan(Execution(), graph), 0)
    steps.place("cpu")
    values = whole.read()
    (begins,) = (path for path in values if path.endswith("@initial/value"))
    whole[begins] = values[begins] = np.array([0.5, -0.2, 0.1])
    steps.fill({path: value for path, value in values.items() if path in graph.params})
    sequence = stream(1).batch(0).fields["sequence"]
    (wanted,) = whole.values({"sequence": sequence}, [Value("rnn")])
    carried = None
    for time in range(LENGTH):
        outputs, carried = steps.module({"sequence": tf.constant(sequence[:, time : time + 1])}, carried=carried)
        assert set(carried) == set(graph.lines)
        assert difference(outputs["rnn"].numpy()[:, 0], wanted[:, time]) <= 1e-12


def test_a_long_sequence_takes_operations_in_proportion(live: Any) -> None:
    """Cut apart and put together by one operation each, forward and backward."""

    def operations(length: int) -> Counter[str]:
        made = live(elman(), SGD(), specs=specs(length))
        program = made.trainer._differentiating(())
        traced = program._traced(xla=False)
        return Counter(operation.type for operation in traced.graph.get_operations())

    few, many = operations(8), operations(16)
    assert few["Unpack"] + few["Pack"] == many["Unpack"] + many["Pack"]
    assert few["StridedSlice"] == many["StridedSlice"]
    assert many["Tanh"] == 2 * few["Tanh"] == 16
    assert many.total() < 2.2 * few.total()


class Counts(tf.Module):
    """Counts its calls in training."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = tf.Variable(0, trainable=False)

    def __call__(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        if training:
            self.seen.assign_add(1)
        return x


@pytest.mark.parametrize("evaluating", [True, False])
def test_what_evaluates_draws_nothing_and_keeps_its_state(live: Any, make_span: Any, evaluating: bool) -> None:
    blocks = (
        L.BatchNorm(name="norm"),
        L.Dropout(name="drop", rate=0.5),
        Attach(name="counts", target=Counts()),
    )
    teacher = System.sequential(*blocks, name="teacher", evaluating=evaluating)
    brain = Brain.sequential(L.Flatten(), teacher, L.Dense(name="logits", units=3), inputs="image").with_loss(
        L.SoftmaxCrossEntropy(), "logits", "label"
    )
    made = live(brain, SGD())
    state = ("teacher/norm/mean", "teacher/norm/variance", "teacher/counts/seen")
    before, batch = made.network.read(), make_span(0, 1).batch(0)
    (drawn,), (sure,) = (
        made.network.values(batch.fields, [Value("teacher/drop")], training=training) for training in (True, False)
    )
    assert np.array_equal(drawn, sure) == evaluating
    made.trainer.run(make_span(0, 2), np.full(2, RATE))
    for path in state:
        assert np.array_equal(made.network[path], before[path]) == evaluating, path
    assert not np.array_equal(made.network["teacher/norm/scale"], before["teacher/norm/scale"])
