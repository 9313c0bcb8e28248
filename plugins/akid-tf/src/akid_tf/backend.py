"""TensorFlow as a backend."""

from __future__ import annotations

import numpy as np

from akid_core.backends.contract import Backend, Built, Network, Trainer
from akid_core.backends.plan import Execution, Plan
from akid_core.errors import ConfigurationError, UsageError
from akid_core.graph.attach import Attach
from akid_core.graph.resolved import Call, Graph
from akid_core.optimizers.base import Optimizer
from akid_tf.devices import device_name, use_threads
from akid_tf.live import BuildContext, portable
from akid_tf.module import OPS
from akid_tf.network import TensorflowNetwork
from akid_tf.runtime import tf
from akid_tf.trainer import TensorflowTrainer

BUNDLE, IMAGE_BUNDLE = 64, 16
"""Steps in one call, without and with convolutions: so many that the cost of a call is spread thin, so few that a
signal need not wait long."""

PRECISIONS = ("float32", "float64")


class TensorflowBackend(Backend):
    """Compiles a span of steps into one call and computes channels last; what has no native form runs portably."""

    name = "tensorflow"
    ops = OPS

    def plan(self, execution: Execution, graph: Graph) -> Plan:
        check(graph)
        if execution.layout == "channels_first":
            raise ConfigurationError(
                "execution.layout is 'channels_first', but TensorFlow's kernels for images compute channels last on "
                "the CPU: leave it out or write 'channels_last'. Parameters and results are canonical in any case."
            )
        device_name(execution.device)
        use_threads(execution.threads)  # already here: TensorFlow may refuse, and nothing should be made then
        return Plan(
            backend=self.name,
            device=execution.device,
            threads=execution.threads,
            bundle=execution.bundle or _bundle(graph),
            layout="channels_last",
            fused=execution.fused is not False,
            strategy=execution.strategy,
            versions=self.versions(),
        )

    def network(self, graph: Graph, plan: Plan, seed: int) -> Network:
        check(graph)
        use_threads(plan.threads)
        built: dict[str, Built] = {}
        attached: dict[str, Built] = {}  # by owner, since an attached module holds the parameters that calls share
        for call in graph.everything:
            built[call.path] = attached.get(call.owner) or self._build(call, graph, seed)
            if isinstance(call.layer, Attach):
                attached[call.owner] = built[call.path]
        return TensorflowNetwork(graph, built, seed)

    def trainer(self, network: Network, optimizer: Optimizer, plan: Plan) -> Trainer:
        if not isinstance(network, TensorflowNetwork):
            raise UsageError(f"The tensorflow backend trains its own networks, not a {type(network).__name__}.")
        return TensorflowTrainer(network, optimizer, fused=plan.fused)

    def versions(self) -> dict[str, str]:
        return {"tensorflow": tf.__version__, "numpy": np.__version__}

    def _build(self, call: Call, graph: Graph, seed: int) -> Built:
        """The native form of a call's layer where a plugin has one for exactly this class, else the portable one."""
        build = self.builder(call.layer) or portable
        context = BuildContext(call=call, precision=graph.precision, seed=seed)
        built: Built = build(call.layer, call.in_specs, context)
        return built


def _bundle(graph: Graph) -> int:
    convolutional = any(spec.axes == "OIHW" for spec in graph.params.values())
    return IMAGE_BUNDLE if convolutional else BUNDLE


def check(graph: Graph) -> None:
    """Raise `ConfigurationError` for what this backend cannot run."""
    precision = graph.precision
    if precision.params != precision.compute or precision.compute not in PRECISIONS:
        raise ConfigurationError(
            f"The tensorflow backend computes in one type, {' or '.join(PRECISIONS)}, but the brain's precision asks "
            f"for parameters in {precision.params} and computation in {precision.compute}."
        )
    for call in graph.everything:
        delayed = [str(value) for value in call.inputs if value.delay]
        if delayed:
            raise ConfigurationError(
                f"The block {call.path!r} takes the delayed value {delayed[0]}: a brain with delays can be described "
                "and drawn, but the tensorflow backend does not run it."
            )
