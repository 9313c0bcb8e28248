"""Other frameworks as contestants, each in its leanest documented form; those that are not installed stay away."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from measure import Contestant

Arrays = tuple[np.ndarray, np.ndarray]


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def torch_peers(model: Callable[[], Any], arrays: Arrays, batch: int) -> list[Contestant]:
    peers = {"ignite": _ignite, "accelerate": _accelerate, "lightning": _lightning}
    return [
        Contestant(f"{name} (all extras off)", make(model(), arrays, batch))
        for name, make in peers.items()
        if _has(name)
    ]


def tensorflow_peers(kind: str, arrays: Arrays, batch: int) -> list[Contestant]:
    """Keras's `fit`, with several numbers of steps in an execution; what is best is ahead of the others."""
    if not _has("keras"):
        return []
    counts = (32, 128, 512) if kind == "mlp" else (1, 4, 16)
    name = "keras fit, {} steps an execution"
    return [Contestant(name.format(count), _keras(kind, arrays, batch, count)) for count in counts]


def _batches(arrays: Arrays, batch: int) -> list[tuple[Any, Any]]:
    import torch

    images, labels = arrays
    starts = range(0, len(images) - batch + 1, batch)
    return [(torch.from_numpy(images[i : i + batch]), torch.from_numpy(labels[i : i + batch])) for i in starts]


def _optimizer(model: Any) -> Any:
    import torch

    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


def _cycle(batches: list[Any], steps: int) -> list[Any]:
    return [batches[step % len(batches)] for step in range(steps)]


def _ignite(model: Any, arrays: Arrays, batch: int) -> Callable[[int], object]:
    import torch
    from ignite.engine import create_supervised_trainer

    trainer = create_supervised_trainer(model, _optimizer(model), torch.nn.CrossEntropyLoss())
    batches = _batches(arrays, batch)
    return lambda steps: trainer.run(_cycle(batches, steps), max_epochs=1)


def _accelerate(model: Any, arrays: Arrays, batch: int) -> Callable[[int], object]:
    import torch
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    model, optimizer = accelerator.prepare(model, _optimizer(model))
    criterion, batches = torch.nn.CrossEntropyLoss(), _batches(arrays, batch)

    def run(steps: int) -> None:
        for image, label in _cycle(batches, steps):
            optimizer.zero_grad()
            accelerator.backward(criterion(model(image), label))
            optimizer.step()

    return run


def _lightning(model: Any, arrays: Arrays, batch: int) -> Callable[[int], object]:
    import lightning
    import torch

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, pair: Any, index: int) -> Any:
            image, label = pair
            return torch.nn.functional.cross_entropy(self.model(image), label)

        def configure_optimizers(self) -> Any:
            return _optimizer(self.model)

    module, batches = Module(), _batches(arrays, batch)

    def run(steps: int) -> None:
        trainer = lightning.Trainer(
            max_steps=steps, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, use_distributed_sampler=False, barebones=False,
        )  # fmt: skip
        trainer.fit(module, torch.utils.data.DataLoader(_cycle(batches, steps), batch_size=None))

    return run


def _keras(kind: str, arrays: Arrays, batch: int, execution: int) -> Callable[[int], object]:
    import keras

    layers = keras.layers
    small = [layers.Input((64,)), layers.Dense(32, "relu"), layers.Dense(10)]
    lenet = [
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, 5, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 5, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(512, "relu"), layers.Dense(10),
    ]  # fmt: skip
    model = keras.Sequential(small if kind == "mlp" else lenet)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=execution,
    )
    images, labels = arrays

    def run(steps: int) -> None:
        epochs = max(1, steps * batch // len(images))
        model.fit(images, labels, batch_size=batch, epochs=epochs, verbose=0, shuffle=False)

    return run
