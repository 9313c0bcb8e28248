"""Observer: a component that listens to a run's life cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from akid_core.specs.names import snake_case


@dataclass(frozen=True, kw_only=True)
class Observer:
    """What shows the inside of a run. The fields are its configuration; the methods it needs are life-cycle hooks.

    Mark a method with `akid_core.plugin_api.hookimpl` and name it after the hook; each takes one `Moment`::

        @dataclass(frozen=True, kw_only=True)
        class Diary(Observer):
            every: int = 100

            def next_look(self, step):
                return (step // self.every + 1) * self.every

            @hookimpl
            def akid_span_end(self, context):
                if context.step % self.every == 0:
                    print(context.step, context.kid.network["conv1/weight"].std())

    The order of hooks: `akid_practice_begin`; `akid_span_end`, `akid_epoch_end`, `akid_validate_end` and
    `akid_checkpoint_saved` again and again; at last `akid_practice_end` or `akid_practice_error`.
    """

    @classmethod
    def component(cls) -> str:
        """The name of this class in YAML and in the registry."""
        return snake_case(cls.__name__)

    def next_look(self, step: int) -> int | None:
        """After `step` finished steps, the number of steps at which a span must end next because of this observer.

        A pure function; greater than `step`, or None where it takes the spans as they come.
        """
        return None

    def state(self) -> Any:
        """What it remembers, as JSON can hold it; saved in every checkpoint, before `akid_checkpoint_saved`.

        None where it remembers nothing.
        """
        return None

    def restore(self, data: Any) -> None:
        """Take over what `state` gave, before `akid_practice_begin` of a resumed run; not called where it gave None."""
