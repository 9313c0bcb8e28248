"""What all tests share: the fixtures of akid's own test kit, and a toy run to practise with."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from akid_core.cli.main import main
from akid_core.graph.brain import Brain
from akid_core.layers import Accuracy, Conv2d, Dense, Flatten, ReLU, SoftmaxCrossEntropy

pytest_plugins = ["akid_core.testing.plugin"]

PARTS = '''
import os
import signal
from dataclasses import dataclass

import numpy as np

from akid_core.data.augmenter import Augmenter
from akid_core.data.source import Source
from akid_core.errors import TryAgainError
from akid_core.observers.base import Observer
from akid_core.plugin_api import AugmenterInfo, ObserverInfo, SourceInfo, hookimpl
from akid_core.specs import TensorSpec


@hookimpl
def akid_sources():
    yield SourceInfo(name="clouds", target="toy_parts:Clouds")


@hookimpl
def akid_augmenters():
    yield AugmenterInfo(name="wobble", target="toy_parts:Wobble")


@hookimpl
def akid_observers():
    yield ObserverInfo(name="sender", target="toy_parts:Sender")
    yield ObserverInfo(name="breaker", target="toy_parts:Breaker")


@dataclass(frozen=True, kw_only=True)
class Clouds(Source):
    """Two clouds of points in the plane; a train split of 50 rows and others of 20."""

    size: int = 50
    bad_row: int | None = None

    @property
    def spec(self):
        return {"image": TensorSpec(("N", 2), "float32"), "label": TensorSpec(("N",), "int64")}

    def __len__(self):
        return self.size if self.split == "train" else 20

    def rows(self, indices):
        seeds = indices + {"train": 0, "val": 10_000, "test": 20_000}[self.split]
        noise = np.stack([np.sin(seeds * 12.9898), np.cos(seeds * 78.233)], axis=1)
        label = seeds % 2
        image = (noise + (label[:, None] * 2 - 1)).astype(np.float32)
        if self.split == "train" and self.bad_row is not None:
            image[indices == self.bad_row] = np.nan
        return {"image": image, "label": label.astype(np.int64)}


@dataclass(frozen=True, kw_only=True)
class Wobble(Augmenter):
    def apply(self, fields, random):
        moved = np.stack([random.uniform(0), random.uniform(1)], axis=1)
        return {"image": (fields["image"] + moved).astype(np.float32)}


@dataclass(frozen=True, kw_only=True)
class Sender(Observer):
    """Sends this process a signal at the end of a step."""

    step: int
    name: str = "SIGTERM"
    times: int = 1

    def next_look(self, step):
        return self.step if step < self.step else None

    @hookimpl
    def akid_span_end(self, context):
        if context.step == self.step:
            for _ in range(self.times):
                os.kill(os.getpid(), getattr(signal, self.name))


@dataclass(frozen=True, kw_only=True)
class Breaker(Observer):
    """Fails in the hooks that it is told."""

    hooks: tuple[str, ...] = ()
    again: bool = False

    def _fail(self, hook, context):
        if hook in self.hooks and context.step > 0:
            raise (TryAgainError if self.again else RuntimeError)(f"broken in {hook}")

    @hookimpl
    def akid_span_end(self, context):
        self._fail("span_end", context)

    @hookimpl
    def akid_practice_end(self, context):
        self._fail("practice_end", context)

    @hookimpl
    def akid_practice_error(self, context):
        self._fail("practice_error", context)
'''

DESCRIPTION = """\
akid: 1
backend: numpy
plugins: [./toy_parts.py]
sensors: {source: clouds, batch_size: 16, augment: [wobble]}
brain:
  inputs: image
  outputs: logits
  blocks:
    - {dense: {name: hidden, units: 6}}
    - {batch_norm: {name: norm}}
    - relu
    - {dropout: {name: drop, rate: 0.3}}
    - {dense: {name: logits, units: 2}}
  losses: [{softmax_cross_entropy: {name: loss, inputs: [logits, label]}}]
  metrics: [{accuracy: {inputs: [logits, label]}}]
optimizer: {adam: {learning_rate: 0.05}}
practice: {epochs: 3, checkpoint_every: 2, log_every: 3}
"""


@dataclass(frozen=True)
class Said:
    """How the program ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


@dataclass(frozen=True)
class Toy:
    """A folder with a description, `toy.yaml`, and the plugin that it names; 4 steps in an epoch, the last of 2 rows.

    The program runs in this process.
    """

    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def yaml(self) -> Path:
        return self.folder / "toy.yaml"

    def describe(self, old: str = "", new: str = "") -> Path:
        """Write the description, with a part of it replaced."""
        assert old in DESCRIPTION
        self.yaml.write_text(DESCRIPTION.replace(old, new) if old else DESCRIPTION)
        return self.yaml

    def akid(self, *arguments: object) -> Said:
        """Run `akid …`."""
        self.capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)

    def practice(self, run_dir: object, *arguments: object) -> Said:
        """Run `akid practice toy.yaml --run-dir RUN_DIR …`."""
        return self.akid("practice", self.yaml, "--run-dir", self.folder / str(run_dir), *arguments)


@pytest.fixture(autouse=True)
def own_data_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test fetches or learns stays out of the folders of whoever runs it."""
    monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path_factory.getbasetemp() / "data"))


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Toy:
    for name in ("AKID_DISABLE_PLUGINS", "AKID_STRICT_PLUGINS", "AKID_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    # What the program leaves behind is looked at; Python's own cache of the plugin is not part of that.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "toy_parts.py").write_text(PARTS)
    made = Toy(tmp_path, capsys)
    made.describe()
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def public_example() -> Brain:
    """The network of the README's first screen."""
    return (
        Brain.sequential(
            Conv2d(channels=32, kernel=5, name="conv1"),
            ReLU(),
            Flatten(),
            Dense(units=10, name="logits"),
            inputs="image",
            outputs="logits",
        )
        .with_loss(SoftmaxCrossEntropy(), "logits", "label")
        .with_metric(Accuracy(), "logits", "label")
    )
