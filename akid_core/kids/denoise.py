"""Denoise: a Kid that learns to give what it was given as it was before it was spoilt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from akid_core.data.added import Copy
from akid_core.data.augmenter import Augmenter
from akid_core.kids.autoencoder import Autoencoder, AutoencoderSettings
from akid_core.training.config import KidConfig


@dataclass(frozen=True, kw_only=True)
class DenoiseSettings(AutoencoderSettings):
    """`spoil`: the augmenters that spoil the Brain's first input. `clean`: what the field is called that they leave."""

    spoil: tuple[Augmenter, ...]
    clean: str = "clean"

    def __post_init__(self) -> None:
        object.__setattr__(self, "spoil", tuple(self.spoil))
        if not self.spoil:
            raise ValueError("spoil needs an augmenter, such as gaussian_noise; without any, the Kid is an autoencoder")


class Denoise(Autoencoder):
    """Trains a Brain that takes a spoilt picture to give the clean one (a denoising autoencoder).

    Each batch has the first input of the Brain twice: spoilt under its own name, for the Brain, and clean, for the loss
    and for metrics, which may name both. Rows for validation and test are spoilt too, the same way each time. `predict`
    and `prepare` spoil nothing: the rows that they take are spoilt already.

    Source: Vincent et al., "Extracting and composing robust features with denoising autoencoders", 2008.
    """

    Settings: ClassVar[type] = DenoiseSettings

    def compose(self, config: KidConfig) -> KidConfig:
        spoilt, clean = config.brain.input_names[0], self.settings.clean
        added = (Copy(fields=(spoilt,), to=(clean,)), *self.settings.spoil)
        sensors = replace(
            config.sensors,
            augment=config.sensors.augment + added,
            eval_augment=config.sensors.for_evaluation + added,
        )
        return replace(config, sensors=sensors, brain=self.reconstructing(config.brain, clean))
