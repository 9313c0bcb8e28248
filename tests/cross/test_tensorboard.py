"""TensorBoard beside the frameworks: nothing pulls TensorFlow in where it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

PRACTISE = """
import json, sys
import akid_core as akid
from akid_core import layers as L

kid = akid.Kid(
    brain=akid.Brain.sequential(
        L.Flatten(), L.Dense(units=10, name="logits"), inputs="image", outputs="logits"
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label").with_metric(L.Accuracy(), "logits", "label"),
    sensors=akid.sensors("digits", batch_size=64),
    optimizer=akid.SGD(learning_rate=0.1),
    practice=akid.Practice(steps=60, log_every=5, checkpoint_every=10, validate_every="never"),
    observers=akid_observers,
    backend="torch",
)
kid.practice(run_dir="run", resume=True, max_steps=int(sys.argv[1]))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
OBSERVER = """
from akid_core.plugins import default_manager

akid_observers = [default_manager().registry.get("observer", "tensorboard")()]
"""


def loaded(code: str, directory: Path, *arguments: str) -> set[str]:
    """The modules that are loaded after running the code in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_torch_run_with_tensorboard_stays_without_tensorflow(tmp_path: Path) -> None:
    modules = loaded(OBSERVER + PRACTISE, tmp_path, "20")
    assert {"torch", "tensorboard"} <= modules
    assert not modules & {"tensorflow", "keras", "matplotlib"}
    assert "torch" in loaded(OBSERVER + PRACTISE, tmp_path, "35")
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [point.step for point in events.Scalars("train/loss")] == [5, 10, 15, 20, 25, 30, 35]
    tags = set(events.Tags()["scalars"])
    assert {
        "train/loss",
        "train/accuracy",
        "learning_rate",
        "examples_per_second",
        "data_wait",
        "test/accuracy",
    } <= tags


def test_the_usual_writer_would_import_it(tmp_path: Path) -> None:
    """The reason for writing records ourselves; where this fails the detour is no longer needed."""
    code = """
import json, sys
from tensorboard.summary.writer.event_file_writer import EventFileWriter
EventFileWriter(".").close()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    assert "tensorflow" in loaded(code, tmp_path)
