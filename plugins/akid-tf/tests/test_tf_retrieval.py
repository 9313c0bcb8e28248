"""Watching, given values, gradients by values: what the suite of all backends leaves to TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.errors import UnknownNameError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.optimizers import SGD
from akid_core.specs.precision import Precision
from akid_core.testing.referee import difference
from akid_tf.module import GraphModule
from akid_tf.runtime import tf


def line(*more: Any) -> Brain:
    blocks = (L.Flatten(), L.Dense(name="hidden", units=5), L.Tanh(name="tanh"), *more, L.Dense(name="logits", units=3))
    return Brain.sequential(*blocks, inputs="image", outputs="logits").with_loss(
        L.SoftmaxCrossEntropy(name="loss"), "logits", "label"
    )


@pytest.mark.parametrize("execution", [{}, {"compile": True}, {"recompute": ("hidden", "tanh")}, {"micro_batches": 2}])
def test_watching_leaves_the_programs_there_were(
    live: Any, make_span: Any, execution: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks are seen in every step in their order, once for each part of a batch."""
    walks = []
    walk = GraphModule.walk
    monkeypatch.setattr(GraphModule, "walk", lambda *args, **kwargs: walks.append(1) or walk(*args, **kwargs))
    made, alone = (live(line(L.Dropout(rate=0.3)), precision="float64", **execution) for _ in range(2))
    seen: list[tuple[str, tuple[int, ...]]] = []
    first, later = make_span(0, 3), make_span(3, 3)
    for one in (made, alone):
        one.trainer.run(first, np.full(3, 0.1))
    walks.clear()
    with (
        made.network.watch("hidden", before=lambda path, arrays: seen.append((path, arrays[0].shape))),
        made.network.watch("tan*", after=lambda path, arrays: seen.append((path, arrays[0].shape))),
    ):
        made.trainer.run(first, np.full(3, 0.1))
    parts = execution.get("micro_batches", 1)
    assert len(walks) == parts  # with parts, that of the metrics
    assert seen == [("hidden", (6 // parts, 128)), ("tanh", (6 // parts, 5))] * 3 * parts
    walks.clear()
    made.trainer.run(later, np.full(3, 0.1))
    assert not any(walks), "the program that was there before comes back"
    for one in (first, later):
        alone.trainer.run(one, np.full(one.steps, 0.1))
    for path, value in alone.network.read().items():
        assert difference(made.network[path], value) <= 1e-12, path


def test_who_watches_may_raise(live: Any, make_span: Any) -> None:
    made = live(line())

    def refuse(path: str, arrays: tuple[np.ndarray, ...]) -> None:
        raise LookupError(f"{path} is not what it was")

    with made.network.watch("tanh", after=refuse):
        with pytest.raises(LookupError, match="tanh is not what it was"):
            made.trainer.run(make_span(0, 2), np.full(2, 0.1))
        with pytest.raises(LookupError, match="tanh is not what it was"):
            made.network.measure(make_span(0, 1).batch(0))
    made.trainer.run(make_span(0, 2), np.full(2, 0.1))


def test_images_are_seen_as_they_are_said(brain: Brain, live: Any, make_span: Any) -> None:
    """Canonical, whatever lies inside; what computes in bfloat16 comes as float32, which NumPy knows."""
    made, batch = live(brain, precision=Precision("float32", "bfloat16", "float32")), make_span(0, 1).batch(0)
    seen: dict[str, tuple[np.ndarray, ...]] = {}
    targets = [Value("conv1"), Value("pool")]
    with made.network.watch("*", after=seen.__setitem__):
        found = made.network.values(batch.fields, targets)
    for target, value in zip(targets, found, strict=True):
        (shown,) = seen[target.source]
        assert shown.dtype == np.float32
        np.testing.assert_array_equal(shown, value)
    assert seen["conv1"][0].shape == (6, 4, 8, 8)
    outputs, _ = made.network.module({"image": tf.cast(batch.fields["image"], "bfloat16")})
    with made.network.watch("logits", after=seen.__setitem__):  # where TensorFlow's own users call it, too
        seen.clear()
        made.network.module({"image": tf.cast(batch.fields["image"], "bfloat16")})
    np.testing.assert_array_equal(seen["logits"][0], tf.cast(outputs["logits"], "float32").numpy())


def test_one_output_of_several_is_given(live: Any) -> None:
    """The other one is still computed; rows are those of what is given, and there may be none."""
    halves = Brain.graph(
        L.Split(name="halves", parts=2).on("image"),
        L.Add(name="sum").on("halves", "halves:1"),
        inputs="image",
        outputs="sum",
    ).with_loss(L.MeanSquaredError(), "sum", "sum")
    network = live(halves).network
    images = np.random.default_rng(0).normal(size=(3, 2, 8, 8)).astype(np.float32)
    first = Value("halves")
    (found,) = network.values({"image": images}, [Value("sum")], given={first: np.zeros((3, 1, 8, 8), np.float32)})
    np.testing.assert_array_equal(found, images[:, 1:])
    everything = {first: np.ones((0, 1, 8, 8)), Value("halves", 1): np.ones((0, 1, 8, 8))}
    assert network.values({}, [Value("sum")], given=everything)[0].shape == (0, 1, 8, 8)


def test_gradients_by_values_channels_last_as_a_tape_gives_them(brain: Brain, live: Any, make_span: Any) -> None:
    """By what lies channels last inside, by a loss, and with a block between that is computed again otherwise."""
    made, batch = live(brain, precision="float64", recompute=("relu", "pool")), make_span(0, 1).batch(0)
    values = (Value("conv1"), Value("relu"), Value("flat"), Value("loss"))
    found = made.trainer.gradients(batch, 2, values)
    (relu, loss) = made.network.values(
        {**batch.fields, "sample_weight": batch.weights}, [Value("relu"), Value("loss")], training=True, step=2
    )
    np.testing.assert_allclose(found["loss"], batch.weights / batch.weights.sum(), rtol=1e-6)
    assert found["conv1"].shape == relu.shape == found["relu"].shape
    network, calls = made.network, made.network.graph.needed([Value("logits")], [Value("relu")])
    weight = tf.constant(batch.weights, tf.float64)
    with tf.GradientTape() as tape:
        given = tf.constant(relu)
        tape.watch(given)
        logits = after(network, calls, given)
        rows = tf.nn.sparse_softmax_cross_entropy_with_logits(batch.fields["label"], logits)
        objective = tf.reduce_sum(rows * weight) / tf.reduce_sum(weight)
    np.testing.assert_allclose(rows, loss, rtol=1e-9)
    assert difference(found["relu"], tape.gradient(objective, given).numpy()) <= 1e-9


def after(network: Any, calls: Any, relu: tf.Tensor) -> tf.Tensor:
    """The logits that come of what `relu` gives, in training, in step 2."""
    from akid_tf.layout import Laid

    forward = network.forward(calls, {"x": relu}, training=True, step=2, known={("relu", 0): Laid(relu)})
    return forward[Value("logits")]


def test_no_gradient_by_what_no_loss_needs(live: Any, make_span: Any) -> None:
    made = live(line(), SGD())
    with pytest.raises(UnknownNameError, match="no gradient by 'hiden'.* Did you mean 'hidden'"):
        made.trainer.gradients(make_span(0, 1).batch(0), 0, (Value("hiden"),))
    assert not made.trainer.gradients(make_span(0, 1, rows=0).batch(0), 0, (Value("hidden"),))["hidden"].size
