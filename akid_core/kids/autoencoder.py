"""Autoencoder: a Kid that learns to give what it was given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from akid_core.graph.brain import Brain
from akid_core.graph.wiring import wiring
from akid_core.layers import MeanSquaredError
from akid_core.specs.layer import Loss
from akid_core.training.config import KidConfig
from akid_core.training.kid import Kid


@dataclass(frozen=True, kw_only=True)
class AutoencoderSettings:
    """`loss`: what it costs to give something else. `reconstruction`: the value of the Brain that the loss takes.

    By default it is the Brain's first output. A loss of logits, such as `BinaryCrossEntropy`, takes the value before
    the last sigmoid, which is then named here.
    """

    loss: Loss = field(default_factory=MeanSquaredError)
    reconstruction: str | None = None


class Autoencoder(Kid):
    """Trains a Brain that takes a picture, or anything else, to give it back; no labels are needed.

    Where the Brain has a narrow place, as an autoencoder has, it must find what pictures have in common. The loss
    compares its first output with its first input. Losses of the Brain stay, and count beside it.
    """

    Settings: ClassVar[type] = AutoencoderSettings

    def compose(self, config: KidConfig) -> KidConfig:
        return replace(config, brain=self.reconstructing(config.brain, config.brain.input_names[0]))

    def reconstructing(self, brain: Brain, target: str) -> Brain:
        """The Brain with the loss of giving anything but `target`, a field of the batch."""
        given = self.settings.reconstruction or str(wiring(brain).outputs[0])
        return brain.with_loss(self.settings.loss, given, target)
