"""Whole programs that read ahead in processes: these end with them, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import multiprocessing, os, signal, sys, time
import reading_kit as kit

def main():
    spans = kit.sensor({settings}).spans(kit.steps())
    next(spans)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    {end}

if __name__ == "__main__":
    main()
"""


def started(folder: Path, end: str, settings: str = "", script: str = SCRIPT) -> subprocess.Popen[str]:
    """A program with an open reader, in a session of its own, that has printed the ids of its workers."""
    path = folder / "script.py"
    path.write_text(script.format(end=end, settings=settings))
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
    )


def gone(identifiers: list[str]) -> bool:
    return not any(running(identifier) for identifier in identifiers)


def running(identifier: str) -> bool:
    try:
        return Path(f"/proc/{identifier}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGINT)", -2),
        ("globals().update(kept=spans)", 0),
        ("os._exit(4)", 4),
    ],
)
def test_the_interpreter_exits_with_an_open_reader(kit: Any, folder: Path, end: str, code: int) -> None:
    with started(folder, end) as program:
        out, errors = program.communicate(timeout=60)
    assert program.returncode == code, errors
    assert len(out.split()) == 1
    kit.until(lambda: gone(out.split()))
    assert gone(out.split())
    assert [line for line in errors.splitlines() if "Error" in line or "resource_tracker" in line] == []


@pytest.mark.parametrize("settings", ["", "what='sleep', at=9"])
def test_processes_end_when_their_parent_is_killed(kit: Any, folder: Path, settings: str) -> None:
    with started(folder, "time.sleep(1000)", settings) as program:
        identifiers = program.stdout.readline().split()
        assert len(identifiers) == 1
        program.kill()
    kit.until(lambda: gone(identifiers))
    assert gone(identifiers)


def test_signals_to_all_processes_are_for_the_first_one(folder: Path) -> None:
    end = """
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    print("ready", flush=True)
    sys.stdin.readline()
    first = [next(spans).first_step for _ in range(50)]
    spans.close()
    print(first == list(range(1, 51)), flush=True)
"""
    path = folder / "script.py"
    path.write_text(SCRIPT.format(end=end, settings="processes=2"))
    with subprocess.Popen(
        [sys.executable, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
    ) as program:
        assert len(program.stdout.readline().split()) == 2
        assert program.stdout.readline() == "ready\n"
        for number in (signal.SIGINT, signal.SIGTERM):
            os.killpg(program.pid, number)
        out, errors = program.communicate("go on\n", timeout=60)
    assert (out, errors, program.returncode) == ("True\n", "", 0)


def test_ctrl_c_in_a_terminal_ends_a_program_that_waits_for_its_processes(folder: Path) -> None:
    with started(folder, "list(spans)", "what='sleep', at=30") as program:
        identifiers = program.stdout.readline().split()
        time.sleep(0.1)
        os.killpg(program.pid, signal.SIGINT)
        _, errors = program.communicate(timeout=60)
    assert program.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert gone(identifiers)


def test_a_reader_in_a_process_of_multiprocessing(folder: Path) -> None:
    script = SCRIPT.replace(
        "    main()",
        "    child = multiprocessing.get_context('spawn').Process(target=main)\n"
        "    child.start(); child.join(); sys.exit(child.exitcode)",
    )
    with started(folder, "globals().update(kept=spans)", script=script) as program:
        out, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (0, "")
    assert gone(out.split())


def test_a_script_without_a_guard_is_told(folder: Path) -> None:
    script = "import reading_kit as kit\nwith kit.sensor(processes=1).batches() as batches:\n    next(batches)\n"
    with started(folder, "", script=script) as program:
        _, errors = program.communicate(timeout=60)
    assert program.returncode == 1
    assert "ConfigurationError: A process that should read ahead ended with exit code 1 before" in errors
    assert "under `if __name__ ==" in errors.splitlines()[-1]
