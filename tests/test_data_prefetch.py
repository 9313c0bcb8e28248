"""Reading ahead: order, errors, shutdown."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from akid_core.data.prefetch import AHEAD, Prefetch, Reader


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "akid-prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert threads() == []


def failing(good: int, error: BaseException) -> Iterator[int]:
    yield from range(good)
    raise error


@pytest.mark.parametrize("reader", [Reader, Prefetch])
def test_items_come_in_order_and_then_no_more(reader: type[Reader[int]]) -> None:
    with reader(range(1000)) as items:
        assert list(items) == list(range(1000))
        assert list(items) == []


@pytest.mark.parametrize("reader", [Reader, Prefetch])
@pytest.mark.parametrize("error", [OSError("disk"), KeyboardInterrupt(), StopAsyncIteration()])
def test_errors_come_where_the_item_would(reader: type[Reader[int]], error: BaseException) -> None:
    items = reader(failing(3, error))
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(type(error)) as raised:
        next(items)
    assert raised.value is error
    assert any(entry.name == "failing" for entry in raised.traceback)
    assert list(items) == []
    items.close()


@pytest.mark.parametrize("reader", [Reader, Prefetch])
def test_closed_in_the_middle(reader: type[Reader[int]]) -> None:
    with reader(range(10**9)) as items:
        assert next(items) == 0
    items.close()
    assert list(items) == []
    assert threads() == []


def test_closed_by_an_exception_of_the_user() -> None:
    with pytest.raises(ZeroDivisionError), Prefetch(range(10**9)) as items:
        1 / next(items)
    assert threads() == []


def test_forgotten_readers_end_their_threads() -> None:
    next(Prefetch(range(10**9)))
    gc.collect()
    assert threads() == []


def test_the_thread_stays_two_ahead() -> None:
    made: list[int] = []
    with Prefetch(made.append(number) or number for number in range(100)) as items:
        for taken in range(5):
            deadline = time.monotonic() + 10
            while len(made) < taken + AHEAD and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(0.01)
            assert len(made) == taken + AHEAD
            assert next(items) == taken


def test_a_slow_user_and_a_slow_source_lose_nothing() -> None:
    def slow() -> Iterator[int]:
        for number in range(5):
            time.sleep(0.02)
            yield number

    with Prefetch(slow()) as items:
        seen = []
        for item in items:
            time.sleep(0.03)
            seen.append(item)
    assert seen == [0, 1, 2, 3, 4]


def test_waiting_is_counted() -> None:
    gate = threading.Event()

    def late() -> Iterator[int]:
        gate.wait()
        yield 1

    with Prefetch(late()) as items:
        threading.Timer(0.05, gate.set).start()
        assert next(items) == 1
        assert items.waited > 0.04
        waited = items.waited
        time.sleep(0.02)
        assert items.waited == waited


@pytest.mark.parametrize(
    "end", ["pass", "raise SystemExit(3)", "raise ValueError", "os.kill(os.getpid(), signal.SIGINT)"]
)
def test_the_interpreter_exits_with_an_open_reader(end: str) -> None:
    code = f"""
import itertools, os, signal
from akid_core.data.prefetch import Prefetch
items = Prefetch(itertools.count())
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
def late():
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    gate.wait()
    yield 1
try:
    with Prefetch(late()) as items:
        try:
            next(items)
        finally:
            gate.set()
except KeyboardInterrupt:
    raise SystemExit(130)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 130, ran.stderr
