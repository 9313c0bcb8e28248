"""What a training step costs through the public Kid, against hand-written loops and other frameworks.

Run it with `python bench/step_overhead.py [mlp] [metrics] [lenet] [compiled] [compiled-resnet]
[tensorflow] [tensorflow-lenet] [--rounds N]`; peers take part where
they are installed (`pip install -r bench/requirements.txt`). One thread, CPU time, alternating rounds.
"""
# ruff: noqa: E402  (the number of threads is read when NumPy and the frameworks are imported)

from __future__ import annotations

import argparse
import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from measure import Contestant, alternate, report

import akid_core as akid
from akid_core import layers as L

QUIET = {"log_every": "never", "validate_every": "never", "checkpoint_every": "never"}
MLP_GOALS = {"akid": 0.95}
METRIC_GOALS = {"akid": 1.0}
LENET_GOALS = {"akid": 0.9}
TENSORFLOW_GOALS = {"akid": 0.2, "akid, compile": 0.08}
TENSORFLOW_LENET_GOALS = {"akid": 1.1}


def mlp() -> list[akid.Layer]:
    return [L.Dense(units=32), L.ReLU(), L.Dense(units=10, name="logits")]


def lenet() -> list[akid.Layer]:
    return [
        L.Conv2d(channels=32, kernel=5, padding="same"), L.ReLU(), L.MaxPool2d(kernel=2),
        L.Conv2d(channels=64, kernel=5, padding="same"), L.ReLU(), L.MaxPool2d(kernel=2),
        L.Flatten(), L.Dense(units=512), L.ReLU(), L.Dense(units=10, name="logits"),
    ]  # fmt: skip


def data(shape: tuple[int, ...], rows: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.standard_normal((rows, *shape)).astype(np.float32), random.integers(0, 10, rows)


def akid_contestant(
    name: str,
    blocks: list[akid.Layer],
    arrays: tuple[np.ndarray, np.ndarray],
    batch: int,
    backend: str,
    metric: bool = False,
    **execution: Any,
) -> Contestant:
    """The public Kid; each round goes on where the last one stopped."""
    brain = akid.Brain.sequential(*blocks, inputs="image", outputs="logits")
    brain = brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    if metric:
        brain = brain.with_metric(L.Accuracy(), "logits", "label")
    kid = akid.Kid(
        brain=brain,
        sensors=akid.sensors(train=arrays, batch_size=batch),
        optimizer=akid.SGD(learning_rate=0.01, momentum=0.9),
        practice=akid.Practice(steps=10**9, **QUIET),
        backend=backend,
        execution=akid.Execution(threads=1, **execution),
    )
    return Contestant(name, lambda steps: kid.practice(max_steps=kid.state.step + steps))


def torch_model(kind: str) -> object:
    from torch import nn

    if kind == "mlp":
        return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    if kind == "resnet20":
        from compiled import torch_resnet20

        return torch_resnet20()
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10),
    )  # fmt: skip


