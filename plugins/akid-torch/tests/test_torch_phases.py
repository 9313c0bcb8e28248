"""Phases against loops written by hand in torch: who moves, after which pass, by which losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from akid_core import layers as L
from akid_core.backends.contract import StepProgram
from akid_core.errors import AkidWarning, ConfigurationError, UnknownNameError
from akid_core.graph.brain import Brain
from akid_core.optimizers import SGD, Adam
from akid_core.optimizers.phase import Phase
from akid_core.optimizers.regime import Regime
from akid_core.testing.referee import difference
from akid_torch.operation import walk

STEPS = 5
RATES = np.array([[0.1, 0.02], [0.1, 0.01], [0.05, 0.02], [0.05, 0.03], [0.02, 0.01]])

RIVALS = (
    Brain.graph(
        L.Flatten(name="flat").on("image"),
        L.Dense(name="maker", units=64).on("flat"),
        L.Dense(name="judge", units=3).on("maker"),
        L.Dense(name="eye", units=3).on("flat", share="judge"),
        inputs="image",
    )
    .with_loss(L.SoftmaxCrossEntropy(name="true"), "eye", "label")
    .with_loss(L.MeanSquaredError(name="false", weight=0.5), "judge", "eye")
    .with_loss(L.SoftmaxCrossEntropy(name="fool"), "judge", "label")
)
"""A maker whose images a judge is to tell from true ones: they want opposite things of one another."""

JUDGE = Phase(name="judge", optimizer=SGD(momentum=0.9), params=("judge/*",), losses=("true", "false"))
MAKER = Phase(name="maker", optimizer=Adam(), params=("maker/*",), losses=("fool",))


class Hand:
    """The same in torch, from the same weights, in float64."""

    def __init__(self, network: Any) -> None:
        self.maker, self.judge = (nn.Linear(64, units).double() for units in (64, 3))
        for name in ("maker", "judge"):
            layer = getattr(self, name)
            layer.weight.data = torch.tensor(network[f"{name}/weight"].T)
            layer.bias.data = torch.tensor(network[f"{name}/bias"])
        self.optimizers = [
            torch.optim.SGD(self.judge.parameters(), lr=0.0, momentum=0.9),
            torch.optim.Adam(self.maker.parameters(), lr=0.0),
        ]

    def losses(self, image: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        flat = image.flatten(1)
        made, true = self.judge(self.maker(flat)), self.judge(flat)
        return (
            functional.cross_entropy(true, label),
            0.5 * functional.mse_loss(made, true),
            functional.cross_entropy(made, label),
        )

    def move(self, number: int, loss: Tensor, rate: float, *, keep: bool = False) -> Callable[[], Any]:
        """Take the gradients of one optimizer's own parameters; what is given back lets it move."""
        optimizer = self.optimizers[number]
        optimizer.param_groups[0]["lr"] = rate
        params = optimizer.param_groups[0]["params"]
        for param, gradient in zip(params, torch.autograd.grad(loss, params, retain_graph=keep), strict=True):
            param.grad = gradient
        return optimizer.step  # type: ignore[no-any-return]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        layers = {"maker": self.maker, "judge": self.judge}
        return {
            f"{name}/{kind}": getattr(layer, kind).detach().numpy().T
            for name, layer in layers.items()
            for kind in ("weight", "bias")
        }


def batches(span: Any) -> Iterator[tuple[int, Tensor, Tensor]]:
    for index in range(span.steps):
        batch = span.batch(index)
        yield index, torch.tensor(batch.fields["image"]).double(), torch.tensor(batch.fields["label"])


def same(network: Any, hand: Hand) -> None:
    for path, value in hand.weights.items():
        assert difference(network[path], value) < 1e-9, path


def regime(*phases: Phase, **settings: Any) -> Regime:
    return Regime(phases=phases, **settings)


def test_each_phase_sees_what_the_one_before_has_moved(live: Any, make_span: Any) -> None:
    network, trainer = live(RIVALS, regime(JUDGE, MAKER), precision="float64")
    hand, objectives, span = Hand(network), [], make_span(0, STEPS)
    for index, image, label in batches(span):
        true, false, fool = hand.losses(image, label)
        objectives.append((true + false + fool).item())
        hand.move(0, true + false, RATES[index, 0])()
        *_, fool = hand.losses(image, label)
        hand.move(1, fool, RATES[index, 1])()
    result = trainer.run(span, RATES)
    same(network, hand)
    np.testing.assert_allclose(result.objective, objectives, rtol=1e-12)
    counted = [float(result.measures[name]["count"]) for name in ("true", "false", "fool")]
    assert counted == [STEPS * 6] * 3


