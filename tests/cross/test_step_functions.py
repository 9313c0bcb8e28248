"""A step of one's own replaces the train program of one backend; the run keeps all the rest, and can move."""

from __future__ import annotations

from pathlib import Path

import pytest

from akid_core.checkpoints import newest
from akid_core.cli.main import main
from akid_core.testing.kill import differences
from akid_core.testing.referee import difference

pytest.importorskip("torch")
pytest.importorskip("tensorflow")
pytest.importorskip("akid_datasets")

STEPS = """
def on_torch(program):
    import torch

    objective = program.objective()
    program.update(torch.autograd.grad(objective, list(program.parameters.values())))
    return objective


def on_tensorflow(program):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        objective = program.objective()
    program.update(tape.gradient(objective, list(program.parameters.values())))
    return objective
"""

YAML = """
akid: 1
plugins: [./my_steps.py]
sensors: {source: digits, batch_size: 64, augment: [shift]}
brain:
  inputs: image
  outputs: logits
  precision: float64
  blocks:
    - flatten
    - {dense: {name: hidden, units: 12}}
    - tanh
    - {dropout: {rate: 0.2}}
    - {dense: {name: logits, units: 10}}
  losses: [{softmax_cross_entropy: {inputs: [logits, label]}}]
  metrics: [{accuracy: {inputs: [logits, label]}}]
optimizer: {sgd: {learning_rate: 0.1, momentum: 0.9, clip_norm: 1.0, average: 0.9}}
practice: {steps: 24, checkpoint_every: 12}
"""
STEP = "execution.step={torch: 'my_steps:on_torch', tensorflow: 'my_steps:on_tensorflow'}"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_steps.py").write_text(STEPS)
    (tmp_path / "steps.yaml").write_text(YAML)
    return tmp_path / "steps.yaml"


@pytest.mark.parametrize("backend", ["torch", "tensorflow", "numpy"])
def test_the_plain_step_is_what_the_backend_does(
    backend: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["practice", str(config), "--backend", backend, "--run-dir"]
    assert main([*asked, "plain"]) == 0
    assert main([*asked, "mine", "--set", STEP]) == 0
    note = f"execution.step: my_steps:on_{backend} takes the place of the train program of {backend}."
    assert capsys.readouterr().err.count(note) == (backend != "numpy")
    plain, mine = (newest(Path(name) / "checkpoints") for name in ("plain", "mine"))
    assert plain is not None
    assert mine is not None
    assert mine.state["plan"]["step"] == ("" if backend == "numpy" else f"my_steps:on_{backend}")
    for kind in ("params", "slots"):
        ours, theirs = getattr(mine, kind)(), getattr(plain, kind)()
        assert max(difference(ours[name], theirs[name]) for name in theirs) < 1e-12


def test_a_run_with_steps_of_its_own_resumes_to_the_bit_and_moves(config: Path) -> None:
    asked = ["practice", str(config), "--set", STEP, "--run-dir"]
    assert main([*asked, "whole", "--backend", "torch"]) == 0
    for limit in ("12", "24"):
        assert main([*asked, "parts", "--backend", "torch", "--resume", "--max-steps", limit]) == 0
    assert differences(Path("whole"), Path("parts")) == []
    for backend, limit in (("torch", "7"), ("tensorflow", "15"), ("numpy", "24")):
        assert main([*asked, "moved", "--backend", backend, "--resume", "--max-steps", limit]) == 0
    whole, moved = (newest(Path(name) / "checkpoints") for name in ("whole", "moved"))
    assert whole is not None
    assert moved is not None
    theirs, mine = whole.params(), moved.params()
    assert max(difference(mine[name], theirs[name]) for name in theirs) < 1e-10
