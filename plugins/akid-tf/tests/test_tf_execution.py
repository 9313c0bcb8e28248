"""How a span executes: by XLA, in parts, recomputed, with a step of the user's own, deterministic."""

from __future__ import annotations

import sys
import types
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Span
from akid_core.errors import AkidWarning, ConfigurationError
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.optimizers import SGD, Adam
from akid_core.testing.layers import referee
from akid_core.testing.referee import difference
from akid_tf.module import GraphModule
from akid_tf.runtime import tf

RATE = 0.05


def line(*extra: Any) -> Brain:
    blocks = (L.Flatten(), L.Dense(units=16), L.Tanh(), *extra, L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image", outputs="logits")
    return brain.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label").with_metric(
        L.Accuracy(name="accuracy"), "logits", "label"
    )


@dataclass(frozen=True, kw_only=True)
class Confidence(L.MeanSquaredError):
    """Rows count as much as the network is sure of them, so its weights are trained, too."""

    def check(self, *inputs: Any) -> None:
        pass

    def forward(self, context: Any, x: Any, labels: Any) -> tuple[Any, Any]:
        ops = context.ops
        return ops.mean(x * x, axis=1), ops.exp(ops.max(x, axis=1))


def several() -> Brain:
    """Losses that weigh rows alike, by their class, and by what is trained."""
    brain = line(L.Dropout(rate=0.3), L.BatchNorm(name="norm"))
    weighted = L.SoftmaxCrossEntropy(name="weighted", class_weights=(1.0, 5.0, 0.5), weight=0.7)
    return brain.with_loss(weighted, "logits", "label").with_loss(
        Confidence(name="confident", weight=0.3), "logits", "label"
    )


def everything(made: Any) -> dict[str, np.ndarray]:
    return {**made.network.read(), **made.trainer.read_slots()}


def same(one: Any, other: Any, goal: float) -> None:
    expected = everything(other)
    assert everything(one).keys() == expected.keys()
    for path, value in everything(one).items():
        assert difference(value, expected[path]) <= goal, path