def test_phases_of_one_pass_move_after_all_gradients(live: Any, make_span: Any) -> None:
    network, trainer = live(RIVALS, regime(JUDGE, replace(MAKER, fresh=False)), precision="float64")
    hand, span = Hand(network), make_span(0, STEPS)
    for index, image, label in batches(span):
        true, false, fool = hand.losses(image, label)
        moves = [
            hand.move(0, true + false, RATES[index, 0], keep=True),
            hand.move(1, fool, RATES[index, 1]),
        ]
        for move in moves:
            move()
    trainer.run(span, RATES)
    same(network, hand)


def test_phases_alternate(live: Any, make_span: Any) -> None:
    """The judge moves in steps 0, 2 and 4, the maker in 1 and 4; its update in step 4 is its second."""
    phases = (replace(JUDGE, every=2), replace(MAKER, every=3, offset=1))
    network, trainer = live(RIVALS, regime(*phases), precision="float64")
    hand, objectives, span = Hand(network), [], make_span(0, STEPS)
    for index, image, label in batches(span):
        true, false, fool = hand.losses(image, label)
        objectives.append((true + false + fool).item())
        if index in (0, 2, 4):
            hand.move(0, true + false, RATES[index, 0])()
        if index in (1, 4):
            *_, fool = hand.losses(image, label)
            hand.move(1, fool, RATES[index, 1])()
    result = trainer.run(span, RATES)
    same(network, hand)
    np.testing.assert_allclose(result.objective, objectives, rtol=1e-12)


def test_losses_weigh_by_the_step(live: Any, make_span: Any) -> None:
    weights = {"false": np.array([0.0, 0.5, 1.0, 2.0, 4.0])}
    network, trainer = live(RIVALS, regime(JUDGE, MAKER, weights={"false": 1.0}), precision="float64")
    hand, objectives, span = Hand(network), [], make_span(0, STEPS)
    for index, image, label in batches(span):
        true, false, fool = hand.losses(image, label)
        false = false * weights["false"][index]
        objectives.append((true + false + fool).item())
        hand.move(0, true + false, RATES[index, 0])()
        *_, fool = hand.losses(image, label)
        hand.move(1, fool, RATES[index, 1])()
    result = trainer.run(span, RATES, weights)
    same(network, hand)
    np.testing.assert_allclose(result.objective, objectives, rtol=1e-12)


