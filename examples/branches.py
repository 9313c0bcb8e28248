"""Two inputs, two branches, a residual connection, two outputs with a loss each. Runs with the core alone."""

import numpy as np

import akid_core as akid
from akid_core import layers as L


def residual(name: str) -> akid.System:
    """A block that adds what it learned to what it got."""
    return akid.System.sequential(
        L.Dense(units=16, name="change"), L.Tanh(), L.Add(name="sum").on("given", "tanh"), inputs="given", name=name
    )


brain = (
    akid.Brain.graph(
        L.Dense(units=16, name="left").on("position"),
        L.Dense(units=16, name="right").on("velocity"),
        residual("deeper").on("left"),
        L.Concat(name="both").on("deeper", "right"),
        L.Dense(units=2, name="next_position").on("both"),
        L.Dense(units=2, name="moves_right").on("both"),
        inputs=("position", "velocity"),
        outputs=("next_position", "moves_right"),
    )
    .with_loss(L.MeanSquaredError(), "next_position", "target", name="distance")
    .with_loss(L.SoftmaxCrossEntropy(weight=0.5), "moves_right", "direction", name="doubt")
    .with_metric(L.Accuracy(), "moves_right", "direction")
)

random = np.random.default_rng(0)
position, velocity = random.normal(size=(2, 600, 2)).astype("float32")
rows = {
    "position": position,
    "velocity": velocity,
    "target": position + velocity / 2,
    "direction": (velocity[:, 0] > 0).astype("int64"),
}
train, test = ({name: values[part] for name, values in rows.items()} for part in (slice(500), slice(500, None)))

kid = akid.Kid(
    brain=brain,
    sensors=akid.sensors(train=train, test=test, batch_size=50),
    optimizer=akid.AdamW(learning_rate=akid.schedules.OneCycle(maximum=0.03)),
    practice=akid.Practice(epochs=20),
)
print(brain.summary(kid.train_sensor.spec))
print(kid.practice().test)
print(kid.predict({"position": np.zeros((1, 2)), "velocity": np.ones((1, 2))})["next_position"])
