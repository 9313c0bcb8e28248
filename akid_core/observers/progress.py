"""Progress: how far the practice is, on the console."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Never, TextIO

from tqdm import tqdm

from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.plugin_api import hookimpl


@dataclass(frozen=True, kw_only=True)
class Progress(Observer):
    """A bar where the stream is a terminal; where it is not, a line for each step at which something was measured."""

    stream: Literal["stdout", "stderr"] = "stderr"

    @cached_property
    def _display(self) -> _Display:
        stream: TextIO = getattr(sys, self.stream)
        return _Bar(stream) if stream.isatty() else _Lines(stream)

    @hookimpl
    def akid_practice_begin(self, context: Moment) -> None:
        vars(self).pop("_display", None)  # the stream may be another one by now
        self._display.begin(context)

    @hookimpl
    def akid_span_end(self, context: Moment) -> None:
        self._display.show(context)

    @hookimpl
    def akid_validate_end(self, context: Moment) -> None:
        self._display.show(context)

    @hookimpl
    def akid_checkpoint_saved(self, context: Moment) -> None:
        self._display.saved(context)

    @hookimpl
    def akid_practice_end(self, context: Moment) -> None:
        self._display.show(context)
        self._display.end()

    @hookimpl
    def akid_practice_error(self, context: Moment) -> None:
        self._display.end()


class _Display:
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def begin(self, context: Moment) -> None: ...

    def show(self, context: Moment) -> None: ...

    def saved(self, context: Moment) -> None: ...

    def end(self) -> None: ...


class _Lines(_Display):
    """All that is told of one step is one line, which is written when the next step is told of."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._place, self._values, self._words = "", dict[str, float](), list[str]()

    def begin(self, context: Moment) -> None:
        self.show(context)
        if context.step:
            self._words.append("resumed")

    def show(self, context: Moment) -> None:
        limit = f"/{context.limit}" if context.limit is not None else ""
        place = f"epoch {context.epoch}  step {context.step}{limit}"
        if place != self._place:
            self.end()
            self._place = place
        self._values |= context.scalars

    def saved(self, context: Moment) -> None:
        self.show(context)
        self._words.append("saved")

    def end(self) -> None:
        if self._values or self._words:
            split_first = sorted(self._values.items(), key=lambda item: "/" not in item[0])
            figures = [_figures(dict(split_first))] if split_first else []
            print("  ".join([self._place, *figures, *self._words]), file=self.stream, flush=True)
            self._values, self._words = {}, []


_FORMAT = "{desc} {percentage:3.0f}%|{bar:12}| {n_fmt}/{total_fmt} {rate_fmt} {remaining}{postfix}"


class _Bar(_Display):
    _bar: tqdm[Never] | None = None

    def begin(self, context: Moment) -> None:
        self._splits: dict[str, dict[str, float]] = {}
        self._bar = tqdm(
            total=context.limit,
            initial=context.step,
            unit="step",
            file=self.stream,
            dynamic_ncols=True,
            bar_format=_FORMAT if context.limit else None,
        )

    def show(self, context: Moment) -> None:
        assert self._bar is not None, "a session begins with akid_practice_begin"
        for name, value in context.scalars.items():
            split, slash, figure = name.partition("/")
            if slash and split != "test":  # the test comes last, and is printed by itself
                self._splits.setdefault(split, {})[figure] = value
        shown = "  ".join(f"{split} {_figures(values, 3, ' ')}" for split, values in self._splits.items())
        self._bar.set_postfix_str(shown, refresh=False)
        self._bar.set_description_str(f"epoch {context.epoch}", refresh=False)
        self._bar.update(context.step - self._bar.n)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.refresh()
            self._bar.close()


def _figures(values: Mapping[str, float], digits: int = 4, between: str = "  ") -> str:
    return between.join(
        f"{name} {value:.0f}" if abs(value) >= 1000 else f"{name} {value:.{digits}g}" for name, value in values.items()
    )
