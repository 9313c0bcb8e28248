"""A System over time: what it is unrolled into, what is carried, how gradients are cut, and what is refused.

The expected numbers are those of loops written out in NumPy here; torch's own cells are compared in tests/cross.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.bundled.numpy.backend import NumpyBackend
from akid_core.data.batch import Batch
from akid_core.data.samplers import Streams
from akid_core.errors import (
    AkidWarning,
    ConfigurationError,
    CycleError,
    DataError,
    GraphError,
    SpecError,
    UnknownNameError,
)
from akid_core.graph.resolved import Graph, Value
from akid_core.initializers.fill import initial_values
from akid_core.specs.precision import Precision

STEPS = akid.TensorSpec(("N", 4, 3), "float64")
EXACT: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-12}
BACKEND = NumpyBackend()


def elman(initial: float | str = "zeros", **settings: Any) -> akid.Unroll:
    """tanh(x W + h' V): one recurrent block of two units, without biases."""
    return akid.Unroll.graph(
        L.Dense(name="drive", units=2, bias=False).on("x"),
        L.Dense(name="echo", units=2, bias=False).on(akid.Edge("h", delay=1, initial=initial)),
        L.Add(name="sum").on("drive", "echo"),
        L.Tanh(name="h").on("sum"),
        inputs="x",
        outputs="h",
        name="rnn",
        **settings,
    )


def brain(unroll: akid.Unroll, *blocks: akid.Block) -> akid.Brain:
    made = akid.Brain.sequential(unroll, *blocks, inputs="x", precision=Precision.of("float64"))
    return made.with_loss(L.MeanSquaredError(), blocks[-1].name if blocks else "rnn", "t")


def live(graph: Graph) -> Any:
    network = BACKEND.network(graph, BACKEND.plan(Execution(), graph), 0)
    network.place("cpu")
    network.fill(initial_values(graph, 5))
    return network


def sequences(seed: int = 0, rows: int = 2, steps: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, steps, 3))


def run(network: Any, x: np.ndarray) -> np.ndarray:
    found: np.ndarray = network.values({"x": x}, list(network.graph.outputs.values()))[0]
    return found


