"""A layer of one's own, written once in portable operations: it runs on every backend. Runs with the core alone."""

from dataclasses import dataclass

import numpy as np

import akid_core as akid
from akid_core import layers as L
from akid_core.initializers import Ones
from akid_core.specs import Layer, ParamSpec


@dataclass(frozen=True, kw_only=True)
class Wave(Layer):
    """sin(frequency * x), with a trained frequency for each feature."""

    def outputs(self, x):
        return x

    def params(self, x):
        return (ParamSpec(name="frequency", shape=x.row, init=Ones()),)

    def forward(self, context, x):
        return context.ops.sin(x * context.params["frequency"])


x = np.linspace(-3, 3, 300, dtype="float32").reshape(-1, 1)
kid = akid.Kid(
    brain=akid.Brain.sequential(
        L.Dense(units=32), Wave(name="wave"), L.Dense(units=1, name="curve"), inputs="x", outputs="curve"
    ).with_loss(L.MeanSquaredError(), "curve", "y"),
    sensors=akid.sensors(train={"x": x, "y": np.sin(3 * x) * x}, batch_size=30),
    optimizer=akid.Adam(learning_rate=0.05),
    practice=akid.Practice(epochs=100),
)
print(kid.practice().train)
print(kid.network["wave/frequency"].round(2))
