"""A brain as torch's own compiler sees it: one graph, the same values and gradients, whatever it was run on before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.initializers.fill import initial_values
from akid_torch.backend import TorchBackend

ROW = akid.TensorSpec(("N", 6))


def residual(name: str) -> akid.System:
    return akid.System.sequential(
        L.Dense(name="fc", units=6), L.Tanh(), L.Add(name="sum").on("v", "tanh"), inputs="v", name=name
    )


NESTED = akid.Brain.graph(
    residual("first").on("x"),
    akid.Repeat.sequential(residual("again"), L.ReLU(), times=8, name="stage").on("first"),
    residual("twin").on("x", share="first"),
    L.Split(name="parts", parts=2).on("stage"),
    L.Multiply(name="gated").on("parts", "parts:1"),
    L.Dropout(name="drop", rate=0.5).on("gated"),
    L.BatchNorm(name="norm").on("drop"),
    L.Dense(name="left", units=2).on("norm"),
    L.Concat(name="right").on("norm", "twin"),
    inputs={"x": ROW},
    outputs=("left", "right"),
)


def module(brain: akid.Brain) -> Any:
    graph, backend = brain.resolve(), TorchBackend()
    network = backend.network(graph, backend.plan(Execution(threads=1), graph), 7)
    network.place("cpu")
    network.fill(initial_values(graph, 7))
    return network.module


@pytest.mark.parametrize("mode", ["evaluation", "training"])
def test_a_brain_is_one_graph_of_torch(mode: str) -> None:
    torch._dynamo.reset()
    made, x = module(NESTED), torch.from_numpy(np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32))
    seen = torch._dynamo.explain(made)({"x": x}, mode)
    assert (seen.graph_count, seen.graph_break_count) == (1, 0)


def test_compiled_it_gives_the_same_values_and_gradients() -> None:
    torch._dynamo.reset()
    made, x = module(NESTED), torch.from_numpy(np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32))
    compiled = torch.compile(made, fullgraph=True, backend="aot_eager")
    found = {}
    for name, run in (("compiled", compiled), ("eager", made)):  # compiled first: nothing is proven yet
        made.zero_grad()
        outputs, _ = run({"x": x}, "training", 3)
        (outputs["left"].square().sum() + outputs["right"].sum()).backward()
        found[name] = outputs, {path: weight.grad.clone() for path, weight in made.named_parameters()}
    torch.testing.assert_close(*found.values())


def test_a_wrong_layer_is_told_of_all_the_same() -> None:
    """The first pass outside the compiler holds each layer to its promise, whatever was compiled before."""
    torch._dynamo.reset()
    made = module(akid.Brain.sequential(Wrong(), inputs={"x": ROW}))
    x = torch.zeros(2, 6)
    torch.compile(made, fullgraph=True, backend="eager")({"x": x})
    with pytest.raises(akid.errors.SpecError, match="promises"):
        made({"x": x})


class Wrong(L.ReLU):
    """Promises what it takes, and gives half of it."""

    def forward(self, context: Any, x: Any) -> Any:
        return x[:, :3]