def test_compiled_as_the_default_after_fifty_steps(live: Any, make_span: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    walk = GraphModule.walk
    monkeypatch.setattr(GraphModule, "walk", lambda *args, **kwargs: walks.append(1) or walk(*args, **kwargs))
    brain = line(L.Dropout(rate=0.3))
    compiled, default = (live(brain, Adam(), compile=compile, bundle=16) for compile in (True, False))
    assert len(walks) == 1  # the trial
    first, objectives = 0, []
    for count, rows in ((16, 6), (16, 6), (1, 2), (13, 6), (3, 6), (1, 4)):
        pair = [
            made.trainer.run(make_span(first, count, rows=rows), np.full(count, RATE)) for made in (compiled, default)
        ]
        objectives.append([result.objective for result in pair])
        assert float(pair[0].measures["accuracy"]["count"]) == float(pair[1].measures["accuracy"]["count"])
        first += count
    assert first == 50
    np.testing.assert_allclose(*(np.concatenate(each) for each in zip(*objectives, strict=True)), rtol=1e-5)
    same(compiled, default, 1e-5)
    # Of both the default program once; by XLA with room for 16 steps, and for 4.
    assert len(walks) == 1 + 2 + 2


class Counting(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen = tf.Variable(0.0, trainable=False)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        self.seen.assign_add(1.0)
        return x


class Python(tf.Module):
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(np.tanh, [x], tf.float32), x.shape)


@pytest.mark.parametrize(
    ("brain", "execution", "message"),
    [
        (line(Attach(name="counting", target=Counting())), {}, "attached as 'counting' has state of its own"),
        (line(Attach(name="python", target=Python())), {}, "XLA does not compile the brain"),
        (line(), {"micro_batches": 2}, "XLA does not take execution.micro_batches"),
        (line(), {"recompute": ("tanh",)}, "XLA does not take execution.recompute"),
        (line(), {"step": {"tensorflow": "mine:step"}}, "XLA does not take execution.step"),
    ],
)
def test_when_compiling_is_declined(backend: Any, fields: Any, brain: Brain, execution: Any, message: str) -> None:
    plan = backend.plan(Execution(compile=True, **execution), brain.resolve(fields))
    assert not plan.compile
    (note,) = plan.notes
    assert note.startswith("execution.compile is declined")
    assert message in note


def test_a_brain_that_convolves_is_not_compiled(backend: Any, fields: Any, brain: Brain) -> None:
    plan = backend.plan(Execution(compile=True), brain.resolve(fields))
    assert not plan.compile
    assert "the brain convolves" in plan.notes[0]
    assert backend.plan(Execution(), brain.resolve(fields)).notes == ()


@pytest.mark.parametrize("parts", [2, 4, 7])
def test_parts_are_the_whole(live: Any, make_span: Any, parts: int) -> None:
    """Gradients, objective and measures in float64 against the referee's, which knows no parts: exact for any sizes."""
    brain = line(L.Dropout(rate=0.3))
    weighted = L.SoftmaxCrossEntropy(name="weighted", class_weights=(1.0, 5.0, 0.5), weight=0.7)
    brain = brain.with_loss(weighted, "logits", "label").with_loss(
        Confidence(name="confident", weight=0.3), "logits", "label"
    )
    made = live(brain, SGD(momentum=0.9), precision="float64", micro_batches=parts)
    whole = live(brain, SGD(momentum=0.9), precision="float64", on=referee())
    batch = make_span(0, 1).batch(0)
    batch.weights[2] = 0
    wanted = whole.trainer.gradients(batch, 3)
    for path, gradient in made.trainer.gradients(batch, 3).items():
        assert difference(gradient, wanted[path]) <= 1e-10, path
    for span in (make_span(0, 2), make_span(2, 1, rows=1), make_span(3, 1, rows=3, first_row=5)):
        found, expected = (one.trainer.run(span, np.full(span.steps, RATE)) for one in (made, whole))
        np.testing.assert_allclose(found.objective, expected.objective, rtol=1e-10)
        for path, state in expected.measures.items():
            for name, part in state.items():
                np.testing.assert_allclose(found.measures[path][name], part, rtol=1e-6, err_msg=path)
    same(made, whole, 1e-10)


def test_state_takes_an_update_for_each_part(live: Any, make_span: Any) -> None:
    made, on_numpy = (
        live(several(), SGD(), micro_batches=2, precision="float64", **on) for on in ({}, {"on": referee()})
    )
    for one in (made, on_numpy):
        one.trainer.run(make_span(0, 2), np.full(2, RATE))
    same(made, on_numpy, 1e-9)


@pytest.mark.parametrize("globs", [("*",), ("dense", "tanh", "n*"), ("conv1", "norm", "relu", "p*", "drop")])
def test_recomputing_changes_nothing(brain: Brain, live: Any, make_span: Any, globs: tuple[str, ...]) -> None:
    chosen = brain if "conv1" in globs else several()
    plain, again = (
        live(chosen, SGD(momentum=0.9), precision="float64", recompute=recompute) for recompute in ((), globs)
    )
    results = [one.trainer.run(make_span(0, 3), np.full(3, RATE)).objective for one in (plain, again)]
    np.testing.assert_allclose(*results, rtol=1e-12)
    expected, found = everything(plain), everything(again)
    assert found.keys() == expected.keys()
    for path, value in found.items():  # the gradient of a bias before a norm is nothing but rounding
        np.testing.assert_allclose(value, expected[path], rtol=1e-9, atol=1e-12, err_msg=path)


def test_what_cannot_be_recomputed(live: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"no block matches 'tanx'. Did you mean 'tanh'"):
        live(line(), recompute="tanx")
    with pytest.raises(ConfigurationError, match="matches 'counting', an attached module"):
        live(line(Attach(name="counting", target=Counting())), recompute="c*")


def own_step(program: Any) -> tf.Tensor:
    """What the backend does by itself, at half the rate."""
    with tf.GradientTape() as tape:
        objective = program.objective()
    gradients = tape.gradient(objective, list(program.parameters.values()))
    program.update([gradient * 0.5 for gradient in gradients])
    return objective


def twice(program: Any) -> tf.Tensor:
    program.objective()
    return program.objective()


def too_few(program: Any) -> tf.Tensor:
    program.update([])
    return program.objective()


def nothing(program: Any) -> None:
    program.objective()


def idle(program: Any) -> tf.Tensor:
    return program.objective()


def never(program: Any) -> tf.Tensor:
    return program.learning_rate


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("mine")
    vars(module).update({each.__name__: each for each in (own_step, twice, too_few, nothing, idle, never)}, number=3)
    monkeypatch.setitem(sys.modules, "mine", module)


@pytest.mark.usefixtures("mine")
def test_a_step_of_ones_own(live: Any, make_span: Any) -> None:
    brain = several()
    own = live(brain, SGD(momentum=0.9), step={"tensorflow": "mine:own_step", "torch": "other:step"})
    plain = live(brain, SGD(momentum=0.9))
    found, expected = (one.trainer.run(make_span(0, 4), np.full(4, rate)) for one, rate in ((own, 0.1), (plain, 0.05)))
    np.testing.assert_allclose(found.objective, expected.objective, rtol=1e-6)
    assert found.measures.keys() == expected.measures.keys()
    for path, value in plain.network.read().items():
        assert difference(own.network[path], value) <= 1e-5, path


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("mine:twice", "calls program.objective.. twice"),
        ("mine:too_few", "gives program.update 0 gradients for 4 parameters"),
        ("mine:nothing", "must return the objective"),
        ("mine:never", "never calls program.objective"),
        ("mine:number", "mine:number is 3, not a function"),
        ("mine:absent", "mine:absent does not import"),
        ("nowhere:step", "nowhere:step does not import"),
    ],
)
def test_a_step_that_is_wrong(live: Any, make_span: Any, step: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        live(line(), step={"tensorflow": step}).trainer.run(make_span(0, 1), np.full(1, RATE))


@pytest.mark.usefixtures("mine")
def test_a_step_without_an_update_is_told_of_once(live: Any, make_span: Any) -> None:
    trainer = live(line(), step={"tensorflow": "mine:idle"}).trainer
    with pytest.warns(AkidWarning, match="mine:idle ended its first step without program.update") as told:
        trainer.run(make_span(0, 2), np.full(2, RATE))
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", AkidWarning)
        trainer.run(make_span(2, 1), np.full(1, RATE))


def test_a_step_leaves_no_parts(live: Any) -> None:
    with pytest.raises(ConfigurationError, match="execution.micro_batches has nothing to divide"):
        live(line(), step={"tensorflow": "mine:own_step"}, micro_batches=2)


def test_deterministic(live: Any, make_span: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(1))
    live(line(), SGD())
    assert not asked
    made = live(line(), SGD(), deterministic=True)
    assert asked
    assert np.isfinite(made.trainer.run(make_span(0, 1), np.full(1, RATE)).objective).all()


def test_batches_of_one_row_and_of_none(live: Any, make_span: Any) -> None:
    made, expected = live(line(), SGD()), live(line(), SGD(), on=referee())
    single = make_span(0, 2, rows=1)
    results = [one.trainer.run(single, np.full(2, RATE)).objective for one in (made, expected)]
    np.testing.assert_allclose(*results, rtol=1e-5)
    before = made.network.read()
    empty = make_span(2, 2, rows=1)
    fields = {name: values[:, :0] for name, values in empty.fields.items()}
    none = Span(0, 2, fields, *(array[:, :0] for array in (empty.weights, empty.positions, empty.rows)))
    assert not made.trainer.run(none, np.full(2, RATE)).objective.any()
    for path, value in made.network.read().items():
        np.testing.assert_array_equal(value, before[path])
