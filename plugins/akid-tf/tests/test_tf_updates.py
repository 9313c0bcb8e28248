"""What one update does beside the formula, what is frozen, and what types are kept, against the referee in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.errors import ConfigurationError
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.optimizers import SGD, Adam, Optimizer
from akid_core.optimizers.regularizer import Regularizer
from akid_core.specs.precision import Precision
from akid_core.testing.layers import referee
from akid_core.testing.referee import difference
from akid_tf.runtime import tf

PULL = Regularizer(params=("*weight",), l1=0.01, l2=0.02)
LIMIT = Regularizer(params=("conv1/weight", "logits/*"), max_norm=0.6)
UPDATES = [
    SGD(clip_value=0.01),
    SGD(momentum=0.9, regularizers=(PULL, LIMIT)),
    SGD(weight_decay=0.1, average=0.9),
    Adam(clip_value=0.05, clip_norm=0.1, regularizers=(PULL, LIMIT), weight_decay=0.05, average=0.99),
]
MIXED = Precision("float32", "bfloat16", "float32")


def everything(made: Any) -> dict[str, np.ndarray]:
    return {**made.network.read(), **made.trainer.read_slots()}


@pytest.mark.parametrize("optimizer", UPDATES, ids=lambda optimizer: type(optimizer).__name__)
def test_updates_as_the_referee(brain: Brain, live: Any, make_span: Any, optimizer: Optimizer) -> None:
    made, reference = (live(brain, optimizer, precision="float64", **on) for on in ({}, {"on": referee()}))
    for one in (made, reference):
        one.trainer.run(make_span(0, 5), np.full(5, 0.1))
    expected = everything(reference)
    assert everything(made).keys() == expected.keys()
    for path, value in everything(made).items():  # a bias before a norm has no gradient but rounding
        np.testing.assert_allclose(value, expected[path], rtol=1e-8, atol=1e-7, err_msg=path)
    if LIMIT in optimizer.regularizers:
        assert np.linalg.norm(made.network["conv1/weight"].reshape(4, -1), axis=1).max() <= 0.6 + 1e-12
        assert np.linalg.norm(made.network["logits/weight"], axis=0).max() <= 0.6 + 1e-12


class Follower(tf.Module):
    """A weight and a count of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(tf.ones(3))
        self.seen = tf.Variable(0.0, trainable=False)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        self.seen.assign_add(1.0)
        return x * self.weight


def test_what_is_frozen_never_changes(brain: Brain, live: Any, make_span: Any) -> None:
    blocks = (*(node.block for node in brain.nodes), Attach(name="own", target=Follower()))
    whole = Brain.sequential(*blocks, inputs="image", outputs="own").with_loss(L.SoftmaxCrossEntropy(), "own", "label")
    globs = ("conv1/*", "norm/mean", "norm/variance", "own/*")
    made = live(whole, Adam(weight_decay=0.1), frozen=globs)
    before = made.network.read()
    made.trainer.run(make_span(0, 3), np.full(3, 0.1))
    changed = {path for path, value in made.network.read().items() if not np.array_equal(value, before[path])}
    assert changed == {"norm/scale", "norm/shift", "logits/weight", "logits/bias"}
    assert {name.split(":")[1] for name in made.trainer.read_slots()} == changed
    assert set(made.trainer.gradients(make_span(0, 1).batch(0), 0)) == changed


def test_all_may_be_frozen(brain: Brain, live: Any, make_span: Any) -> None:
    made = live(brain, Adam(clip_norm=1.0), frozen=("*",))
    before = made.network.read()
    assert np.isfinite(made.trainer.run(make_span(0, 2), np.full(2, 0.1)).objective).all()
    for path, value in made.network.read().items():
        np.testing.assert_array_equal(value, before[path])


def test_mixed_precision_keeps_wide_what_must_be(brain: Brain, live: Any, make_span: Any) -> None:
    """Values within what bfloat16 resolves (2^-8) of float32; parameters, slots, statistics and losses are float32."""
    mixed, wide = live(brain, Adam(), precision=MIXED), live(brain, Adam())
    span = make_span(0, 8)
    results = [one.trainer.run(span, np.full(8, 0.01)) for one in (mixed, wide)]
    np.testing.assert_allclose(*(result.objective for result in results), rtol=0.1)
    assert results[0].measures["loss"]["sum"].dtype == np.float64
    for path, value in everything(mixed).items():
        assert value.dtype == np.float32, path
    assert not np.array_equal(
        mixed.network["conv1/weight"], tf.cast(tf.cast(mixed.network["conv1/weight"], "bfloat16"), "float32")
    )
    batch = span.batch(0)
    graph = mixed.network.graph
    (logits,) = mixed.network.values(batch.fields, list(graph.outputs.values()))
    assert logits.dtype == np.float32  # as NumPy knows it
    gradients, expected = (one.trainer.gradients(batch, 0) for one in (live(brain, precision=MIXED), live(brain)))
    for path, gradient in gradients.items():
        assert gradient.dtype == np.float32
        if path != "conv1/bias":
            assert difference(gradient, expected[path]) <= 0.05, path


def test_mixed_precision_compiled_in_parts_and_recomputed(live: Any, make_span: Any) -> None:
    blocks = (
        L.Flatten(),
        L.Dense(units=8, name="hidden"),
        L.BatchNorm(name="norm"),
        L.ReLU(),
        L.Dense(units=3, name="logits"),
    )
    line = Brain.sequential(*blocks, inputs="image", outputs="logits").with_loss(
        L.SoftmaxCrossEntropy(), "logits", "label"
    )
    for execution in ({"compile": True}, {"micro_batches": 3}, {"recompute": ("hidden", "norm")}):
        made = live(line, SGD(), precision=MIXED, **execution)
        assert np.isfinite(made.trainer.run(make_span(0, 2), np.full(2, 0.1)).objective).all()


def test_float16_is_not_trained(brain: Brain, live: Any) -> None:
    with pytest.raises(ConfigurationError, match="take compute: bfloat16"):
        live(brain, precision=Precision("float32", "float16", "float32"))
