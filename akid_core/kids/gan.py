"""Gan: a Kid in which one part of the Brain makes pictures, and another tells them from real ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from akid_core.data.added import Latent
from akid_core.errors import ConfigurationError, UnknownNameError, suggest
from akid_core.graph.brain import Brain
from akid_core.graph.lookup import listed
from akid_core.graph.node import Edge, Node
from akid_core.graph.wiring import wiring
from akid_core.layers import BinaryCrossEntropy, Fill
from akid_core.optimizers import Optimizer, Phase
from akid_core.specs.layer import Loss
from akid_core.training.config import KidConfig
from akid_core.training.kid import Kid


@dataclass(frozen=True, kw_only=True)
class GanSettings:
    """`generator`, `discriminator`: the blocks that are these, by name.

    `real`: the field of the real pictures, unless the discriminator takes an input of the Brain, which then is that.
    `latent`: the shape of the noise of one row; by default what the Brain states of that input, else 64 numbers.
    `smooth`: what the discriminator shall say of a real picture, such as 0.9 instead of 1 (one-sided label smoothing,
    Salimans et al., "Improved techniques for training GANs", 2016). `every`: the generator learns in one of so many
    steps, the discriminator in each. `generator_optimizer`, `discriminator_optimizer`: by default that of the Kid.
    """

    generator: str = "generator"
    discriminator: str = "discriminator"
    real: str = "image"
    latent: tuple[int, ...] | None = None
    smooth: float = 1.0
    every: int = 1
    generator_optimizer: Optimizer | None = None
    discriminator_optimizer: Optimizer | None = None

    def __post_init__(self) -> None:
        if self.generator == self.discriminator:
            raise ValueError(f"generator and discriminator are two blocks, got {self.generator!r} for both")
        if not 0 < self.smooth <= 1:
            raise ValueError(f"smooth is the label of a real picture, above 0 and at most 1, got {self.smooth}")
        if self.every < 1:
            raise ValueError(f"every is a number of steps of at least 1, got {self.every}")
        if self.latent is not None and (not self.latent or min(self.latent) < 1):
            raise ValueError(f"latent is the shape of the noise of one row, sizes of at least 1, got {self.latent}")


class Gan(Kid):
    """Trains two parts of a Brain against each other: a generator makes pictures, a discriminator judges them.

    The generator takes noise, an input of the Brain that no source has, and may take fields of the batch besides, such
    as a label. The discriminator takes a picture, and the same fields if it wants, and gives a score: the logit of its
    being real. In each step the discriminator is told real pictures from made ones (losses `real` and `fake`), then the
    generator learns to be taken for real (loss `fool`): the logarithm of the discriminator's belief is maximised, whose
    gradient does not vanish where it is sure ("non-saturating"). Other losses of the Brain teach the generator.
    `predict` gives what the generator makes of noise: `kid.predict({"noise": z})`.

    Source: Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1 and section 3.
    """

    Settings: ClassVar[type] = GanSettings

    def compose(self, config: KidConfig) -> KidConfig:
        settings: GanSettings = self.settings
        if not isinstance(config.optimizer, Optimizer):
            raise ConfigurationError(
                "kid.gan makes the phases of a step itself, so `optimizer` is one optimizer: give each part its own as "
                "kid.gan.generator_optimizer and kid.gan.discriminator_optimizer."
            )
        _check_blocks(config.brain, settings)
        noise = _noise(config.brain, settings)
        brain = _judged(config.brain, settings)
        sensors = config.sensors
        latent = Latent(fields=(noise,), shape=_latent(config.brain, noise, settings))
        augment, evaluated = sensors.augment, sensors.eval_augment
        return replace(
            config,
            brain=brain,
            sensors=replace(
                sensors,
                augment=(*augment, latent),
                eval_augment=None if evaluated is None else (*evaluated, latent),
            ),
            optimizer=_phases(brain, settings, config.optimizer),
        )


def _check_blocks(brain: Brain, settings: GanSettings) -> None:
    """Raise `UnknownNameError` where the Brain has no such block."""
    names = list(brain.named)[: len(brain.nodes)]
    for role in ("generator", "discriminator"):
        name = getattr(settings, role)
        if name not in names:
            raise UnknownNameError(
                f"kid.gan.{role}: the Brain has no block '{name}'.{suggest(name, names)} Its blocks: {listed(names)}. "
                f"Give the {role} this name, or say its own: kid: {{gan: {{{role}: NAME}}}}."
            )


def _noise(brain: Brain, settings: GanSettings) -> str:
    """The input of the Brain that is noise: the first that the generator takes."""
    first = wiring(brain).edges[settings.generator][0]
    if first.source not in brain.input_names:
        raise ConfigurationError(
            f"kid.gan: the block '{settings.generator}' takes '{first}' first, and a generator takes noise, an input "
            f"of the Brain, whose inputs are {listed(brain.input_names)}. What lies before belongs into the block."
        )
    if first.source == _real(brain, settings):
        raise ConfigurationError(
            f"kid.gan: the generator and the discriminator both take '{first}' first: let the generator take noise, "
            "another input of the Brain: inputs: [noise, image]."
        )
    return first.source


def _real(brain: Brain, settings: GanSettings) -> str:
    """The field of real pictures: what the discriminator takes first, where that is an input of the Brain."""
    first = wiring(brain).edges[settings.discriminator][0].source
    return first if first in brain.input_names else settings.real


def _latent(brain: Brain, noise: str, settings: GanSettings) -> tuple[int, ...]:
    """The shape of the noise of one row."""
    if settings.latent is not None:
        return settings.latent
    return tuple(map(int, brain.input_specs[noise].row)) if noise in brain.input_specs else (64,)


def _judged(brain: Brain, settings: GanSettings) -> Brain:
    """The Brain whose discriminator sees real pictures, and a second time what the generator makes."""
    name, real, fake = settings.discriminator, _real(brain, settings), f"{settings.discriminator}_of_fake"
    others = wiring(brain).edges[name][1:]
    place, judge = list(brain.named).index(name), brain.named[name]
    told = replace(judge, inputs=(Edge(real), *others))
    return (
        replace(
            brain,
            inputs=brain.inputs if real in brain.input_names else (*brain.input_names, real),
            nodes=(*brain.nodes[:place], told, *brain.nodes[place + 1 :]),
            outputs=brain.outputs or settings.generator,
        )
        .with_blocks(
            Node(fake, replace(judge.block, name=fake), (Edge(settings.generator), *others), share=name),
            Fill(name="label_real", value=settings.smooth).on(name),
            Fill(name="label_fake", value=0.0).on(fake),
            Fill(name="label_fool", value=1.0).on(fake),
        )
        .with_loss(BinaryCrossEntropy(), name, "label_real", name="real")
        .with_loss(BinaryCrossEntropy(), fake, "label_fake", name="fake")
        .with_loss(BinaryCrossEntropy(), fake, "label_fool", name="fool")
    )


def _phases(brain: Brain, settings: GanSettings, optimizer: Optimizer) -> tuple[Phase, ...]:
    """First the discriminator moves, then the generator, for its judgement as it is by then."""
    judged = ("real", "fake")
    return (
        Phase(
            name="discriminator",
            optimizer=settings.discriminator_optimizer or optimizer,
            params=(f"{settings.discriminator}/*",),
            losses=judged,
        ),
        Phase(
            name="generator",
            optimizer=settings.generator_optimizer or optimizer,
            params=(f"{settings.generator}/*",),
            losses=tuple(
                path for path, block in brain.blocks.items() if isinstance(block, Loss) and path not in judged
            ),
            every=settings.every,
        ),
    )
