"""The example of the README: a small convolutional network learns to read handwritten digits."""

# fmt: off
import akid_core as akid
from akid_core import layers as L

brain = akid.Brain.sequential(
    L.Conv2d(channels=32, kernel=5, name="conv1"),
    L.ReLU(), L.Flatten(), L.Dense(units=10, name="logits"),
    inputs="image", outputs="logits",
).with_loss(L.SoftmaxCrossEntropy(), "logits", "label").with_metric(L.Accuracy(), "logits", "label")
kid = akid.Kid(
    brain=brain,
    sensors=akid.sensors("digits", batch_size=64),      # or train=(x, y)
    optimizer=akid.Adam(learning_rate=1e-3),
    practice=akid.Practice(epochs=20),
    backend="torch", seed=0,
)
print(kid.practice().test)
print(kid.network["conv1/weight"].shape)
