"""akid: one network, declared once as named blocks, on PyTorch, TensorFlow or NumPy; every part a plugin.

    import akid_core as akid
    from akid_core import layers as L

Names are imported when they are first used (PEP 562), so that `import akid_core` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from akid_core._version import __version__

if TYPE_CHECKING:
    from akid_core import errors, initializers, layers, optimizers, schedules
    from akid_core.backends.plan import Execution
    from akid_core.data.augmenter import Augmenter, Chain, Fitted, Mixer
    from akid_core.data.draws import Draws
    from akid_core.data.reading import Reading
    from akid_core.data.sampler import Sampler
    from akid_core.data.sensors import Sensors, sensors
    from akid_core.data.source import Source
    from akid_core.graph.attach import Attach
    from akid_core.graph.brain import Brain
    from akid_core.graph.node import Edge, Node
    from akid_core.graph.repeat import Repeat
    from akid_core.graph.system import System
    from akid_core.graph.unroll import Unroll
    from akid_core.optimizers import SGD, Adagrad, Adam, AdamW, Lion, Phase, Regularizer, RMSprop
    from akid_core.optimizers.base import Optimizer
    from akid_core.plugins import PluginManager
    from akid_core.schedules.base import Schedule
    from akid_core.specs import Block, Layer, Loss, Metric, ParamSpec, TensorSpec
    from akid_core.specs.precision import Precision
    from akid_core.training.config import Best, Practice, Start
    from akid_core.training.kid import Kid

_MODULES = ("errors", "initializers", "layers", "optimizers", "schedules")

_HOMES = {
    "akid_core.backends.plan": ("Execution",),
    "akid_core.data.augmenter": ("Augmenter", "Chain", "Fitted", "Mixer"),
    "akid_core.data.draws": ("Draws",),
    "akid_core.data.reading": ("Reading",),
    "akid_core.data.sampler": ("Sampler",),
    "akid_core.data.sensors": ("Sensors", "sensors"),
    "akid_core.data.source": ("Source",),
    "akid_core.graph.attach": ("Attach",),
    "akid_core.graph.brain": ("Brain",),
    "akid_core.graph.node": ("Edge", "Node"),
    "akid_core.graph.repeat": ("Repeat",),
    "akid_core.graph.system": ("System",),
    "akid_core.graph.unroll": ("Unroll",),
    "akid_core.optimizers": ("SGD", "Adagrad", "Adam", "AdamW", "Lion", "Phase", "RMSprop", "Regularizer"),
    "akid_core.optimizers.base": ("Optimizer",),
    "akid_core.plugins": ("PluginManager",),
    "akid_core.schedules.base": ("Schedule",),
    "akid_core.specs": ("Block", "Layer", "Loss", "Metric", "ParamSpec", "TensorSpec"),
    "akid_core.specs.precision": ("Precision",),
    "akid_core.training.config": ("Best", "Practice", "Start"),
    "akid_core.training.kid": ("Kid",),
}
"""Where each public name lives; the imports above tell type checkers the same."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Attach",
    "Augmenter",
    "Best",
    "Block",
    "Brain",
    "Chain",
    "Draws",
    "Edge",
    "Execution",
    "Fitted",
    "Kid",
    "Layer",
    "Lion",
    "Loss",
    "Metric",
    "Mixer",
    "Node",
    "Optimizer",
    "ParamSpec",
    "Phase",
    "PluginManager",
    "Practice",
    "Precision",
    "RMSprop",
    "Reading",
    "Regularizer",
    "Repeat",
    "Sampler",
    "Schedule",
    "Sensors",
    "Source",
    "Start",
    "System",
    "TensorSpec",
    "Unroll",
    "__version__",
    "errors",
    "initializers",
    "layers",
    "optimizers",
    "schedules",
    "sensors",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"akid_core.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'akid_core' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
