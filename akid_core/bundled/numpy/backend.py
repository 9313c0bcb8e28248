"""NumPy as a backend: small, slow, and what the others are measured by."""

from __future__ import annotations

import numpy as np

from akid_core.backends.contract import Backend, Network, Trainer
from akid_core.backends.missing import check_layers
from akid_core.backends.plan import Execution, Plan
from akid_core.bundled.numpy.network import OPS, NumpyNetwork
from akid_core.bundled.numpy.trainer import NumpyTrainer
from akid_core.errors import ConfigurationError, UsageError
from akid_core.graph.resolved import Graph
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.regime import Regime

PRECISIONS = ("float32", "float64")

REASONS = {
    "compile": "the numpy backend runs one operation after the other and compiles nothing.",
    "recompute": "the numpy backend keeps all values for the backward pass; execution.micro_batches saves memory.",
}
"""Why the backend declines what it is asked for, where the results are the same without it."""


class NumpyBackend(Backend):
    """Runs every layer by its portable definition, in float32 or float64 as the Brain's precision says."""

    name = "numpy"
    takes_builders = False
    ops = OPS

    def plan(self, execution: Execution, graph: Graph) -> Plan:
        valid = {"device": "cpu", "layout": "channels_first", "fused": False, "threads": None}
        for setting, only in valid.items():
            asked = getattr(execution, setting)
            if asked not in (None, only):
                raise ConfigurationError(
                    f"execution.{setting} is {asked!r}, but the numpy backend knows {only!r} alone"
                    + (" (the environment variable OMP_NUM_THREADS sets its threads)." if only is None else ".")
                )
        if self.name in execution.step:
            raise ConfigurationError(
                "execution.step has a function for numpy, whose train program cannot be replaced: leave it out. "
                "Functions for other backends may stay; they act there alone."
            )
        check(self, graph)
        declined = {"compile": execution.compile, "recompute": execution.recompute}
        return Plan(
            backend=self.name,
            bundle=execution.bundle or 1,
            strategy=execution.strategy,
            deterministic=execution.deterministic,
            micro_batches=execution.micro_batches,
            notes=tuple(f"execution.{name} is declined: {REASONS[name]}" for name, asked in declined.items() if asked),
            versions=self.versions(),
        )

    def network(self, graph: Graph, plan: Plan, seed: int) -> Network:
        check(self, graph)
        return NumpyNetwork(graph, seed)

    def trainer(self, network: Network, optimizer: Optimizer | Regime, plan: Plan) -> Trainer:
        if not isinstance(network, NumpyNetwork):
            raise UsageError(f"The numpy backend trains its own networks, not a {type(network).__name__}.")
        return NumpyTrainer(network, Regime.of(optimizer), plan.micro_batches)

    def versions(self) -> dict[str, str]:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return {"numpy": np.__version__, str(blas["name"]): str(blas["version"])}


def check(backend: Backend, graph: Graph) -> None:
    """Raise `ConfigurationError` for what NumPy cannot run."""
    precision = graph.precision
    if precision.params != precision.compute or not {precision.compute, precision.reductions} <= set(PRECISIONS):
        raise ConfigurationError(
            f"The numpy backend holds parameters and computes in one type, {' or '.join(PRECISIONS)} (NumPy has no "
            f"bfloat16), but the brain asks for {precision}. Set brain.precision to float32, or choose another backend."
        )
    check_layers(backend, graph)
