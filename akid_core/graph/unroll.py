"""Unroll: a System that runs once for each step of a sequence, and what stands at its border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from akid_core.errors import UnknownNameError, suggest
from akid_core.graph.system import System
from akid_core.layers.checks import check_axis, known_size
from akid_core.layers.stack import with_axis, without
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec

Gives = Literal["steps", "last"]


@dataclass(frozen=True, kw_only=True)
class Unroll(System):
    """A System over time: `Unroll.graph(Dense(name="h", units=8).on("joined"), …, inputs="x", outputs="h", bptt=16)`.

    Inside, `h@-1` is the value of `h` one step ago. Inputs are cut along `time_axis`, and each step sees its part;
    `over` names those that are cut where not all are, and the others are the same at each step. `steps`: how many,
    where no input is cut. Outputs are stacked along the same axis, or with `gives="last"` those of the last step.
    `bptt`: gradients flow back to the last multiple of so many steps, and no further (truncated back-propagation,
    Williams and Peng, 1990). `carry`: the first step of a batch goes on from the last one of the batch before, row by
    row, from the start of an epoch on, as contiguous streams need it; else each batch begins with the initial values.
    """

    time_axis: int = 1
    over: tuple[str, ...] | None = None
    steps: int | None = None
    bptt: int | None = None
    carry: bool = False
    gives: Gives = "steps"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _counts(self.time_axis):
            raise ValueError(
                f"the time_axis of an Unroll is a whole number from 1 on, since axis 0 is the batch, got "
                f"{self.time_axis!r}: count from the front, not from the end"
            )
        if self.over is not None:
            over = (self.over,) if isinstance(self.over, str) else tuple(self.over)
            object.__setattr__(self, "over", over)
            for name in over:
                if name not in self.input_names:
                    raise UnknownNameError(
                        f"over has {name!r}, which is no input of the Unroll.{suggest(name, self.input_names)} "
                        f"Inputs: {', '.join(self.input_names)}."
                    )
        for setting in ("steps", "bptt"):
            value = getattr(self, setting)
            if value is not None and not _counts(value):
                raise ValueError(f"of an Unroll, {setting} is a number of steps of at least 1, got {value!r}")
        if self.steps is None and not self.cut:
            raise ValueError("an Unroll needs steps, their number, where no input is cut along the time axis")
        if self.gives not in get_args(Gives):
            raise ValueError(f"what an Unroll gives must be 'steps' or 'last', got {self.gives!r}")

    @property
    def cut(self) -> tuple[str, ...]:
        """The inputs that are cut along the time axis."""
        return self.input_names if self.over is None else self.over


def _counts(value: object) -> bool:
    """Whether it is a whole number from 1 on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


@dataclass(frozen=True, kw_only=True)
class Entry(Layer):
    """What one step sees of an input. It stands for that in inference; see `akid_core.graph.expand`."""

    axis: int
    cut: bool

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return without(x, check_axis(x, self.axis)) if self.cut else x


@dataclass(frozen=True, kw_only=True)
class Exit(Layer):
    """What all steps give together. Its inputs are the values of one step, then the whole inputs that are cut."""

    axis: int
    count: int
    steps: int | None
    gives: Gives

    def outputs(self, *inputs: TensorSpec) -> tuple[TensorSpec, ...]:
        steps = self.length(inputs)
        given = inputs[: self.count]
        return tuple(with_axis(x, self.axis, steps) for x in given) if self.gives == "steps" else given

    def length(self, inputs: tuple[TensorSpec, ...]) -> int:
        """The number of steps. Raises `ValueError` where the sequences differ in it, or from the setting `steps`."""
        found = {known_size(x, check_axis(x, self.axis)) for x in inputs[self.count :]}
        if len(found) > 1:
            raise ValueError(f"runs over sequences of one length, got {', '.join(map(str, sorted(found)))} steps")
        length = next(iter(found), self.steps)
        assert length is not None  # an Unroll that cuts nothing says its steps
        if self.steps not in (None, length):
            raise ValueError(
                f"steps is {self.steps}, and what is cut along axis {self.axis} has {length}: leave steps out, or give "
                "sequences as long"
            )
        return length
