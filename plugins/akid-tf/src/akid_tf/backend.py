"""TensorFlow as a backend."""

from __future__ import annotations

import numpy as np

from akid_core.backends.contract import Backend, Built, Network, Trainer
from akid_core.backends.missing import check_layers
from akid_core.backends.plan import Execution, Plan
from akid_core.errors import ConfigurationError, UsageError
from akid_core.graph.attach import Attach
from akid_core.graph.resolved import Call, Graph
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.regime import Regime
from akid_core.specs.tensor import FLOATS, wider
from akid_tf.devices import device_name, use_threads
from akid_tf.live import BuildContext, portable
from akid_tf.module import OPS
from akid_tf.network import TensorflowNetwork
from akid_tf.recompute import check_recompute
from akid_tf.runtime import tf
from akid_tf.trainer import TensorflowTrainer
from akid_tf.xla import convolves, refusal

BUNDLE, IMAGE_BUNDLE, SMALL_BUNDLE = 64, 16, 256
"""Steps in one call: of most brains, with convolutions, and of small ones; so many that the cost of a call is spread
thin, so few that a signal need not wait long."""

SMALL = 100_000
"""Fewer numbers in all parameters make a brain without convolutions small."""

PARAMETERS = ("float32", "float64")

SUMMING = frozenset({"avg_pool1d", "avg_pool2d", "global_avg_pool1d", "global_avg_pool2d", "gru", "lstm", "upsample"})
"""Layers whose kernels form sums in the type in which they compute; those of all others mind wider reductions."""


class TensorflowBackend(Backend):
    """Compiles a span of steps into one call and computes channels last; what has no native form runs portably."""

    name = "tensorflow"
    ops = OPS

    def plan(self, execution: Execution, graph: Graph) -> Plan:
        check_layers(self, graph)
        check(graph)
        if execution.layout == "channels_first":
            raise ConfigurationError(
                "execution.layout is 'channels_first', but TensorFlow's kernels for images compute channels last on "
                "the CPU: leave it out or write 'channels_last'. Parameters and results are canonical in any case."
            )
        device_name(execution.device)
        use_threads(execution.threads)  # already here: TensorFlow may refuse, and nothing should be made then
        step = execution.step.get(self.name, "")
        _check_step(execution, step)
        check_recompute(graph, execution.recompute)
        refused = refusal(execution, graph, step, lambda: self._network(graph, 0)) if execution.compile else ""
        return Plan(
            backend=self.name,
            device=execution.device,
            threads=execution.threads,
            bundle=execution.bundle or _bundle(graph),
            layout="channels_last",
            fused=execution.fused is not False,
            strategy=execution.strategy,
            compile=execution.compile and not refused,
            deterministic=execution.deterministic,
            micro_batches=execution.micro_batches,
            recompute=execution.recompute,
            step=step,
            notes=(refused,) if refused else (),
            versions=self.versions(),
        )

    def network(self, graph: Graph, plan: Plan, seed: int) -> Network:
        check(graph)
        use_threads(plan.threads)
        if plan.deterministic:
            tf.config.experimental.enable_op_determinism()
        return self._network(graph, seed, plan.recompute)

    def _network(self, graph: Graph, seed: int, recompute: tuple[str, ...] = ()) -> TensorflowNetwork:
        built: dict[str, Built] = {}
        attached: dict[str, Built] = {}  # by owner, since an attached module holds the parameters that calls share
        for call in graph.everything:
            built[call.path] = attached.get(call.owner) or self._build(call, graph, seed)
            if isinstance(call.layer, Attach):
                attached[call.owner] = built[call.path]
        return TensorflowNetwork(graph, built, seed, recompute)

    def trainer(self, network: Network, optimizer: Optimizer | Regime, plan: Plan) -> Trainer:
        if not isinstance(network, TensorflowNetwork):
            raise UsageError(f"The tensorflow backend trains its own networks, not a {type(network).__name__}.")
        return TensorflowTrainer(network, Regime.of(optimizer), plan)

    def versions(self) -> dict[str, str]:
        return {"tensorflow": tf.__version__, "numpy": np.__version__}

    def _build(self, call: Call, graph: Graph, seed: int) -> Built:
        """The native form of a call's layer where a plugin has one for exactly this class, else the portable one.

        Where reductions are wider than what is computed, those of `SUMMING` run portably.
        """
        precision = graph.precision
        uniform = precision.compute == wider(precision.compute, precision.reductions)
        serves = uniform or call.layer.component() not in SUMMING
        build = (self.builder(call.layer) if serves else None) or portable
        context = BuildContext(call=call, precision=precision, seed=seed)
        built: Built = build(call.layer, call.in_specs, context)
        return built


def _bundle(graph: Graph) -> int:
    if any(convolves(spec.axes) for spec in graph.params.values()):
        return IMAGE_BUNDLE
    return SMALL_BUNDLE if sum(spec.size for spec in graph.params.values()) < SMALL else BUNDLE


def _check_step(execution: Execution, step: str) -> None:
    """Raise `ConfigurationError` for what a step of the user's own leaves no room for."""
    if step and execution.micro_batches > 1:
        raise ConfigurationError(
            f"execution.step {step} replaces the train program, so execution.micro_batches has nothing to divide: "
            "leave it out, or leave out the step."
        )


def check(graph: Graph) -> None:
    """Raise `ConfigurationError` for what this backend cannot run."""
    precision = graph.precision
    narrower = FLOATS[: FLOATS.index(precision.params) + 1] if precision.params in PARAMETERS else ()
    if precision.compute not in narrower:
        raise ConfigurationError(
            f"The brain's precision asks for parameters in {precision.params} and computation in {precision.compute}: "
            f"the tensorflow backend keeps parameters in {' or '.join(PARAMETERS)}, and computes in that type or in "
            "one that is narrower, such as bfloat16."
        )