def bare_torch(kind: str, arrays: tuple[np.ndarray, np.ndarray], batch: int, *, ready: bool) -> Callable[[int], None]:
    """A user's own loop, contiguous, SGD unfused: `ready` tensors, or NumPy batches with loss and accuracy."""
    import torch

    torch.set_num_threads(1)
    model = torch_model(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()
    images, labels = arrays
    starts = range(0, len(images) - batch + 1, batch)
    pairs = [(images[i : i + batch], labels[i : i + batch]) for i in starts]
    tensors = [(torch.from_numpy(image), torch.from_numpy(label)) for image, label in pairs]

    def run(steps: int) -> None:
        for step in range(steps):
            image, label = tensors[step % len(tensors)]
            optimizer.zero_grad()
            loss = criterion(model(image), label)
            loss.backward()
            optimizer.step()

    def run_measured(steps: int) -> None:
        total, right = 0.0, 0
        for step in range(steps):
            image, label = (torch.from_numpy(array) for array in pairs[step % len(pairs)])
            optimizer.zero_grad()
            logits = model(image)
            loss = criterion(logits, label)
            loss.backward()
            optimizer.step()
            total += loss.item()
            right += (logits.argmax(1) == label).sum().item()

    return run if ready else run_measured


def tensorflow_model(kind: str) -> tuple[list[Any], Callable[[Any], Any]]:
    """The variables and the forward pass as a user writes them, images (batch, height, width, channels)."""
    import tensorflow as tf

    random = np.random.default_rng(1)
    mlp_shapes = [(64, 32), (32,), (32, 10), (10,)]
    lenet_shapes = [(5, 5, 1, 32), (32,), (5, 5, 32, 64), (64,), (3136, 512), (512,), (512, 10), (10,)]
    shapes = mlp_shapes if kind == "mlp" else lenet_shapes
    weights = [tf.Variable(random.standard_normal(shape).astype(np.float32) * 0.05) for shape in shapes]

    def dense(x: Any, first: int) -> Any:
        return x @ weights[first] + weights[first + 1]

    def block(x: Any, first: int) -> Any:
        convolved = tf.nn.conv2d(x, weights[first], 1, "SAME") + weights[first + 1]
        return tf.nn.max_pool2d(tf.nn.relu(convolved), 2, 2, "VALID")

    def forward(image: Any) -> Any:
        if kind == "mlp":
            return dense(tf.nn.relu(dense(image, 0)), 2)
        features = block(block(image, 0), 2)
        return dense(tf.nn.relu(dense(tf.reshape(features, (-1, 3136)), 4)), 6)

    return weights, forward


def bare_tensorflow(kind: str, arrays: tuple[np.ndarray, np.ndarray], batch: int) -> Callable[[int], None]:
    """One `tf.function` call for each step, fed ready tensors."""
    import tensorflow as tf

    weights, forward = tensorflow_model(kind)
    slots = [tf.Variable(tf.zeros_like(weight)) for weight in weights]
    images, labels = arrays
    starts = range(0, len(images) - batch + 1, batch)
    tensors = [(tf.constant(images[i : i + batch]), tf.constant(labels[i : i + batch])) for i in starts]

    @tf.function
    def train(image: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(label, forward(image)))
        for weight, slot, gradient in zip(weights, slots, tape.gradient(loss, weights), strict=True):
            slot.assign(0.9 * slot + gradient)
            weight.assign_sub(0.01 * slot)
        return loss

    def run(steps: int) -> None:
        for step in range(steps):
            train(*tensors[step % len(tensors)])

    return run


def torch_race(kind: str, *, ready: bool, rounds: int, goals: dict[str, float]) -> None:
    blocks, shape, batch = (mlp(), (64,), 32) if kind == "mlp" else (lenet(), (1, 28, 28), 64)
    steps, warmup = (640, 128) if kind == "mlp" else (6, 4)
    arrays = data(shape, 512 * batch if kind == "mlp" else 8 * batch)
    contestants = [
        Contestant("bare torch loop", bare_torch(kind, arrays, batch, ready=ready)),
        akid_contestant("akid", blocks, arrays, batch, "torch", metric=not ready),
    ]
    if ready:
        from peers import torch_peers

        contestants += torch_peers(lambda: torch_model(kind), arrays, batch)
    alternate(contestants, steps=steps, rounds=rounds, warmup=warmup)
    inputs = "ready tensors, no metrics" if ready else "NumPy batches, loss and accuracy"
    report(f"{kind}, batch {batch}, {inputs}", contestants, "bare torch loop", goals)


def tensorflow_race(kind: str, rounds: int) -> None:
    """A bundle of akid's is 256 steps of the mlp, and 16 of LeNet."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    small = kind == "mlp"
    blocks, shape, batch = (mlp(), (64,), 32) if small else (lenet(), (1, 28, 28), 64)
    steps, goals = (10240, TENSORFLOW_GOALS) if small else (16, TENSORFLOW_LENET_GOALS)
    arrays = data(shape, (512 if small else 16) * batch)
    images, labels = arrays
    last = (images if small else np.ascontiguousarray(images.transpose(0, 2, 3, 1)), labels)
    base = "tf.function, one step a call"
    contestants = [
        Contestant(base, bare_tensorflow(kind, last, batch)),
        akid_contestant("akid", blocks, arrays, batch, "tensorflow"),
    ]
    if small:
        contestants.append(akid_contestant("akid, compile", blocks, arrays, batch, "tensorflow", compile=True))
    from peers import tensorflow_peers

    contestants += tensorflow_peers(kind, last, batch)
    alternate(contestants, steps=steps, rounds=rounds, warmup=min(steps, 1024))
    report(f"{kind} on TensorFlow, batch {batch}", contestants, base, goals)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    everything = ["mlp", "metrics", "lenet", "compiled", "compiled-resnet", "tensorflow", "tensorflow-lenet"]
    parser.add_argument("races", nargs="*", default=everything)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    races = {
        "mlp": lambda: torch_race("mlp", ready=True, rounds=options.rounds, goals=MLP_GOALS),
        "metrics": lambda: torch_race("mlp", ready=False, rounds=options.rounds, goals=METRIC_GOALS),
        "lenet": lambda: torch_race("lenet", ready=True, rounds=options.rounds, goals=LENET_GOALS),
        "tensorflow": lambda: tensorflow_race("mlp", options.rounds),
        "tensorflow-lenet": lambda: tensorflow_race("lenet", options.rounds),
    }
    from compiled import RACES

    races |= {name: partial(race, options.rounds) for name, race in RACES.items()}
    for race in options.races:
        races[race]()


if __name__ == "__main__":
    main()
