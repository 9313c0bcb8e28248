"""PyTorch as a backend."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import ClassVar

import numpy as np
import torch

from akid_core.backends.contract import Backend, Network, Trainer
from akid_core.backends.missing import check_layers
from akid_core.backends.plan import Execution, Plan
from akid_core.errors import ConfigurationError, UsageError, suggest
from akid_core.graph.resolved import Graph
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.regime import Regime
from akid_torch.build import build
from akid_torch.compilable import why_not
from akid_torch.context import BuildContext
from akid_torch.network import TorchNetwork
from akid_torch.ops import TorchOps
from akid_torch.plugin import BACKEND
from akid_torch.threads import default_threads, use_threads
from akid_torch.trainer import TorchTrainer

WIDE = ("float32", "float64")
"""Types of reductions, and of everything where there is one type."""

PRECISIONS = (*((dtype, dtype) for dtype in WIDE), ("float32", "bfloat16"))
"""Types of the parameters and of the computation."""

NARROW = "precision: {params: float32, compute: bfloat16}"
"""How a brain asks for the last of them."""

BUNDLE, BUNDLE_IMAGES = 32, 8
"""Steps in one call: enough to make what happens between calls cheap, few enough to answer a signal soon."""

COMPILED, COMPILED_IMAGES = 8, 1
"""The same where steps are compiled: the compiler takes longer for each step more, and more than 8 gain next to
nothing; the long steps of a brain with images gain nothing at all."""


class TorchBackend(Backend):
    """Runs layers by native builders of the registry (by default that of all installed plugins), else portably."""

    name: ClassVar[str] = BACKEND
    ops = TorchOps()

    def plan(self, execution: Execution, graph: Graph) -> Plan:
        """Settle what is left open.

        Layout: a brain with convolutions keeps images with their channels last, where the kernels of the CPU are
        faster (and need no copies between layers); any other brain has nothing to lay out. Optimizers are fused. A call
        runs 32 steps, or 8 of a brain with images, whose steps are longer; compiled ones 8, or 1. A small brain (see
        `threads`) takes one thread, a larger one as many as torch found. When compiling is declined is in `compilable`.
        """
        check(graph, execution.device)
        check_layers(self, graph)
        step = execution.step.get(self.name, "")
        _check_recompute(execution, graph)
        if step and execution.micro_batches > 1:
            raise ConfigurationError(
                "execution.step takes whole batches: leave out execution.micro_batches, or take parts of "
                "`program.fields` in your step."
            )
        convolutional = any(spec.axes == "OIHW" for spec in graph.params.values())
        declined = why_not(execution, graph) if execution.compile else None
        compiled = execution.compile and declined is None
        usual = (COMPILED, COMPILED_IMAGES) if compiled else (BUNDLE, BUNDLE_IMAGES)
        return Plan(
            backend=self.name,
            device=execution.device,
            threads=execution.threads or default_threads(graph),
            bundle=execution.bundle or usual[convolutional],
            layout=execution.layout or ("channels_last" if convolutional else "channels_first"),
            fused=execution.fused is not False,
            strategy=execution.strategy,
            compile=compiled,
            deterministic=execution.deterministic,
            micro_batches=execution.micro_batches,
            recompute=execution.recompute,
            step=step,
            notes=_notes(execution, declined),
            versions=self.versions(),
        )

    def network(self, graph: Graph, plan: Plan, seed: int) -> Network:
        check(graph, plan.device)
        check_layers(self, graph)
        use_threads(plan.threads)
        ops, channels_last = TorchOps(plan.device), plan.layout == "channels_last"
        contexts = [
            BuildContext(call=call, seed=seed, ops=ops, precision=graph.precision, channels_last=channels_last)
            for call in graph.everything
        ]
        return TorchNetwork(graph, build(contexts, self.builder), ops, channels_last)

    def trainer(self, network: Network, optimizer: Optimizer | Regime, plan: Plan) -> Trainer:
        if not isinstance(network, TorchNetwork):
            raise UsageError(f"The torch backend trains its own networks, not a {type(network).__name__}.")
        return TorchTrainer(network, Regime.of(optimizer), plan)

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "numpy": np.__version__}


def check(graph: Graph, device: str) -> None:
    """Raise `ConfigurationError` for what torch cannot run here."""
    types = (graph.precision.params, graph.precision.compute)
    if "float16" in types:
        raise ConfigurationError(
            "The brain's precision asks for float16, whose gradients vanish without a scaling of the loss, which akid "
            f"does not do: take {NARROW}, which has the range of float32."
        )
    if types not in PRECISIONS:
        raise ConfigurationError(
            f"The brain's precision asks for parameters in {types[0]} and computation in {types[1]}; the torch backend "
            f"knows one type for everything, {' or '.join(WIDE)}, and {NARROW}."
        )
    if (reductions := graph.precision.reductions) not in WIDE:
        raise ConfigurationError(
            f"The brain's precision asks for reductions in {reductions}, in which sums lose what they add up: the "
            f"torch backend forms them in {' or '.join(WIDE)}. Leave reductions out."
        )
    try:
        torch.empty(0, device=device)
    except Exception as error:
        raise ConfigurationError(
            f"execution.device is {device!r}, which torch {torch.__version__} cannot use here: {error}. Use 'cpu'."
        ) from error


def _notes(execution: Execution, declined: str | None) -> tuple[str, ...]:
    """What the user should hear of compiling."""
    if not execution.compile:
        return ()
    if declined is not None:
        return (f"execution.compile is declined: {declined}.",)
    return ("execution.compile: the first full batches wait for torch's compiler, up to a few minutes.",)


def _check_recompute(execution: Execution, graph: Graph) -> None:
    """Raise `ConfigurationError` for a glob of `execution.recompute` that no block matches."""
    paths = [call.path for call in graph.calls]
    for glob in execution.recompute:
        if not any(fnmatchcase(path, glob) for path in paths):
            raise ConfigurationError(
                f"execution.recompute: no block matches {glob!r}.{suggest(glob, paths)} Blocks: {', '.join(paths)}."
            )