def test_a_pass_of_its_own_runs_what_its_losses_need(
    live: Any, make_span: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge's look at true images is not for the maker's loss."""
    passes: list[list[str]] = []

    def noted(operations: Any, *rest: Any) -> None:
        passes.append([operation.path for operation in operations])
        walk(operations, *rest)

    monkeypatch.setattr("akid_torch.program.walk", noted)
    _, trainer = live(RIVALS, regime(JUDGE, MAKER))
    trainer.run(make_span(0, 1), RATES[:1])
    assert passes == [["flat", "maker", "judge", "eye"], ["flat", "maker", "judge"]]


def test_equal_losses_of_one_pass_are_one_backward_pass(
    live: Any, make_span: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    gradients = torch.autograd.grad

    def counted(objective: Tensor, tensors: Any, **settings: Any) -> Any:
        calls.append(len(tensors))
        return gradients(objective, tensors, **settings)

    monkeypatch.setattr(torch.autograd, "grad", counted)
    together = replace(JUDGE, losses=()), replace(MAKER, losses=(), fresh=False)
    live(RIVALS, regime(*together)).trainer.run(make_span(0, 1), RATES[:1])
    assert calls == [4]
    calls.clear()
    live(RIVALS, regime(JUDGE, replace(MAKER, fresh=False))).trainer.run(make_span(0, 1), RATES[:1])
    assert calls == [2, 2]
    calls.clear()
    live(RIVALS, regime(replace(JUDGE, losses=(), every=2, offset=1))).trainer.run(make_span(0, 1), np.ones(1))
    assert calls == [], "nobody moves, and something is differentiated"


def test_statistics_move_once_a_step(brain: Brain, live: Any, make_span: Any) -> None:
    """A second pass sees other weights, and leaves what the first one counted."""
    phases = (
        Phase(optimizer=SGD(), params=("conv1/*", "norm/*")),
        Phase(optimizer=SGD(), params=("logits/*",)),
    )
    one, two = live(brain), live(brain, regime(*phases))
    for each, rates in ((one, RATES[:1, 0]), (two, RATES[:1])):
        each.trainer.run(make_span(0, 1), rates)
    for path in ("norm/mean", "norm/variance"):
        np.testing.assert_array_equal(two.network[path], one.network[path])
    np.testing.assert_array_equal(two.network["conv1/weight"], one.network["conv1/weight"])
    assert not np.array_equal(two.network["logits/weight"], one.network["logits/weight"])


@pytest.mark.parametrize("settings", [{"precision": "float32"}, {"recompute": ("*",)}, {"micro_batches": 3}], ids=repr)
def test_a_second_pass_has_the_masks_of_the_first(live: Any, make_span: Any, settings: Any) -> None:
    """At rates of 0 nothing moves, so that both passes must give the same gradients, and no phase counts twice."""
    blocks = (L.Flatten(), L.Dropout(rate=0.5), L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")
    phases = [Phase(optimizer=SGD(momentum=0.5), params=(f"logits/{kind}",)) for kind in ("weight", "bias")]
    alone, twice = live(brain, SGD(momentum=0.5), **settings), live(brain, regime(*phases), **settings)
    results = [each.trainer.run(make_span(0, 3), np.zeros(shape)) for each, shape in ((alone, 3), (twice, (3, 2)))]
    for name, slot in alone.trainer.read_slots().items():
        np.testing.assert_allclose(twice.trainer.read_slots()[name], slot, rtol=1e-6)
    np.testing.assert_array_equal(results[1].objective, results[0].objective)
    assert results[1].measures["loss"] == results[0].measures["loss"]


def test_slots_are_found_by_all_phases(live: Any, make_span: Any) -> None:
    trainer = live(RIVALS, regime(JUDGE, MAKER)).trainer
    names = {"velocity": "judge", "mean": "maker", "square": "maker"}
    slots = trainer.read_slots()
    assert set(slots) == {f"{slot}:{block}/{kind}" for slot, block in names.items() for kind in ("weight", "bias")}
    with pytest.raises(UnknownNameError, match="sgd, adam keeps nothing called 'mean:judge/bias'.*velocity:judge/bias"):
        trainer.fill_slots({"mean:judge/bias": np.zeros(3)})
    trainer.fill_slots({"mean:maker/bias": np.full(64, 2.0)})
    np.testing.assert_array_equal(trainer.read_slots()["mean:maker/bias"], np.full(64, 2.0))


def whole_step(program: StepProgram) -> Any:
    objective = program.objective()
    program.update(torch.autograd.grad(objective, list(program.parameters.values())))
    return objective


def test_a_step_of_ones_own_takes_the_place_of_one_phase(live: Any, make_span: Any) -> None:
    step = {"torch": f"{__name__}:whole_step"}
    with pytest.raises(ConfigurationError, match="the phases judge, maker: give one optimizer"):
        live(RIVALS, regime(JUDGE, MAKER), step=step)
    only = regime(replace(JUDGE, losses=()))
    mine, backends = live(RIVALS, only, step=step), live(RIVALS, only)
    for each in (mine, backends):
        each.trainer.run(make_span(0, 2), RATES[:2, :1])
    for path, value in backends.network.read().items():
        np.testing.assert_array_equal(mine.network[path], value)


@pytest.mark.parametrize(
    ("declined", "reason"),
    [
        (regime(JUDGE, MAKER), "several phases take turns"),
        (regime(Phase(every=2)), "acts in some steps alone"),
        (regime(Phase(), weights={"fool": 2.0}), "practice.loss_weights"),
    ],
)
def test_compiling_is_declined(live: Any, make_span: Any, declined: Regime, reason: str) -> None:
    with pytest.warns(AkidWarning, match=f"execution.compile is declined: .*{reason}"):
        compiled = live(RIVALS, declined, compile=True)
    plain, phases = live(RIVALS, declined), len(declined.phases)
    for each in (compiled, plain):
        each.trainer.run(make_span(0, 2), RATES[:2, :phases], {"fool": np.array([1.0, 2.0])})
    for path, value in plain.network.read().items():
        np.testing.assert_array_equal(compiled.network[path], value)
