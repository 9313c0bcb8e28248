"""Downloads in real processes: two at once, one that is killed, one that may not write, one on a terminal."""

from __future__ import annotations

import hashlib
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from akid_datasets.download import RemoteFile, fetch

pytestmark = pytest.mark.usefixtures("data_folder")

CONTENT = hashlib.shake_128(b"numbers").digest(400_000)

PROGRAM = """
import sys
from pathlib import Path

from akid_datasets.download import RemoteFile, fetch

name, url, digest, size, folder = sys.argv[1:6]
before = sys.argv[6] if len(sys.argv) > 6 else ""
exec(before)
print(fetch(RemoteFile(name, (url,), digest, size=int(size)), Path(folder)))
"""


def start(file: RemoteFile, folder: Path, before: str = "", **options: object) -> subprocess.Popen[str]:
    arguments = [file.name, *file.urls, file.digest, str(file.size), str(folder), before]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], text=True, **options)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for what the process does."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def test_several_at_once(server, tmp_path: Path) -> None:
    """One downloads, the others wait and use what it brought."""
    file = server.offer("numbers", CONTENT, pause=0.5)
    first = start(file, tmp_path)
    wait_for(lambda: bool(server.asked), first)
    others = [start(file, tmp_path) for _ in range(2)]
    for process in others:
        assert process.stderr.readline() == "Waiting for another process that downloads numbers.\n"
    server.files["/numbers"].pause = 0.0
    for process in (first, *others):
        assert process.communicate(timeout=60) == (f"{tmp_path / 'numbers'}\n", "")
    assert len(server.asked) == 1
    assert (tmp_path / "numbers").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_killed_process_is_continued(server, tmp_path: Path, name: str) -> None:
    file = server.offer("numbers", CONTENT, pause=0.02)
    process = start(file, tmp_path)
    data = tmp_path / ".numbers.part" / "data"
    wait_for(lambda: data.exists() and data.stat().st_size > 100_000, process)
    process.send_signal(signal.Signals[name])
    process.communicate(timeout=60)
    arrived = data.stat().st_size
    assert 100_000 < arrived < 400_000
    assert not (tmp_path / "numbers").exists()
    server.files["/numbers"].pause = 0.0
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.ranges() == ["", f"bytes={arrived}-"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".numbers.lock", "numbers"]


def test_a_limit_of_the_system(server, tmp_path: Path) -> None:
    """As a disk or quota that is full while the file is written."""
    file = server.offer("numbers", CONTENT)
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))"
    )
    _, err = start(file, tmp_path, limit).communicate(timeout=60)
    assert f"'numbers' cannot be downloaded into {tmp_path}: File too large" in err
    assert not (tmp_path / "numbers").exists()
    assert fetch(file, tmp_path).read_bytes() == CONTENT


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that may be read and not written to, by a user who is not root."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    return folder


AS_NOBODY = "import os, akid_datasets.download.network; os.getuid() or (os.setgid(65534), os.setuid(65534))"


def test_a_folder_that_may_not_be_written_to(server, closed: Path) -> None:
    if os.getuid() == 0:
        for parent in closed.parents:
            if parent.stat().st_mode & 0o777 == 0o700:  # pytest's own folders
                parent.chmod(0o755)
    file = server.offer("numbers", CONTENT)
    _, err = start(file, closed, AS_NOBODY).communicate(timeout=60)
    assert f"'numbers' cannot be downloaded into {closed}: Permission denied. AKID_DATA_DIR names another folder" in err
    assert server.asked == []
    closed.chmod(0o755)
    (closed / "numbers").write_bytes(CONTENT)
    closed.chmod(0o555)
    out, err = start(file, closed, AS_NOBODY).communicate(timeout=60)
    assert (out.strip(), err) == (str(closed / "numbers"), "")


def test_a_bar_on_a_terminal(server, tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT, pause=0.005)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = start(file, tmp_path, stderr=theirs)
    process.communicate(timeout=60)
    shown = os.read(ours, 1 << 16).decode()
    os.close(theirs)
    os.close(ours)
    assert "numbers:   0%" in shown
    assert "/400k" in shown
