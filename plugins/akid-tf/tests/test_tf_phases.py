"""Phases against loops over `tf.GradientTape` written by hand, and how steps of several kinds are traced."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.data.batch import Span
from akid_core.errors import ConfigurationError
from akid_core.graph.brain import Brain
from akid_core.optimizers import SGD, Adam
from akid_core.optimizers.phase import Phase
from akid_core.optimizers.regime import Regime
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import difference
from akid_tf.module import GraphModule
from akid_tf.runtime import tf

ROWS, STEPS = 5, 7
SPECS = {
    "noise": TensorSpec(("N", 3)), "real": TensorSpec(("N", 4)), "one": TensorSpec(("N", 1)),
    "nought": TensorSpec(("N", 1)),
}  # fmt: skip
RATES = np.linspace([0.05, 0.01], [0.01, 0.03], STEPS)
DECAY, PULL = 0.9, (0.9, 0.999, 1e-8)
RIVALS = (
    Brain.graph(
        L.Dense(name="maker", units=4).on("noise"),
        L.Dense(name="judge", units=1).on("real"),
        L.Dense(name="judge_made", units=1).on("maker", share="judge"),
        inputs=("noise", "real"),
    )
    .with_loss(L.MeanSquaredError(name="real_loss", weight=0.5), "judge", "one")
    .with_loss(L.MeanSquaredError(name="made_loss"), "judge_made", "nought")
    .with_loss(L.MeanSquaredError(name="fooling"), "judge_made", "one")
)
"""Least squares (Mao et al., 2017): the judge tells 1 for real and 0 for made, the maker wants 1 for made."""

Params = dict[str, tf.Tensor]


def phases(*, every: int = 1, offset: int = 0, fresh: bool = True) -> tuple[Phase, Phase]:
    """The judge learns in every second step, or in each; the maker as is said."""
    judge = Phase(
        name="judge", optimizer=SGD(momentum=DECAY), params=("judge/*",), losses=("real_loss", "made_loss"), every=every
    )
    maker = Phase(name="maker", optimizer=Adam(), params=("maker/*",), losses=("fooling",), offset=offset, every=every)
    return judge, Phase(**{**vars(maker), "fresh": fresh})


def span(first: int = 0, steps: int = STEPS) -> Span:
    random = np.random.default_rng(3)
    fields = {"noise": random.normal(size=(STEPS, ROWS, 3)), "real": random.normal(size=(STEPS, ROWS, 4))}
    fields |= {"one": np.ones((STEPS, ROWS, 1)), "nought": np.zeros((STEPS, ROWS, 1))}
    index = np.zeros((STEPS, ROWS), np.int64)
    return Span(0, 0, fields, np.ones((STEPS, ROWS), np.float32), index, index).part(first, steps)


def losses(params: Params, fields: dict[str, np.ndarray]) -> dict[str, tf.Tensor]:
    made = fields["noise"] @ params["maker/weight"] + params["maker/bias"]
    real, fake = (x @ params["judge/weight"] + params["judge/bias"] for x in (fields["real"], made))
    return {
        "real_loss": 0.5 * tf.reduce_mean((real - 1.0) ** 2),
        "made_loss": tf.reduce_mean(fake**2),
        "fooling": tf.reduce_mean((fake - 1.0) ** 2),
    }


def by_hand(
    start: dict[str, np.ndarray], acts: Callable[[int], tuple[bool, bool]], fresh: bool, factors: np.ndarray
) -> tuple[Params, list[float]]:
    """Parameters after all steps, and the objective of each. `factors`: (k,), of `made_loss`."""
    params = {path: tf.constant(value, tf.float64) for path, value in start.items()}
    velocity, moments, count = {}, {}, 0
    objectives = []

    def gradients(owner: str, names: tuple[str, ...], fields: dict[str, np.ndarray], factor: float) -> Params:
        own = {path: value for path, value in params.items() if path.startswith(owner)}
        with tf.GradientTape() as tape:
            tape.watch(own)
            found = losses(params | own, fields)
            found["made_loss"] *= factor
            total = tf.add_n([found[name] for name in names])
        return tape.gradient(total, own)

    for step in range(STEPS):
        fields = span().batch(step).fields
        first = losses(params, fields)
        objectives.append(float(first["real_loss"] + factors[step] * first["made_loss"] + first["fooling"]))
        judges, makes = acts(step)
        if makes and not fresh:
            by_maker = gradients("maker", ("fooling",), fields, factors[step])
        if judges:
            for path, slope in gradients("judge", ("real_loss", "made_loss"), fields, factors[step]).items():
                velocity[path] = DECAY * velocity.get(path, 0.0) + slope
                params[path] -= RATES[step, 0] * velocity[path]
        if makes and fresh:
            by_maker = gradients("maker", ("fooling",), fields, factors[step])
        if makes:
            count += 1
            for path, slope in by_maker.items():
                mean, square = moments.get(path, (0.0, 0.0))
                mean, square = PULL[0] * mean + (1 - PULL[0]) * slope, PULL[1] * square + (1 - PULL[1]) * slope**2
                moments[path] = mean, square
                root = tf.sqrt(square / (1 - PULL[1] ** count)) + PULL[2]
                params[path] -= RATES[step, 1] * mean / (1 - PULL[0] ** count) / root
    return params, objectives


@pytest.mark.parametrize(
    ("every", "fresh", "execution"),
    [
        (1, True, {}),
        (1, False, {}),
        (2, True, {}),
        (3, False, {}),
        (1, True, {"micro_batches": 2}),
        (2, False, {"micro_batches": 2}),
        (1, False, {"compile": True}),
        (3, True, {"compile": True}),
    ],
)
def test_two_that_play_against_each_other(live: Any, every: int, fresh: bool, execution: Any) -> None:
    """`every` 2: in turns; 3: in every third step none acts."""
    regime = Regime(phases=phases(every=every, offset=1 if every > 1 else 0, fresh=fresh), weights={"made_loss": 1.0})
    made = live(RIVALS, regime, specs=SPECS, precision="float64", **execution)
    assert (made.trainer._compiled is not None) == ("compile" in execution)
    factors = np.linspace(0.5, 2.0, STEPS)

    def acts(step: int) -> tuple[bool, bool]:
        return step % every == 0, step % every == (every > 1)

    wanted, objectives = by_hand(made.network.read(), acts, fresh, factors)
    found = [
        made.trainer.run(span(*part), RATES[part[0] : sum(part)], {"made_loss": factors[part[0] : sum(part)]})
        for part in ((0, 3), (3, 4))
    ]
    np.testing.assert_allclose(np.concatenate([each.objective for each in found]), objectives, rtol=1e-10)
    for path, value in wanted.items():
        assert difference(made.network[path], value.numpy()) <= 1e-9, path
    slots = {f"velocity:judge/{name}" for name in ("weight", "bias")}
    slots |= {f"{slot}:maker/{name}" for slot in ("mean", "square") for name in ("weight", "bias")}
    assert set(made.trainer.read_slots()) == slots


def test_a_fresh_pass_sees_what_has_moved(live: Any) -> None:
    """The maker learns from the judge as it is after its own move, or before."""
    makers = []
    for fresh in (True, False):
        made = live(RIVALS, Regime(phases=phases(fresh=fresh)), specs=SPECS, precision="float64")
        made.trainer.run(span(0, 1), RATES[:1])
        makers.append(made.network["maker/weight"])
    assert not np.array_equal(*makers)


def test_each_kind_of_step_is_traced_once(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    walk = GraphModule.walk
    monkeypatch.setattr(GraphModule, "walk", lambda *args, **kwargs: walks.append(1) or walk(*args, **kwargs))
    for regime, count in (
        (phases(), 2),  # two passes in every step
        (phases(fresh=False), 1),
        (phases(every=2, offset=1, fresh=False), 2),
        (phases(every=50, offset=1), 3),  # the judge, the maker, nobody
    ):
        walks.clear()
        made = live(RIVALS, Regime(phases=regime), specs=SPECS)
        for part in ((0, 3), (3, 1), (4, 2)):
            made.trainer.run(span(*part), RATES[part[0] : sum(part)])
        assert len(walks) == count


def test_too_many_kinds_of_steps(live: Any) -> None:
    blocks = tuple(L.Dense(name=f"dense{number}", units=3) for number in range(9))
    line = Brain.sequential(L.Flatten(), *blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(), "dense8", "label")

    def regime(*turns: tuple[int, int]) -> Regime:
        pairs = enumerate(turns)
        return Regime(
            phases=tuple(
                Phase(params=(f"dense{number}/*",), every=every, offset=offset) for number, (every, offset) in pairs
            )
        )

    live(line, regime((2, 0), (3, 0), (5, 0)))
    with pytest.raises(ConfigurationError, match="adam_7 every 17.* the period here is 510510"):
        live(line, regime((2, 0), (3, 0), (5, 0), (7, 0), (11, 0), (13, 0), (17, 0)))
    with pytest.raises(ConfigurationError, match="of at most 64 kinds"):  # 4 * 3 * 3 * 3 of them
        live(line, regime((4, 0), (4, 1), (4, 2), (9, 0), (9, 1), (5, 0), (5, 1), (7, 0), (7, 1)))


def at_half(program: Any) -> tf.Tensor:
    with tf.GradientTape() as tape:
        objective = program.objective()
    gradients = tape.gradient(objective, list(program.parameters.values()))
    program.update([gradient * 0.5 for gradient in gradients])
    return objective


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    module = types.ModuleType("mine")
    module.at_half = at_half
    monkeypatch.setitem(sys.modules, "mine", module)
    return {"tensorflow": "mine:at_half"}


def test_a_step_of_ones_own_leaves_no_turns(live: Any, mine: dict[str, str]) -> None:
    for regime in (phases(), (Phase(every=2),)):
        with pytest.raises(ConfigurationError, match="mine:at_half takes the place of a step of one optimizer"):
            live(RIVALS, Regime(phases=regime), specs=SPECS, step=mine)


def test_a_step_of_ones_own_minds_weights_over_time(live: Any, mine: dict[str, str]) -> None:
    """And moves what its phase moves."""
    alone = Phase(optimizer=SGD(), params=("maker/*",))
    regime, factors = Regime(phases=(alone,), weights={"made_loss": 1.0}), np.linspace(0, 2, STEPS)
    own, plain = (live(RIVALS, regime, specs=SPECS, step=step) for step in (mine, {}))
    start = plain.network.read()
    results = [
        one.trainer.run(span(), np.full(STEPS, rate), {"made_loss": factors})
        for one, rate in ((own, 0.1), (plain, 0.05))
    ]
    np.testing.assert_allclose(results[0].objective, results[1].objective, rtol=1e-5)
    for path, value in plain.network.read().items():
        assert difference(own.network[path], value) <= 1e-5, path
        assert np.array_equal(own.network[path], start[path]) == path.startswith("judge"), path


def test_gradients_are_of_all_losses_whoever_moves(live: Any) -> None:
    batch = span().batch(0)
    made = live(RIVALS, Regime(phases=phases(every=4, offset=2)), specs=SPECS, precision="float64")
    params = {path: tf.constant(value) for path, value in made.network.read().items()}
    with tf.GradientTape() as tape:
        tape.watch(params)
        total = tf.add_n(list(losses(params, batch.fields).values()))
    wanted = tape.gradient(total, params)
    found = made.trainer.gradients(batch, 0)
    assert found.keys() == wanted.keys()
    for path, slope in wanted.items():
        assert difference(found[path], slope.numpy()) <= 1e-12, path
