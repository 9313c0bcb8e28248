"""A run that changes its backend twice, beside one that stays: loss and validation, epoch by epoch.

Run it with `python bench/moving.py [--chain torch,tensorflow,torch] [--epochs N] [--float64]`. The moving run stops a
little behind a third and two thirds of its steps, inside an epoch, and goes on under the next backend.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import akid_core as akid
from akid_core import layers as L
from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.plugin_api import hookimpl
from akid_datasets.augmenters.shift import Shift

QUIET = {"validate_every": "epoch", "checkpoint_every": "never"}


@dataclass(frozen=True, kw_only=True)
class Curve(Observer):
    """The figures of each epoch: `(train loss, val loss, val accuracy)`."""

    figures: dict[int, tuple[float, ...]] = field(default_factory=dict)

    @hookimpl
    def akid_validate_end(self, context: Moment) -> None:
        figures = (context.values["val/loss"], context.values["val/accuracy"])
        self.figures[context.epoch] = (context.kid.state.train["loss"], *figures)


def kid(backend: str, epochs: int, dtype: str, curve: Curve) -> akid.Kid:
    """Convolution, batch norm, dropout, augmentation, Adam with a cosine: everything that has a memory."""
    brain = akid.Brain.sequential(
        L.Conv2d(channels=16, kernel=3, padding="same", bias=False), L.BatchNorm(), L.ReLU(), L.MaxPool2d(kernel=2),
        L.Dropout(rate=0.2), L.Flatten(), L.Dense(units=10, name="logits"), inputs="image", outputs="logits",
    )  # fmt: skip
    brain = brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label").with_metric(L.Accuracy(), "logits", "label")
    return akid.Kid(
        brain=replace(brain, precision=akid.Precision.of(dtype)),
        sensors=akid.sensors("digits", batch_size=64, augment=(Shift(pixels=1),)),
        optimizer=akid.Adam(learning_rate=akid.schedules.Cosine(initial=3e-3), average=0.99),
        practice=akid.Practice(epochs=epochs, **QUIET),
        backend=backend,
        observers=(curve,),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chain", default="torch,tensorflow,torch", help="backends, one after the other")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--float64", action="store_true")
    options = parser.parse_args()
    chain, dtype = options.chain.split(","), "float64" if options.float64 else "float32"

    stays, moves = Curve(), Curve()
    whole = kid(chain[0], options.epochs, dtype, stays)
    tests = [whole.practice().test]
    total = whole.state.step
    with TemporaryDirectory() as folder:
        for leg, backend in enumerate(chain, start=1):
            limit = min(total, total * leg // len(chain) + 3)
            moving = kid(backend, options.epochs, dtype, moves)
            result = moving.practice(run_dir=Path(folder), resume=True, max_steps=limit)
    tests.append(result.test)

    print(f"{dtype}; {total} steps; undisturbed on {chain[0]}, and moving {' -> '.join(chain)}")
    print("epoch  loss: stays     moves     val loss: stays     moves     val accuracy: stays   moves")
    for epoch, ((loss, val, right), (loss2, val2, right2)) in enumerate(
        zip(stays.figures.values(), moves.figures.values(), strict=True), start=1
    ):
        print(f"{epoch:5}  {loss:11.6f} {loss2:9.6f} {val:19.6f} {val2:9.6f} {right:20.4f} {right2:7.4f}")
    print("test ", *(f"loss {test['loss']:.6f}, accuracy {test['accuracy']:.4f};" for test in tests))


if __name__ == "__main__":
    main()
