"""How much of the time a search spends outside its trials, and what kills cost it.

Run it with `python bench/tuning.py [--trials N] [--epochs N] [--slots N] [--backend B]` on a quiet machine: a random
search over the recipe `digits`. The time of a trial runs from the start of its process to its exit; wasted is the share
of (slots x wall time of the whole `akid tune`) that no trial fills. The goal is 15% with 40 trials on 2 cores.

`--kills N` prints the transcript of a search whose tuner or one of whose trials is ended by SIGKILL N times at random
instants, and compares it with an undisturbed one: which trials ended, how often, and with which values.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

SPACE = """\
akid: 1
objective: {{metric: accuracy, mode: max}}
search: random
points: {points}
space:
  optimizer.learning_rate: {{log: [1e-3, 3e-2]}}
  sensors.batch_size: [32, 64, 128]
  brain.blocks.conv3.channels: {{integer: [16, 64], step: 16}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="of the instants of the kills")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "space.yaml").write_text(SPACE.format(points=options.trials))
        if options.kills:
            kills(folder, options)
        else:
            waste(folder, options)


def waste(folder: Path, options: argparse.Namespace) -> None:
    begun = time.perf_counter()
    subprocess.run(command(folder / "whole", options), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - begun
    seconds = [trial["seconds"] for trial in trials(folder / "whole").values()]
    share = 1 - sum(seconds) / (options.slots * wall)
    mean = sum(seconds) / len(seconds)
    print(
        f"{len(seconds)} trials of digits on {options.backend}, {options.epochs} epochs each, {options.slots} at once,"
    )
    print(f"  {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}: {wall:.1f} s, {mean:.2f} s a trial;")
    print(f"  wasted {share:.1%} (goal: at most 15%)")


def kills(folder: Path, options: argparse.Namespace) -> None:
    chance, killed, arguments = random.Random(options.seed), 0, command(folder / "killed", options)
    last = ""
    while True:
        say(f"$ akid {' '.join(arguments[3:])}")
        tuner = subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert tuner.stdout is not None
        reader = threading.Thread(target=lambda stream=tuner.stdout: [say(line.rstrip()) for line in stream])
        reader.start()
        while tuner.poll() is None and killed < options.kills:
            time.sleep(chance.uniform(2, 8))
            # One that is killed again and again before it gets any further has failed, and rightly.
            victims = [victim for victim in running(folder / "killed") if victim[0] != last]
            if tuner.poll() is None and victims and chance.random() < 0.5:
                last, process = chance.choice(victims)
                say(f"--- kill -9 of the trial {last}")
                os.kill(process, signal.SIGKILL)
                killed += 1
            elif tuner.poll() is None:
                say("--- kill -9 of the tuner")
                tuner.kill()
                tuner.wait()
                killed += 1
        code = tuner.wait()
        reader.join()
        if code == 0:
            break
        if "--resume" not in arguments:
            arguments += ["--resume"]
    subprocess.run(command(folder / "whole", options), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    records = [json.loads(line) for line in (folder / "killed/journal.jsonl").read_text().splitlines()]
    ended = [record["point"] for record in records if record["record"] == "ended"]
    values, others = ({key: (t["value"], t["val"], t["test"]) for key, t in trials(folder / name).items()}
                      for name in ("killed", "whole"))  # fmt: skip
    once, equal = len(set(ended)), sum(values[key] == others[key] for key in others)
    print(f"{killed} kills; of {options.trials} trials {once} ended, {len(ended) - once} of them more than once;")
    print(f"  {equal} have the figures of the undisturbed search to the bit")


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def running(directory: Path) -> list[tuple[str, int]]:
    """The trials whose processes live, with their numbers."""
    found = []
    for path in sorted(directory.glob("trials/*/.tune-lock")):
        text = path.read_text()
        if (
            text
            and Path(f"/proc/{text}/cmdline").exists()
            and str(path.parent).encode() in Path(f"/proc/{text}/cmdline").read_bytes()
        ):
            found.append((path.parent.name, int(text)))
    return found


def trials(directory: Path) -> dict[tuple[int, int], dict[str, Any]]:
    """What the search says of its trials, by point and repeat."""
    results = json.loads((directory / "results.json").read_text())
    return {(point["point"], trial["repeat"]): trial for point in results["points"] for trial in point["trials"]}


def command(directory: Path, options: argparse.Namespace) -> list[str]:
    program = [sys.executable, "-m", "akid_core", "tune", "digits", "--space", "space.yaml", "--dir", str(directory)]
    changes = [f"practice.epochs={options.epochs}", f"backend={options.backend}"]
    return [*program, *(part for change in changes for part in ("--set", change)), "--slots", str(options.slots)]


if __name__ == "__main__":
    main()
