"""How a step executes: in parts, with values computed again, in mixed precision, frozen, by a function of one's own."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Span
from akid_core.errors import AkidWarning, ConfigurationError, UsageError
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.initializers import Ones
from akid_core.optimizers import SGD, Adam
from akid_core.plugin_api import LayerBuilderInfo, hookimpl
from akid_core.plugins import PluginManager
from akid_core.specs.layer import Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import difference
from akid_torch.backend import TorchBackend

FIELDS = {"image": TensorSpec(("N", 1, 8, 8)), "label": TensorSpec(("N",), "int64")}
RATES = np.full(6, 0.05)
WEIGHTS = np.array([[1, 0, 2, 0.5, 1, 0]] * 2, np.float32)


def run(live: Any, make_span: Any, brain: Brain, steps: int = 3, **settings: Any) -> tuple[Any, ...]:
    network, trainer = live(brain, **settings)
    result = trainer.run(make_span(0, steps), RATES[:steps])
    return result.objective, network.read(), trainer.read_slots()


def same(found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    np.testing.assert_array_equal(found[0], expected[0])
    for one, other in zip(found[1:], expected[1:], strict=True):
        for path, value in other.items():
            np.testing.assert_array_equal(one[path], value, err_msg=path)


# -- values computed again


@pytest.mark.parametrize("globs", [("*",), ("conv1", "relu"), ("norm", "dropout"), ("n*", "d*", "flatten")], ids=str)
def test_recomputing_changes_no_bit(brain: Brain, live: Any, make_span: Any, globs: tuple[str, ...]) -> None:
    """Dropout draws the same again, and running statistics move once."""
    same(run(live, make_span, brain, recompute=globs), run(live, make_span, brain))


def test_recomputing_an_attached_module_changes_no_bit(live: Any, make_span: Any) -> None:
    body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten())
    brain = Brain.sequential(
        Attach(name="body", target=body, out=("N", 72)), L.Dense(name="logits", units=3), inputs="image"
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    same(run(live, make_span, brain, recompute="body"), run(live, make_span, brain))


class Counting(nn.Module):
    """Notes how often it runs, and how much autograd keeps of it."""

    runs = 0

    def forward(self, x: Tensor) -> Tensor:
        type(self).runs += 1
        return torch.tanh(torch.exp(torch.sin(x)))


def test_what_matches_is_run_again_and_not_kept(live: Any, make_span: Any) -> None:
    blocks = (L.Flatten(), L.Dense(units=64), Attach(name="twice", target=Counting()), L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image").with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    kept: dict[str, int] = {}
    for name, settings in {"usual": {}, "again": {"recompute": ("twice",)}}.items():
        _, trainer = live(brain, **settings)
        runs, sizes = Counting.runs, []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, into=sizes: into.append(x.numel()) or x, lambda x: x):
            trainer.run(make_span(0, 2), RATES[:2])
        assert Counting.runs - runs == {"usual": 2, "again": 4}[name]
        kept[name] = sum(sizes)
    assert kept["again"] < kept["usual"]


# -- parts of a batch


def two_losses(loss: L.Loss) -> Brain:
    blocks = (L.Flatten(), L.Dense(name="hidden", units=5), L.Dropout(rate=0.3), L.Dense(name="logits", units=3))
    brain = Brain.sequential(*blocks, inputs="image", outputs="logits").with_loss(loss, "logits", "label")
    brain = brain.with_loss(L.MeanSquaredError(name="size", weight=0.3), "hidden", "hidden")
    return brain.with_loss(L.MeanSquaredError(name="far", weight=0.1), "logits", "logits").with_metric(
        L.Accuracy(name="accuracy"), "logits", "label"
    )


@pytest.mark.parametrize("count", [2, 4, 6, 9])
@pytest.mark.parametrize(
    "loss",
    [L.SoftmaxCrossEntropy(name="loss"), L.SoftmaxCrossEntropy(name="loss", class_weights=(1.0, 0.0, 2.5))],
    ids=["usual", "class weights"],
)
def test_parts_give_the_gradient_of_the_whole(live: Any, make_span: Any, loss: L.Loss, count: int) -> None:
    """Six rows in uneven parts, rows that do not count, and a loss whose rows count as much as their classes."""
    span = make_span(0, 2, WEIGHTS)
    span.fields["label"][0, 1] = -1
    found, whole = [
        live(two_losses(loss), Adam(clip_norm=0.1), precision="float64", micro_batches=parts) for parts in (count, 1)
    ]
    gradients = [one.trainer.gradients(span.batch(0), 0) for one in (found, whole)]
    results = [one.trainer.run(span, RATES[:2]) for one in (found, whole)]
    np.testing.assert_allclose(results[0].objective, results[1].objective, rtol=1e-12)
    for path, expected in whole.network.read().items():
        assert difference(gradients[0][path], gradients[1][path]) < 1e-12
        assert difference(found.network[path], expected) < 1e-12
    for path, state in results[1].measures.items():
        for part, value in state.items():
            np.testing.assert_allclose(results[0].measures[path][part], value, rtol=1e-12)


def test_state_follows_each_part(live: Any, make_span: Any) -> None:
    brain = Brain.sequential(L.Flatten(), L.BatchNorm(name="norm"), inputs="image").with_loss(
        L.MeanSquaredError(), "norm", "norm"
    )
    span = make_span(0, 1)
    network, trainer = live(brain, precision="float64", micro_batches=2)
    trainer.run(span, RATES[:1])
    mean = np.zeros(64)
    for rows in (slice(0, 3), slice(3, 6)):
        mean = 0.9 * mean + 0.1 * span.fields["image"][0, rows].reshape(3, 64).mean(0, dtype=np.float64)
    np.testing.assert_allclose(network["norm/mean"], mean, rtol=1e-6)


# -- frozen


def test_frozen_state_stays_and_frozen_weights_take_no_gradient(brain: Brain, live: Any, make_span: Any) -> None:
    backend = TorchBackend()
    graph = replace(brain.resolve(FIELDS), frozen=("conv1/*", "norm/mean"))
    network = backend.network(graph, backend.plan(Execution(), graph), 7)
    network.place("cpu")
    start = {path: np.ones(spec.shape, np.float32) for path, spec in graph.params.items()}
    network.fill(start)
    trainer = backend.trainer(network, SGD(learning_rate=0.1), backend.plan(Execution(), graph))
    trainer.run(make_span(0, 2), RATES[:2])
    changed = {path for path, value in network.read().items() if not np.array_equal(value, start[path])}
    assert changed == {"norm/scale", "norm/shift", "norm/variance", "logits/weight", "logits/bias"}
    assert not network.native("conv1/weight").requires_grad
    assert "conv1/weight" not in trainer.gradients(make_span(0, 1).batch(0), 0)


# -- types

MIXED = Precision("float32", "bfloat16", "float32")


def test_mixed_precision_keeps_parameters_and_sums_wide(brain: Brain, live: Any, make_span: Any) -> None:
    graph = replace(brain, precision=MIXED).resolve(FIELDS)
    backend = TorchBackend()
    plan = backend.plan(Execution(), graph)
    network = backend.network(graph, plan, 7)
    network.place("cpu")
    exact, _ = live(brain)
    network.fill(exact.read())
    seen: dict[str, torch.dtype] = {}
    for name in ("conv1", "norm", "logits"):
        network.module.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: output.dtype})
        )
    span = make_span(0, 2)
    losses = [one.measure(span.batch(0))["loss"]["sum"] for one in (network, exact)]
    assert losses[0] == pytest.approx(losses[1], rel=0.03)
    assert losses[0] != losses[1]
    assert seen == dict.fromkeys(seen, torch.bfloat16)
    trainer = backend.trainer(network, SGD(momentum=0.9), plan)
    assert np.isfinite(trainer.run(span, RATES[:2]).objective).all()
    arrays = [*network.read().values(), *trainer.read_slots().values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert network.native("conv1/weight").dtype == torch.float32


def test_an_attached_module_runs_in_mixed_precision(live: Any, make_span: Any) -> None:
    body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten())
    brain = Brain.sequential(
        Attach(name="body", target=body, out=("N", 72)), L.Dense(name="logits", units=3), inputs="image"
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    graph = replace(brain, precision=MIXED).resolve(FIELDS)
    backend = TorchBackend()
    network = backend.network(graph, backend.plan(Execution(), graph), 7)
    network.place("cpu")
    trainer = backend.trainer(network, SGD(), backend.plan(Execution(), graph))
    assert np.isfinite(trainer.run(make_span(0, 1), RATES[:1]).objective).all()
    assert network["body/0.weight"].dtype == np.float32


def test_float16_is_refused(brain: Brain) -> None:
    graph = replace(brain, precision=Precision("float32", "float16", "float32")).resolve(FIELDS)
    with pytest.raises(ConfigurationError, match="float16.*scaling of the loss.*bfloat16"):
        TorchBackend().plan(Execution(), graph)


@pytest.mark.parametrize(
    ("precision", "words"),
    [
        (Precision.of("bfloat16"), "precision: {params: float32, compute: bfloat16}"),
        (Precision("float32", "bfloat16", "bfloat16"), "reductions in bfloat16.*in float32 or float64. Leave reduct"),
        (Precision("float64", "float32"), "knows one type for everything, float32 or float64, and precision: {params"),
    ],
)
def test_other_mixtures_are_refused(brain: Brain, precision: Precision, words: str) -> None:
    graph = replace(brain, precision=precision).resolve(FIELDS)
    with pytest.raises(ConfigurationError, match=words):
        TorchBackend().plan(Execution(), graph)


# -- deterministic


def test_deterministic_runs_leave_the_setting_of_the_program(brain: Brain, live: Any, make_span: Any) -> None:
    seen: list[bool] = []
    network, trainer = live(brain, deterministic=True)
    network.module.conv1.register_forward_hook(lambda *_: seen.append(torch.are_deterministic_algorithms_enabled()))
    trainer.run(make_span(0, 1), RATES[:1])
    assert seen == [True]
    assert not torch.are_deterministic_algorithms_enabled()


# -- a step of one's own


def usual(program: Any) -> Tensor:
    objective: Tensor = program.objective()
    program.update(torch.autograd.grad(objective, list(program.parameters.values())))
    return objective


def silent(program: Any) -> Tensor:
    return torch.zeros(())


def idle(program: Any) -> Tensor:
    return program.objective().detach()  # type: ignore[no-any-return]


def twice(program: Any) -> Tensor:
    program.objective()
    return program.objective()  # type: ignore[no-any-return]


def several(program: Any) -> Tensor:
    program.objective()
    return torch.zeros(3)


def short(program: Any) -> Tensor:
    program.update([None])
    return program.objective()  # type: ignore[no-any-return]


@pytest.fixture
def own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("steps_of_akid_torch")
    module.__dict__.update(usual=usual, silent=silent, idle=idle, twice=twice, several=several, short=short)
    monkeypatch.setitem(sys.modules, module.__name__, module)


def stepped(name: str) -> dict[str, Any]:
    return {"step": {"torch": f"steps_of_akid_torch:{name}"}}


@pytest.mark.usefixtures("own_steps")
def test_a_step_that_does_the_usual_changes_no_bit(brain: Brain, live: Any, make_span: Any) -> None:
    same(run(live, make_span, brain, **stepped("usual")), run(live, make_span, brain))


@pytest.mark.usefixtures("own_steps")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("silent", "did not call `program.objective"),
        ("twice", "called twice in one step"),
        ("several", r"returned \[3\]"),
        ("short", "for each of the 6 parameters, and was given 1"),
    ],
)
def test_a_step_that_is_none(brain: Brain, live: Any, make_span: Any, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        run(live, make_span, brain, **stepped(name))


@pytest.mark.usefixtures("own_steps")
def test_a_step_without_an_update_is_told_of_once(brain: Brain, live: Any, make_span: Any) -> None:
    with pytest.warns(AkidWarning, match="idle ended its first step without program.update") as told:
        run(live, make_span, brain, **stepped("idle"))
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", AkidWarning)
        run(live, make_span, brain, **stepped("usual"))


# -- what is refused, and what is declined


def graph_of(*blocks: Any) -> Any:
    made = Brain.sequential(*blocks, L.Flatten(), L.Dense(name="logits", units=3), inputs="image")
    return made.with_loss(L.SoftmaxCrossEntropy(), "logits", "label").resolve(FIELDS)


CONV = L.Conv2d(channels=2, kernel=3)


@pytest.mark.parametrize(
    ("blocks", "settings", "reason"),
    [
        ((CONV, L.ReLU()), {}, "convolutions without normalisation the kernels decide"),
        ((), {"micro_batches": 2}, "the parts of execution.micro_batches"),
        ((), {"recompute": ("logits",)}, "execution.recompute has no place"),
        ((), {"step": {"torch": "mine:step"}}, "a function of your own"),
        ((Attach(name="own", target=nn.BatchNorm2d(1)),), {}, "the module of 'own' draws random numbers or changes"),
        ((Attach(name="own", target=nn.Dropout(0.5)),), {}, "the module of 'own' draws random numbers or changes"),
    ],
)
def test_compiling_is_declined_where_it_would_lose(blocks: Any, settings: Any, reason: str) -> None:
    plan = TorchBackend().plan(Execution(compile=True, **settings), graph_of(*blocks))
    assert not plan.compile
    assert plan.bundle > 1
    (note,) = plan.notes
    assert note.startswith("execution.compile is declined: ")
    assert reason in note


def test_compiling_needs_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "no C++ compiler 'no-such-compiler'" in TorchBackend().plan(Execution(compile=True), graph_of()).notes[0]


@pytest.mark.parametrize(
    "blocks", [(), (CONV, L.BatchNorm()), (Attach(name="own", target=nn.Tanh()),)], ids=["dense", "norm", "attached"]
)
def test_compiling_is_not_declined_where_it_pays(blocks: Any) -> None:
    plan = TorchBackend().plan(Execution(compile=True), graph_of(*blocks))
    assert plan.compile
    assert plan.bundle == (1 if len(blocks) == 2 else 8)
    assert TorchBackend().plan(Execution(compile=True, bundle=3), graph_of(*blocks)).bundle == 3
    assert not TorchBackend().plan(Execution(), graph_of(*blocks)).compile


def test_settings_that_fit_nothing(brain: Brain) -> None:
    graph = brain.resolve(FIELDS)
    with pytest.raises(ConfigurationError, match="no block matches 'conv'.*Did you mean 'conv1'"):
        TorchBackend().plan(Execution(recompute=("conv",)), graph)
    with pytest.raises(ConfigurationError, match="takes whole batches"):
        TorchBackend().plan(Execution(micro_batches=2, step={"torch": "mine:step"}), graph)


@dataclass(frozen=True, kw_only=True)
class Foreign(Layer):
    """A layer that one framework alone can run."""

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        return (ParamSpec(name="scale", shape=x.row, init=Ones()),)


def test_a_layer_that_nobody_runs_here() -> None:
    module = ModuleType("foreign_of_akid_torch")

    @hookimpl
    def akid_layer_builders() -> list[LayerBuilderInfo]:
        return [LayerBuilderInfo(name="foreign", backend="tensorflow", target="somewhere:build")]

    module.__dict__.update(akid_layer_builders=akid_layer_builders)
    graph = Brain.sequential(Foreign(name="block"), inputs={"x": TensorSpec(("N", 2))}).resolve({})
    backend = TorchBackend(PluginManager(plugins=[module]).registry)
    with pytest.raises(
        ConfigurationError,
        match=r"'block' is of Foreign.*for torch. There is one for tensorflow \(by .*name='foreign', backend='torch'",
    ):
        backend.plan(Execution(), graph)


def test_a_print_or_a_breakpoint_in_a_layer_runs_at_every_step(
    live: Any, make_span: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops: list[int] = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: stops.append(1))

    @dataclass(frozen=True, kw_only=True)
    class Looking(Layer):
        def outputs(self, x: TensorSpec) -> TensorSpec:
            return x

        def forward(self, context: Any, x: Any) -> Any:
            breakpoint()
            return x

    brain = Brain.sequential(L.Flatten(), Looking(), L.Dense(name="logits", units=3), inputs="image")
    _, trainer = live(brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label"))
    span: Span = make_span(0, 3)
    trainer.run(span, RATES[:3])
    assert len(stops) == 3
