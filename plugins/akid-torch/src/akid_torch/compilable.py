"""Whether a step is worth compiling, and can be: the rules by which `execution.compile` is declined."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec

import torch

from akid_core.backends.plan import Execution
from akid_core.graph.attach import Attach
from akid_core.graph.resolved import Graph
from akid_core.optimizers.regime import Regime
from akid_core.specs.tensor import Dimension
from akid_torch.layers.attach import changes_itself

OLDEST = (2, 8)
"""The first version of torch with what `akid_torch.compiled` needs."""

NORMS = ("batch_norm", "group_norm", "l2_normalize", "layer_norm", "lrn", "rms_norm")


def why_not(execution: Execution, graph: Graph) -> str | None:
    """Why a step runs uncompiled though `execution.compile` asks for it; None where it is compiled."""
    if execution.step.get("torch"):
        return "execution.step puts a function of your own in the place of the step"
    if execution.micro_batches > 1:
        return "the parts of execution.micro_batches are computed one after the other, to save memory"
    if execution.recompute:
        return "a compiled step settles by itself what it computes again, so execution.recompute has no place in it"
    if missing := _missing_compiler(execution.device):
        return missing
    attached = next((call for call in graph.calls if isinstance(call.layer, Attach) and changes_itself(call)), None)
    if attached is not None:
        return f"the module of {attached.path!r} draws random numbers or changes itself in training"
    changing = [name for name, spec in (graph.inputs | graph.fields).items() if any(map(_open, spec.shape[1:]))]
    if changing:
        return f"the sizes of {changing[0]!r} may change from batch to batch, and each would need a program of its own"
    if not graph.trained and not any(isinstance(call.layer, Attach) for call in graph.calls):
        return "the brain trains no parameter"
    names = {call.layer.component() for call in graph.calls}
    if any(name.startswith("conv") for name in names) and not names.intersection(NORMS):
        return (
            "in a brain of convolutions without normalisation the kernels decide, and what is between them is too "
            "little to gain by"
        )
    return None


def why_not_by(regime: Regime) -> str | None:
    """Why steps under a regime run uncompiled, which shows once there is one."""
    if len(regime.phases) > 1:
        return "several phases take turns, each after a pass of its own"
    if regime.phases[0].every > 1:
        return "the phase acts in some steps alone"
    if regime.weights:
        return "practice.loss_weights changes what the steps minimise"
    return None


def _open(size: Dimension) -> bool:
    return isinstance(size, str)


def _missing_compiler(device: str) -> str:
    """What the compiler of torch would need here; empty where it is there."""
    if tuple(map(int, torch.__version__.split(".")[:2])) < OLDEST:
        return f"torch {torch.__version__} cannot: install {'.'.join(map(str, OLDEST))} or later"
    if torch.device(device).type != "cpu":
        return "" if find_spec("triton") else f"on {device} torch compiles with triton, which is not installed"
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    return "" if shutil.which(compiler) else f"there is no C++ compiler {compiler!r}: install one, or set CXX"
