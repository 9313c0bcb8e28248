"""PyTorch as a backend."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from akid_core.backends.contract import Backend, Network, Trainer
from akid_core.backends.plan import Execution, Plan
from akid_core.errors import ConfigurationError, UsageError
from akid_core.graph.resolved import Graph
from akid_core.optimizers.base import Optimizer
from akid_torch.build import build
from akid_torch.context import BuildContext
from akid_torch.network import TorchNetwork
from akid_torch.ops import TorchOps
from akid_torch.plugin import BACKEND
from akid_torch.threads import default_threads, use_threads
from akid_torch.trainer import TorchTrainer

PRECISIONS = ("float32", "float64")

BUNDLE, BUNDLE_IMAGES = 32, 8
"""Steps in one call: enough to make what happens between calls cheap, few enough to answer a signal soon."""


class TorchBackend(Backend):
    """Runs layers by native builders of the registry (by default that of all installed plugins), else portably."""

    name: ClassVar[str] = BACKEND
    ops = TorchOps()

    def plan(self, execution: Execution, graph: Graph) -> Plan:
        """Settle what is left open.

        Layout: a brain with convolutions keeps images with their channels last, where the kernels of the CPU are
        faster (and need no copies between layers); any other brain has nothing to lay out. Optimizers are fused. A call
        runs 32 steps, or 8 of a brain with images, whose steps are longer. A small brain (see `threads`) takes one
        thread, a larger one as many as torch found.
        """
        check(graph, execution.device)
        convolutional = any(spec.axes == "OIHW" for spec in graph.params.values())
        return Plan(
            backend=self.name,
            device=execution.device,
            threads=execution.threads or default_threads(graph),
            bundle=execution.bundle or (BUNDLE_IMAGES if convolutional else BUNDLE),
            layout=execution.layout or ("channels_last" if convolutional else "channels_first"),
            fused=execution.fused is not False,
            strategy=execution.strategy,
            versions=self.versions(),
        )

    def network(self, graph: Graph, plan: Plan, seed: int) -> Network:
        check(graph, plan.device)
        use_threads(plan.threads)
        ops, channels_last = TorchOps(plan.device), plan.layout == "channels_last"
        contexts = [
            BuildContext(call=call, seed=seed, ops=ops, precision=graph.precision, channels_last=channels_last)
            for call in graph.everything
        ]
        return TorchNetwork(graph, build(contexts, self.builder), ops, channels_last)

    def trainer(self, network: Network, optimizer: Optimizer, plan: Plan) -> Trainer:
        if not isinstance(network, TorchNetwork):
            raise UsageError(f"The torch backend trains its own networks, not a {type(network).__name__}.")
        return TorchTrainer(network, optimizer, plan)

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "numpy": np.__version__}


def check(graph: Graph, device: str) -> None:
    """Raise `ConfigurationError` for what torch cannot run here."""
    precision = graph.precision
    if precision.params != precision.compute or precision.compute not in PRECISIONS:
        raise ConfigurationError(
            f"The torch backend computes in one type, {' or '.join(PRECISIONS)}, but the brain's precision asks for "
            f"parameters in {precision.params} and computation in {precision.compute}."
        )
    for value in (value for call in graph.everything for value in call.inputs):
        if value.delay and value.initial != "zeros":
            raise ConfigurationError(
                f"The delayed value {value} begins with {value.initial!r}: the torch backend knows 'zeros' alone."
            )
    try:
        torch.empty(0, device=device)
    except Exception as error:
        raise ConfigurationError(
            f"execution.device is {device!r}, which torch {torch.__version__} cannot use here: {error}. Use 'cpu'."
        ) from error
