"""Distill: a Kid that learns from a Brain that has learnt before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from akid_core.errors import ConfigurationError, UnknownNameError, suggest
from akid_core.graph.brain import Brain
from akid_core.graph.lookup import listed
from akid_core.graph.node import Node
from akid_core.graph.system import System
from akid_core.graph.wiring import wiring
from akid_core.layers.losses.distillation import Distillation
from akid_core.specs.layer import Loss
from akid_core.training.config import KidConfig, Start
from akid_core.training.description import read_description
from akid_core.training.directory import CONFIG
from akid_core.training.kid import Kid

TEACHER, SOFT = "teacher", "soft"
"""What the block of the teacher and the loss of its scores are called."""


@dataclass(frozen=True, kw_only=True)
class DistillSettings:
    """`teacher`: a run directory, whose best weights are taken, or a file of weights, which then needs `brain`.

    `brain`: the teacher's; by default that of the run, and so it is written with this run, which then needs the
    teacher's no more. `temperature`: at which both are compared. `share`: of the teacher in what is minimised; the
    Brain's own losses have the rest. `logits`: which value of the Brain is compared, by default its first output.
    `teacher_logits`: the same of the teacher.
    """

    teacher: Path
    brain: Brain | None = None
    temperature: float = 4.0
    share: float = 0.9
    logits: str | None = None
    teacher_logits: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "teacher", Path(self.teacher))
        if not 0 < self.share <= 1:
            raise ValueError(f"share is the part of the teacher, above 0 and at most 1, got {self.share}")
        Distillation(temperature=self.temperature)


class Distill(Kid):
    """Trains a Brain, the student, to score as a teacher does that has learnt before, beside its own losses.

    The teacher is a block of the Brain that evaluates also while the student trains, and stays as it is. It takes
    inputs of the Brain that are called like its own. What is minimised is `share` times the loss `soft`, see
    `Distillation`, and 1 - `share` times the losses of the Brain, which may have none: then no labels are needed.

    The teacher's parameters are in every checkpoint, so that a run goes on exactly where the teacher's directory is no
    more; `predict` computes the student alone, and what is exported holds no more.

    Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015.
    """

    Settings: ClassVar[type] = DistillSettings

    def compose(self, config: KidConfig) -> KidConfig:
        settings: DistillSettings = self.settings
        settled = replace(settings, brain=settings.brain or _of_run(settings.teacher))
        teacher = _teacher(settled, config.brain)
        brain = config.brain.with_blocks(teacher)
        student = settings.logits or str(wiring(brain).outputs[0])
        soft = Distillation(name=SOFT, temperature=settings.temperature, weight=settings.share)
        everything = (f"{TEACHER}/*",)
        practice = replace(
            config.practice,
            freeze=config.practice.freeze + everything,
            start=(
                *config.practice.starts,
                Start(path=settings.teacher, params=everything, names={TEACHER: ""}, complete=True),
            ),
        )
        return replace(
            config,
            brain=replace(brain, losses=_lessened(brain.losses, 1 - settings.share)).with_loss(soft, student, TEACHER),
            practice=practice,
            kid=replace(config.kid, settings=settled),
        )


def _of_run(teacher: Path) -> Brain:
    """The Brain that a run practises, as its own learner composes it."""
    if not (teacher / CONFIG).is_file():
        raise ConfigurationError(
            f"kid.distill.teacher: {teacher} is no run directory: it has no {CONFIG}. Practise the teacher first, "
            f"with --run-dir {teacher}, name the directory where it has, or give a file of weights and its `brain`. "
            "A run that has begun goes on without it by its own description: akid practice RUN_DIR/config.yaml "
            "--run-dir RUN_DIR --resume."
        )
    return Kid.from_config(*read_description(str(teacher / CONFIG), prediction=True)).config.brain


def _teacher(settings: DistillSettings, student: Brain) -> Node:
    """The teacher as a block that evaluates, in a Brain with the student."""
    assert settings.brain is not None
    teacher = settings.brain
    for name in teacher.input_names:
        if name not in student.input_names:
            raise UnknownNameError(
                f"kid.distill.teacher: the teacher takes '{name}', and the Brain does not."
                f"{suggest(name, student.input_names)} Its inputs: {listed(student.input_names)}. Call the Brain's "
                "input as the teacher's, or add it: what the outputs do not need, `predict` does not ask for."
            )
    gives = settings.teacher_logits or str(wiring(teacher).outputs[0])
    plain = System(nodes=_unmeasured(teacher), inputs=teacher.inputs, outputs=gives, name=TEACHER, evaluating=True)
    return plain.on(*teacher.input_names)


def _unmeasured(system: System) -> tuple[Node, ...]:
    """The nodes of a System, Brains among them without their losses and metrics."""
    nodes = []
    for node in system.nodes:
        block = node.block
        if isinstance(block, System):
            block = replace(block, nodes=_unmeasured(block))
        if isinstance(block, Brain):
            block = System(name=block.name, nodes=block.nodes, inputs=block.inputs, outputs=block.outputs)
        nodes.append(replace(node, block=block))
    return tuple(nodes)


def _lessened(losses: tuple[Node, ...], part: float) -> tuple[Node, ...]:
    """Losses that count for a part of what they did."""
    return tuple(
        replace(node, block=replace(node.block, weight=node.block.weight * part))
        for node in losses
        if isinstance(node.block, Loss)
    )
