"""Intervals and spans: a span ends at the nearest look, and never differs for having been interrupted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akid_core.training.interval import bundle_looks, check_every, in_steps, looks, spans


@pytest.mark.parametrize(("every", "steps"), [(7, 7), ("epoch", 10), ("3 epochs", 30), ("never", None)])
def test_intervals_in_steps(every: int | str, steps: int | None) -> None:
    check_every("log_every", every)
    assert in_steps(every, steps_per_epoch=10) == steps


@pytest.mark.parametrize("every", [0, -1, True, "0 epochs", "two epochs", "5", 1.5])
def test_wrong_intervals(every: object) -> None:
    with pytest.raises(ValueError, match="log_every must be"):
        check_every("log_every", every)  # type: ignore[arg-type]


def _uniform(step: int, count: int) -> int:
    """Epochs of 10 steps, the last of each short."""
    return 1 if step % 10 == 9 else min(count, 9 - step % 10)


def test_spans_by_hand() -> None:
    watchers = [bundle_looks(4, 10), looks(7)]
    assert list(spans(0, 16, watchers, _uniform)) == [(0, 4), (4, 3), (7, 1), (8, 1), (9, 1), (10, 4), (14, 2)]


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 40))
def test_spans_cover_every_step_once_and_do_not_depend_on_where_they_begin(bundle: int, every: int, stop: int) -> None:
    watchers = [bundle_looks(bundle, 10), looks(every)]
    whole = list(spans(0, stop, watchers, _uniform))
    assert [first + i for first, count in whole for i in range(count)] == list(range(stop))
    for first, _ in whole:
        assert list(spans(first, stop, watchers, _uniform)) == [span for span in whole if span[0] >= first]
