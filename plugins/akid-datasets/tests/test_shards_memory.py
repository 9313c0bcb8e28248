"""Shards ten times larger than the memory that may be used are read, and resumed after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .shard_files import npy, write_tar

ROWS, SHARDS, WIDTH = 300, 10, 100_000
"""Rows of a shard, shards, and bytes of a row: 300 MB."""

READER = """
import hashlib, re, resource, sys
from pathlib import Path
import numpy as np
from akid_core.data import Reading, Sensor, Windowed
from akid_datasets.shards.member import Member
from akid_datasets.sources.shards import Shards

pattern, start, extra = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) << 20
used = int(re.search(r"VmData:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + extra, used + extra))
try:
    np.ones(2 * extra, np.uint8)
    sys.exit("the limit does not hold")
except MemoryError:
    pass
source = Shards(train=pattern, fields={"x": "npy", "label": "cls"})
sensor = Sensor(
    source, batch_size=16, sampler=Windowed(block=32, blocks=4), seed=7, reading=Reading(threads=1, ahead=1)
)
steps = sensor.steps_per_epoch + 10
with sensor.spans((step, 1) for step in range(start, steps)) as spans:
    for span in spans:
        values = hashlib.blake2b(np.ascontiguousarray(span.fields["x"]), digest_size=8).hexdigest()
        assert span.fields["label"].tolist() == span.rows.tolist()
        print(span.first_step, values, *span.rows[0], flush=True)
"""


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("shards")
    noise = np.random.default_rng(0).integers(0, 256, 2 * WIDTH, np.uint8)
    for shard in range(SHARDS):
        rows = range(shard * ROWS, (shard + 1) * ROWS)
        write_tar(
            folder / f"{shard}.tar",
            (
                member
                for row in rows
                for member in ((f"{row}.npy", npy(noise[row : row + WIDTH])), (f"{row}.cls", str(row).encode()))
            ),
        )
    return f"{folder}/{{0..{SHARDS - 1}}}.tar"


def reader(shards: str, start: int, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "AKID_DATA_DIR": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", READER, shards, str(start), "30"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits of Linux")
def test_reading_within_a_tenth_and_resuming_after_a_kill(shards: str, tmp_path: Path) -> None:
    whole = reader(shards, 0, tmp_path)
    lines, _ = whole.communicate()
    assert whole.returncode == 0
    steps = lines.splitlines()
    assert len(steps) == 188 + 10
    rows = [int(row) for line in steps[:188] for row in line.split()[2:]]
    assert sorted(rows) == list(range(ROWS * SHARDS))

    killed = reader(shards, 0, tmp_path)
    assert killed.stdout is not None
    seen = [killed.stdout.readline().strip() for _ in range(140)]
    killed.kill()
    killed.communicate()
    resumed, _ = reader(shards, 140, tmp_path).communicate()
    assert seen + resumed.splitlines() == steps
