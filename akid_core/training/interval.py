"""Intervals: how often something looks, in steps or in epochs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

Every = int | str
"""A number of steps, or text: `"epoch"`, `"3 epochs"`, `"never"`."""

NextLook = Callable[[int], int | None]
"""From a number of finished steps to the next number at which something looks; None for never. Pure."""

_EPOCHS = re.compile(r"(?:(\d+) )?epochs?")


def check_every(name: str, every: Every) -> None:
    """Raise `ValueError` unless `every` is an interval."""
    if isinstance(every, int) and not isinstance(every, bool) and every >= 1:
        return
    if isinstance(every, str) and (every == "never" or ((match := _EPOCHS.fullmatch(every)) and match[1] != "0")):
        return
    raise ValueError(f"{name} must be a number of steps, 'epoch', 'N epochs' or 'never', got {every!r}")


def in_steps(every: Every, steps_per_epoch: int) -> int | None:
    """The interval as a number of steps; None for never."""
    if isinstance(every, int):
        return every
    match = _EPOCHS.fullmatch(every)
    return int(match[1] or 1) * steps_per_epoch if match else None


def looks(every: int | None) -> NextLook:
    """Look at each multiple of `every` steps."""
    return lambda step: None if every is None else (step // every + 1) * every


def bundle_looks(bundle: int, steps_per_epoch: int) -> NextLook:
    """End a span at each multiple of `bundle` within an epoch, and at its end.

    Aligned, so that a run that was interrupted between two looks goes on with the same spans.
    """

    def next_look(step: int) -> int:
        epoch, index = divmod(step, steps_per_epoch)
        return epoch * steps_per_epoch + min((index // bundle + 1) * bundle, steps_per_epoch)

    return next_look


def spans(
    start: int, stop: int, watchers: Iterable[NextLook], uniform: Callable[[int, int], int]
) -> Iterator[tuple[int, int]]:
    """(first step, number of steps) of each span from `start` to `stop`; a span ends at the nearest look.

    `uniform(step, count)` says how many of the next `count` steps have batches of equal size.
    """
    watchers = tuple(watchers)
    step = start
    while step < stop:
        ends = (look for watcher in watchers if (look := watcher(step)) is not None)
        count = uniform(step, min([stop, *ends]) - step)
        yield step, count
        step += count
