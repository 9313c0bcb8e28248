"""Reading ahead in threads: order, back-pressure, errors, shutdown."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.data.prefetch import Prefetch, Reader
from akid_core.data.reading import Reading


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "akid-prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert threads() == []


def same(item: Any) -> Any:
    return item


def on_demand(items: Any) -> Reader[Any]:
    return Reader(items)


def one(items: Any) -> Reader[Any]:
    return Prefetch(same, items)


def three(items: Any) -> Reader[Any]:
    return Prefetch(same, items, threads=3)


Make = Callable[[Any], Reader[Any]]
every = pytest.mark.parametrize("reader", [on_demand, one, three])


def failing(good: int, error: BaseException) -> Iterator[int]:
    yield from range(good)
    raise error


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.001)


@every
def test_items_come_in_order_and_then_no_more(reader: Make) -> None:
    with reader(range(1000)) as items:
        assert list(items) == list(range(1000))
        assert list(items) == []


@settings(deadline=None, max_examples=25)
@given(
    count=st.integers(0, 40),
    threads=st.integers(1, 5),
    ahead=st.integers(0, 4),
    fails=st.none() | st.integers(0, 45),
    seed=st.integers(0, 100),
)
def test_the_order_does_not_depend_on_how_long_items_take(
    count: int, threads: int, ahead: int, fails: int | None, seed: int
) -> None:
    chance = random.Random(seed)
    seconds = [chance.choice([0.0, 0.0, 0.001]) for _ in range(count)]

    def make(number: int) -> int:
        time.sleep(seconds[number])
        if number == fails:
            raise OSError(number)
        return number * number

    good = count if fails is None else min(fails, count)
    with Prefetch(make, range(count), threads=threads, ahead=ahead) as items:
        assert [next(items) for _ in range(good)] == [number * number for number in range(good)]
        if good < count:
            with pytest.raises(OSError, match=str(fails)):
                next(items)
        assert list(items) == []


@every
@pytest.mark.parametrize("error", [OSError("disk"), KeyboardInterrupt(), StopAsyncIteration()])
def test_errors_come_where_the_item_would(reader: Make, error: BaseException) -> None:
    items = reader(failing(3, error))
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(type(error)) as raised:
        next(items)
    assert raised.value is error
    assert any(entry.name == "failing" for entry in raised.traceback)
    assert list(items) == []
    items.close()


def test_an_error_of_making_comes_after_slower_items_before_it() -> None:
    def make(number: int) -> int:
        if number == 2:
            raise LookupError(number)
        time.sleep(0.03)
        return number

    with Prefetch(make, range(10), threads=3) as items:
        assert [next(items), next(items)] == [0, 1]
        with pytest.raises(LookupError):
            next(items)


def test_a_stray_stop_iteration_is_no_end() -> None:
    with (
        Prefetch(lambda number: next(iter(())), range(3)) as items,
        pytest.raises(RuntimeError, match="StopIteration"),
    ):
        next(items)


@every
def test_closed_in_the_middle(reader: Make) -> None:
    with reader(range(10**9)) as items:
        assert next(items) == 0
    items.close()
    assert list(items) == []
    assert threads() == []


@pytest.mark.parametrize("reader", [one, three])
def test_closed_by_an_exception_of_the_user(reader: Make) -> None:
    with pytest.raises(ZeroDivisionError), reader(range(10**9)) as items:
        1 / next(items)
    assert threads() == []


@pytest.mark.parametrize("reader", [one, three])
def test_forgotten_readers_end_their_threads(reader: Make) -> None:
    next(reader(range(10**9)))
    gc.collect()
    assert threads() == []


def test_forgotten_in_a_cycle_that_its_own_threads_collect() -> None:
    for _ in range(20):
        knot: list[Any] = [Prefetch(lambda _: gc.collect() and None, range(10**9), threads=3)]
        next(knot[0])
        knot.append(knot)
        del knot
    until(lambda: gc.collect() >= 0 and not threads())  # it does nothing while another thread collects
    assert threads() == []


@pytest.mark.parametrize(("count", "ahead"), [(1, 2), (1, 0), (3, 1), (2, 5)])
def test_at_most_so_many_are_made_ahead(count: int, ahead: int) -> None:
    made: list[int] = []
    with Prefetch(lambda number: made.append(number) or number, range(100), threads=count, ahead=ahead) as items:
        for taken in range(5):
            until(lambda taken=taken: len(made) >= taken + count + ahead)
            time.sleep(0.01)
            assert sorted(made) == list(range(taken + count + ahead))
            assert next(items) == taken


def test_as_many_threads_make_items_at_once() -> None:
    meeting = threading.Barrier(3, timeout=30)
    with Prefetch(lambda number: meeting.wait() >= 0, range(9), threads=3) as items:
        assert list(items) == [True] * 9


def test_a_slow_user_and_a_slow_source_lose_nothing() -> None:
    def slow() -> Iterator[int]:
        for number in range(5):
            time.sleep(0.02)
            yield number

    with Prefetch(same, slow(), threads=2) as items:
        seen = []
        for item in items:
            time.sleep(0.03)
            seen.append(item)
    assert seen == [0, 1, 2, 3, 4]


def test_waiting_is_counted() -> None:
    gate = threading.Event()

    with Prefetch(lambda _: gate.wait(), [1]) as items:
        threading.Timer(0.05, gate.set).start()
        assert next(items)
        assert items.waited > 0.04
        waited = items.waited
        time.sleep(0.02)
        assert items.waited == waited


def test_a_forked_child_leaves_the_threads_alone() -> None:
    with Prefetch(same, range(10**9)) as items:
        assert next(items) == 0
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with items._lane._changed:
                held.set()
                done.wait()

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait()
        child = os.fork()
        if not child:
            items.close()
            os._exit(7)
        done.set()
        holder.join()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert next(items) == 1


@pytest.mark.parametrize(
    "end", ["pass", "raise SystemExit(3)", "raise ValueError", "os.kill(os.getpid(), signal.SIGINT)"]
)
def test_the_interpreter_exits_with_an_open_reader(end: str) -> None:
    code = f"""