def by_hand(network: Any, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """All steps of `elman`, (rows, steps, 2)."""
    found = []
    for step in range(x.shape[1]):
        h = np.tanh(x[:, step] @ network["rnn/drive/weight"] + h @ network["rnn/echo/weight"])
        found.append(h)
    return np.stack(found, axis=1)


def test_steps_one_after_the_other() -> None:
    network = live(brain(elman()).resolve({"x": STEPS}, losses=False))
    x = sequences()
    np.testing.assert_allclose(run(network, x), by_hand(network, x, np.zeros((2, 2))), **EXACT)


def test_the_copies_share_one_set_of_parameters() -> None:
    graph = brain(elman()).resolve({"x": STEPS}, losses=False)
    assert list(graph.params) == ["rnn/drive/weight", "rnn/echo/weight"]
    assert [call.path for call in graph.calls if call.owner == "rnn/h"] == [f"rnn/h@{step}" for step in range(4)]
    assert not any(value.delay for call in graph.everything for value in call.inputs)


@pytest.mark.parametrize("initial", [0.25, -1.0])
def test_a_number_before_the_first_step(initial: float) -> None:
    network = live(brain(elman(initial)).resolve({"x": STEPS}, losses=False))
    x = sequences()
    np.testing.assert_allclose(run(network, x), by_hand(network, x, np.full((2, 2), initial)), **EXACT)


def test_a_learnt_beginning_is_a_parameter_that_moves() -> None:
    graph = brain(elman("learned")).resolve({"x": STEPS, "t": akid.TensorSpec(("N", 4, 2), "float64")})
    network = live(graph)
    assert graph.params["rnn/h@initial/value"].shape == (2,)
    network["rnn/h@initial/value"] = np.array([0.5, -0.5])
    x = sequences()
    np.testing.assert_allclose(run(network, x), by_hand(network, x, np.tile([0.5, -0.5], (2, 1))), **EXACT)
    trainer = BACKEND.trainer(network, akid.SGD(), BACKEND.plan(Execution(), graph))
    batch = Batch({"x": x, "t": np.zeros((2, 4, 2))}, np.ones(2, np.float32), np.arange(2), np.arange(2))
    assert np.abs(trainer.gradients(batch, 0)["rnn/h@initial/value"]).min() > 0


def test_two_steps_back_and_the_last_alone() -> None:
    unroll = akid.Unroll.graph(L.Add(name="h").on("x", "h@-2"), inputs="x", outputs="h", name="sums", gives="last")
    network = live(akid.Brain.sequential(unroll, inputs="x").resolve({"x": akid.TensorSpec(("N", 5, 1))}, losses=False))
    x = np.array([[[1.0], [10.0], [2.0], [20.0], [3.0]]], np.float32)
    np.testing.assert_array_equal(run(network, x), [[6.0]])  # 1 + 2 + 3: every other one


def test_two_side_by_side() -> None:
    """What the past of the second is like, its own steps say, and not what the first gives whole."""
    second = elman()
    made = akid.Brain.graph(
        elman().on("x"), akid.Unroll(**{**vars(second), "name": "other"}).on("x"), L.Add(name="o").on("rnn", "other"),
        inputs="x", outputs="o",
    )  # fmt: skip
    graph = made.resolve({"x": STEPS}, losses=False)
    assert graph.params["other/echo/weight"].shape == (2, 2)
    assert graph.spec(Value("o")).shape == ("N", 4, 2)


def test_the_past_of_an_input() -> None:
    unroll = akid.Unroll.graph(L.Concat(name="pair").on("x@-1", "x"), inputs="x", outputs="pair", name="pairs")
    network = live(akid.Brain.sequential(unroll, inputs="x").resolve({"x": akid.TensorSpec(("N", 3, 1))}, losses=False))
    x = np.array([[[1.0], [2.0], [3.0]]], np.float32)
    np.testing.assert_array_equal(run(network, x), [[[0, 1], [1, 2], [2, 3]]])


def test_an_image_looked_at_again_and_again() -> None:
    look = akid.Unroll.graph(
        L.Add(name="h").on("image", "h@-1"), inputs="image", outputs="h", name="look", over=(), steps=3
    )
    graph = akid.Brain.sequential(look, inputs="image").resolve({"image": akid.TensorSpec(("N", 2))}, losses=False)
    assert run_one(graph, np.array([[1.0, 2.0]], np.float32)).tolist() == [[[1, 2], [2, 4], [3, 6]]]


def run_one(graph: Graph, values: np.ndarray) -> np.ndarray:
    found: np.ndarray = live(graph).values(dict.fromkeys(graph.inputs, values), list(graph.outputs.values()))[0]
    return found


def test_two_sequences_and_an_input_that_stays() -> None:
    mix = akid.Unroll.graph(
        L.Add(name="sum").on("a", "b", "bias"), L.Multiply(name="product").on("a", "b"),
        inputs=("a", "b", "bias"), outputs=("sum", "product"), name="mix", over=("a", "b"),
    )  # fmt: skip
    made = akid.Brain.graph(mix.on("a", "b", "bias"), inputs=("a", "b", "bias"), outputs=("mix", "mix:1"))
    specs = {"a": akid.TensorSpec(("N", 2, 1)), "b": akid.TensorSpec(("N", 2, 1)), "bias": akid.TensorSpec(("N", 1))}
    graph = made.resolve(specs, losses=False)
    a, b = np.array([[[1], [2]]], np.float32), np.array([[[3], [4]]], np.float32)
    total, product = live(graph).values(
        {"a": a, "b": b, "bias": np.array([[10]], np.float32)}, [*graph.outputs.values()]
    )
    assert total.tolist() == [[[14], [16]]]
    assert product.tolist() == [[[3], [8]]]


def test_one_over_time_inside_another() -> None:
    """Each step of the outer one sums what the inner one has summed; sums of sums of 1..n are tetrahedral numbers."""
    inner = akid.Unroll.graph(L.Add(name="s").on("v", "s@-1"), inputs="v", outputs="s", name="inner", gives="last")
    outer = akid.Unroll.graph(
        inner.on("rows"), L.Add(name="total").on("inner", "total@-1"), inputs="rows", outputs="total", name="outer"
    )
    graph = akid.Brain.sequential(outer, inputs="x").resolve({"x": akid.TensorSpec(("N", 2, 3, 1))}, losses=False)
    x = np.arange(1, 7, dtype=np.float32).reshape(1, 2, 3, 1)
    assert run_one(graph, x).tolist() == [[[6], [21]]]


@pytest.mark.parametrize(("bptt", "far"), [(None, True), (3, True), (2, False), (1, False)])
def test_how_far_gradients_flow_back(bptt: int | None, far: bool) -> None:
    """Step 2 lies at the border of bptt=2: what it gives depends on step 1, and its gradient does not reach it."""
    unroll = akid.Unroll.graph(L.Add(name="h").on("x", "h@-1"), inputs="x", outputs="h", name="sums", bptt=bptt)
    made = akid.Brain.sequential(unroll, L.Slice(start=2, stop=3, name="third"), inputs="x")
    made = made.with_loss(L.MeanSquaredError(), "third", "t")
    graph = made.resolve({"x": akid.TensorSpec(("N", 4, 1)), "t": akid.TensorSpec(("N", 1, 1))})
    network = live(graph)
    trainer = BACKEND.trainer(network, akid.SGD(), BACKEND.plan(Execution(), graph))
    fields = {"x": np.ones((1, 4, 1), np.float32), "t": np.zeros((1, 1, 1), np.float32)}
    batch = Batch(fields, np.ones(1, np.float32), np.arange(1), np.arange(1))
    reached = trainer.gradients(batch, 0, [Value("sums/h@1"), Value("sums/h@2")])
    assert reached["sums/h@2"].item() == 6.0  # d (3^2) / dh = 2 * 3
    assert reached["sums/h@1"].item() == (6.0 if far else 0.0)


# -- carried from batch to batch


def stream_kid(**settings: Any) -> akid.Kid:
    """Two streams of three windows of four steps each."""
    x, t = sequences(1, rows=6).astype(np.float32), sequences(2, rows=6)[..., :2].astype(np.float32)
    made = akid.Brain.sequential(elman(carry=True), inputs="x").with_loss(L.MeanSquaredError(), "rnn", "t")
    sensors = akid.sensors(train={"x": x, "t": t}, batch_size=2, sampler=Streams(count=2))
    practice = akid.Practice(epochs=2, checkpoint_every=1)
    given = {"optimizer": akid.SGD(learning_rate=0.0), "practice": practice, "backend": "numpy", "seed": 5}
    return akid.Kid(brain=made, sensors=sensors, **{**given, **settings})


def test_each_batch_goes_on_where_the_one_before_ended_and_an_epoch_begins_anew() -> None:
    kid, seen = stream_kid(), list[np.ndarray]()
    with kid.watch("rnn/h@3", after=lambda _, outputs: seen.append(outputs[0])):
        kid.practice()
    x = sequences(1, rows=6).astype(np.float32).reshape(2, 12, 3)
    whole = by_hand(kid.network, x, np.zeros((2, 2)))
    expected = [whole[:, 3], whole[:, 7], whole[:, 11]] * 2
    np.testing.assert_allclose(seen, expected, rtol=1e-6, atol=1e-6)


def test_evaluation_begins_anew_and_leaves_what_is_carried_alone() -> None:
    kid = stream_kid()
    kid.practice(max_steps=2)
    before = kid.network["rnn/h@before/values"]
    x = sequences(3).astype(np.float32)
    np.testing.assert_allclose(kid.predict(x), by_hand(kid.network, x, np.zeros((2, 2))), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(kid.network["rnn/h@before/values"], before)


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_run_that_is_resumed_carries_on_to_the_bit(stop: int, tmp_path: Path) -> None:
    whole = stream_kid(optimizer=akid.Adam(learning_rate=0.1))
    whole.practice()
    stream_kid(optimizer=akid.Adam(learning_rate=0.1)).practice(run_dir=tmp_path, max_steps=stop)
    resumed = stream_kid(optimizer=akid.Adam(learning_rate=0.1))
    resumed.practice(run_dir=tmp_path, resume=True)
    for path in whole.network:
        np.testing.assert_array_equal(resumed.network[path], whole.network[path], err_msg=path)


def test_frozen_blocks_still_carry() -> None:
    head = L.Dense(name="head", units=2)
    made = akid.Brain.sequential(elman(carry=True), head, inputs="x").with_loss(L.MeanSquaredError(), "head", "t")
    kid = stream_kid()
    frozen = akid.Kid(
        brain=made, sensors=kid.config.sensors, practice=akid.Practice(epochs=1, freeze="rnn/*"), backend="numpy"
    )
    frozen.practice(max_steps=1)
    assert np.abs(frozen.network["rnn/h@before/values"]).min() > 0


def test_feedback_outside_any_unroll_is_that_of_the_batch_before() -> None:
    made = akid.Brain.graph(
        L.Add(name="total").on("x", "total@-1"), L.Dense(name="y", units=1).on("total"), inputs="x", outputs="y"
    ).with_loss(L.MeanSquaredError(), "y", "t")
    x = np.arange(8, dtype=np.float32).reshape(8, 1)
    sensors = akid.sensors(train={"x": x, "t": x}, batch_size=2, sampler=Streams(count=2))
    kid, seen = akid.Kid(brain=made, sensors=sensors, backend="numpy"), list[Any]()
    with kid.watch("total", after=lambda _, outputs: seen.append(outputs[0][:, 0].tolist())):
        kid.practice()
    assert seen == [[0, 4], [1, 9], [3, 15], [6, 22]]


# -- step by step


@pytest.mark.parametrize("carry", [False, True])
def test_a_sequence_in_stretches_gives_what_it_gives_whole(carry: bool) -> None:
    kid = stream_kid()
    if not carry:
        made = akid.Brain.sequential(elman(0.5), inputs="x").with_loss(L.MeanSquaredError(), "rnn", "t")
        kid = akid.Kid(brain=made, sensors=kid.config.sensors, backend="numpy", seed=5)
    x = sequences(4).astype(np.float32)
    stepper = kid.stepper()
    stretches = [stepper(x[:, :1]), stepper(x[:, 1:3]), stepper({"x": x[:, 3:]})]
    np.testing.assert_allclose(np.concatenate(stretches, axis=1), kid.predict(x), rtol=1e-6, atol=1e-6)
    stepper.reset()
    np.testing.assert_allclose(stepper(x[:, :1]), stretches[0], rtol=1e-6)


def test_continuations_from_one_place() -> None:
    stepper = stream_kid().stepper()
    x = sequences(6).astype(np.float32)
    stepper(x)
    place = dict(stepper.carried)
    first = stepper(x[:, :1])
    stepper.carried = place
    np.testing.assert_array_equal(stepper(x[:, :1]), first)
    with pytest.raises(DataError, match=r"2 sequences are under way, and 1 rows were given"):
        stepper(x[:1])


def test_what_is_carried_is_checked() -> None:
    stepper, x = stream_kid().stepper(), sequences(6).astype(np.float32)
    stepper(x[:, :1])
    stepper.carried = {"rnn/h": np.zeros((2, 2))}
    with pytest.raises(UnknownNameError, match=r"Nothing that is carried is called 'rnn/h'\. Did you mean 'rnn/h@-1'"):
        stepper(x[:, :1])
    stepper.carried = {"rnn/h@-1": np.zeros((2, 3))}
    with pytest.raises(DataError, match=r"'rnn/h@-1' is float32\[N, 2\], and was set to an array \(2, 3\)"):
        stepper(x[:, :1])


# -- descriptions


def test_an_unroll_in_yaml() -> None:
    made = brain(elman("learned", bptt=2, carry=True, gives="last"))
    data = made.to_config()
    assert data["blocks"][0]["unroll"]["bptt"] == 2
    assert data["blocks"][0]["unroll"]["blocks"][1]["dense"]["inputs"] == {
        "source": "h", "delay": 1, "initial": "learned"
    }  # fmt: skip
    assert akid.Brain.from_config(data) == made


def test_an_unroll_in_yaml_that_is_wrong() -> None:
    data = {"inputs": "x", "blocks": [{"unroll": {"takes": "x", "ove": "x", "blocks": ["relu"]}}]}
    with pytest.raises(ConfigurationError, match=r"brain\.blocks\[0\]\.unroll\.ove: unknown key 'ove'.* 'over'"):
        akid.Brain.from_config(data)
    data = {"inputs": "x", "blocks": [{"unroll": {"takes": "x", "bptt": 0, "blocks": ["relu"]}}]}
    with pytest.raises(ConfigurationError, match=r"brain\.blocks\[0\]\.unroll: of an Unroll, bptt is a number"):
        akid.Brain.from_config(data)


# -- what is refused


def refused(error: type[Exception], message: str, unroll: akid.Unroll, x: akid.TensorSpec = STEPS) -> None:
    with pytest.raises(error, match=message):
        akid.Brain.sequential(unroll, inputs="x").resolve({"x": x}, losses=False)


def test_a_cycle_without_a_delay_is_printed() -> None:
    unroll = akid.Unroll.graph(L.Add(name="h").on("x", "g"), L.ReLU(name="g").on("h"), inputs="x", name="rnn")
    refused(CycleError, r"rnn/h -> rnn/g -> rnn/h\. Take out one of the edges, or delay it", unroll)


def test_an_open_number_of_steps() -> None:
    refused(SpecError, "needs to know the size of axis 1, which is 'T'", elman(), STEPS.with_shape("N", "T", 3))


def test_sequences_of_two_lengths() -> None:
    unroll = akid.Unroll.graph(L.Add().on("a", "b"), inputs=("a", "b"), name="rnn")
    made = akid.Brain.graph(unroll.on("x", "y"), inputs=("x", "y"))
    with pytest.raises(SpecError, match=r"'rnn' \(Unroll\) .*: runs over sequences of one length, got 4, 5 steps"):
        made.resolve({"x": STEPS, "y": STEPS.with_shape("N", 5, 3)}, losses=False)


def test_sequences_of_another_length_than_steps() -> None:
    said = r"'rnn' \(Unroll\) .*: steps is 3, and what is cut along axis 1 has 4: leave steps out, or give"
    refused(SpecError, said, elman(steps=3))


def test_what_lies_inside_is_not_seen_from_outside() -> None:
    made = akid.Brain.graph(elman().on("x"), L.ReLU(name="r").on("rnn/h"), inputs="x")
    with pytest.raises(GraphError, match="takes 'rnn/h', which lies inside the Unroll 'rnn' and has a value at each"):
        made.resolve({"x": STEPS}, losses=False)


def test_carry_inside_another() -> None:
    inner = elman(carry=True)
    outer = akid.Unroll.sequential(inner, inputs="v", name="outer")
    refused(GraphError, "the Unroll 'outer/rnn' says carry, and stands in the Unroll 'outer'", outer,
            akid.TensorSpec(("N", 2, 4, 3)))  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"over": "y"}, UnknownNameError, "over has 'y', which is no input of the Unroll"),
        ({"over": ()}, ValueError, "an Unroll needs steps, their number"),
        ({"time_axis": 0}, ValueError, "the time_axis of an Unroll is a whole number from 1 on"),
        ({"time_axis": -1}, ValueError, "got -1: count from the front, not from the end"),
        ({"time_axis": "1"}, ValueError, "the time_axis of an Unroll .*, got '1'"),
        ({"bptt": True}, ValueError, "of an Unroll, bptt is a number of steps of at least 1, got True"),
        ({"steps": 0}, ValueError, "of an Unroll, steps is a number of steps of at least 1, got 0"),
        ({"gives": "first"}, ValueError, "what an Unroll gives must be 'steps' or 'last'"),
    ],
)
def test_settings_that_are_wrong(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        elman(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"delay": 1, "initial": "ones"}, "initial is 'zeros' or 'learned' or a number, got 'ones'"),
        ({"initial": 1.0}, "initial 1.0 is said of an edge without a delay: write h@-1"),
    ],
)
def test_beginnings_that_are_wrong(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        akid.Edge("h", **settings)


def test_batches_that_do_not_follow_one_another() -> None:
    kid = stream_kid()
    uneven = akid.sensors(train={"x": sequences(rows=5), "t": sequences(rows=5)[..., :2]}, batch_size=2)
    with pytest.raises(ConfigurationError, match=r"'rnn/h' is carried .* last batch of an epoch is shorter"):
        akid.Kid(brain=kid.config.brain, sensors=uneven, backend="numpy").practice()
    parts = akid.Kid(
        brain=kid.config.brain, sensors=kid.config.sensors, backend="numpy", execution=akid.Execution(micro_batches=2)
    )
    with pytest.raises(ConfigurationError, match="which execution.micro_batches would take apart"):
        parts.practice()
    shuffled = akid.sensors(train={"x": sequences(rows=4), "t": sequences(rows=4)[..., :2]}, batch_size=2)
    with pytest.warns(AkidWarning, match="the sampler 'shuffled' does not put neighbouring rows"):
        akid.Kid(brain=kid.config.brain, sensors=shuffled, backend="numpy").practice()