import itertools, os, signal
from akid_core.data.prefetch import Prefetch
items = Prefetch(lambda item: item, itertools.count(), threads=2)
assert next(items) == 0
{end}
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == {"pass": 0, "raise SystemExit(3)": 3, "raise ValueError": 1}.get(end, -2), ran.stderr


def test_ctrl_c_reaches_a_user_who_waits() -> None:
    code = """
import os, signal, threading
from akid_core.data.prefetch import Prefetch
gate = threading.Event()
def late(item):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    gate.wait()
try:
    with Prefetch(late, [1]) as items:
        try:
            next(items)
        finally:
            gate.set()
except KeyboardInterrupt:
    raise SystemExit(130)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 130, ran.stderr


def test_who_reads_where_nothing_is_said() -> None:
    def count(reading: Reading, *, in_memory: bool = False, one_by_one: bool = False, copied: bool = False) -> int:
        return reading.threads_for(in_memory=in_memory, one_by_one=one_by_one, copied=copied)

    rule = Reading()
    assert count(rule, in_memory=True, copied=True) == 0
    assert count(rule, in_memory=True) == 1
    assert count(rule, one_by_one=True) == 1
    assert 1 <= count(rule) <= 4
    for threads in (0, 1, 7):
        assert {
            count(Reading(threads=threads)),
            count(Reading(threads=threads), in_memory=True, copied=True),
        } == {threads}
        assert count(Reading(threads=threads), one_by_one=True) == min(1, threads)


@pytest.mark.parametrize("wrong", [{"threads": -1}, {"processes": -1}, {"ahead": -1}, {"threads": 1, "processes": 1}])
def test_settings_of_reading_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Reading(**wrong)


def test_whoever_breaks_off_does_not_wait_for_what_hangs() -> None:
    released = threading.Event()

    def hang(number: int) -> int:
        released.wait()
        return number

    def broken_off() -> None:
        with pytest.raises(KeyboardInterrupt), Prefetch(hang, range(3), threads=2):
            raise KeyboardInterrupt

    breaking = threading.Thread(target=broken_off)
    breaking.start()
    breaking.join(20)
    ended = not breaking.is_alive()
    released.set()
    breaking.join()
    assert ended
