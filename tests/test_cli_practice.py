"""`akid practice` and the commands for what it leaves: what they print, where, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from akid_core.training.kid import Kid
from akid_core.training.result import Interrupted

RESULT = ["status", "step", "epoch", "train", "val", "test", "checkpoint", "seconds"]


# --- what is printed ---


def test_lines_for_people(toy) -> None:
    said = toy.practice("run")
    first, *looks, ended, heading, train, val, test = said.out.splitlines()
    assert first == f"{toy.yaml}: 12 steps on numpy (cpu); run directory {toy.folder}/run"
    # looks: the log every third step, a checkpoint every second, validation at the end of each epoch of 4 steps
    assert [line.split()[:4] for line in looks] == [
        ["epoch", str(step // 4), "step", f"{step}/12"] for step in (2, 3, 4, 6, 8, 9, 10, 12)
    ]
    assert looks[0].endswith("  step 2/12  saved")
    assert "train/loss" in looks[1]
    assert "val/accuracy" in looks[2]
    assert all(name in looks[-1] for name in ("train/loss", "val/loss", "test/loss", "learning_rate 0.05", "saved"))
    assert ended.startswith("done after 3 epochs (12 steps) in ")
    assert heading.split() == ["split", "loss", "accuracy"]
    assert [line.split()[0] for line in (train, val, test)] == ["train", "val", "test"]
    assert said.err == ""


def test_json_alone_is_on_standard_output(toy) -> None:
    said = toy.practice("run", "--json")
    (line,) = said.out.splitlines()
    result = json.loads(line)
    assert list(result) == RESULT
    assert (said.code, result["status"], result["step"], result["epoch"]) == (0, "done", 12, 3)
    assert [list(result[split]) for split in ("train", "val", "test")] == [["loss", "accuracy"]] * 3
    assert result["checkpoint"] == f"{toy.folder}/run/checkpoints/step-12"
    assert result["seconds"] > 0
    assert "epoch 3  step 12/12" in said.err


def test_a_progress_that_the_description_lists_goes_to_the_same_stream(toy) -> None:
    toy.describe("practice:", "observers: [{progress: {stream: stdout}}]\npractice:")
    said = toy.practice("run", "--json")
    assert len(said.out.splitlines()) == 1
    assert said.err.count("epoch 3  step 12/12") == 1


@pytest.mark.parametrize(("name", "status", "code"), [("SIGTERM", "preempted", 143), ("SIGINT", "interrupted", 130)])
def test_json_of_an_interrupted_run(name: str, status: str, code: int, toy) -> None:
    said = toy.practice("run", "--json", "--set", f"observers=[{{sender: {{step: 6, name: {name}}}}}]")
    assert said.code == code
    assert list(said.json) == RESULT
    assert (said.json["status"], said.json["step"], said.json["epoch"]) == (status, 6, 1)
    assert Path(said.json["checkpoint"]).name == "step-6"
    assert list(said.json["train"]) == list(said.json["val"]) == ["loss", "accuracy"]
    assert said.json["test"] == {}


def test_a_second_ctrl_c_ends_at_once(toy) -> None:
    said = toy.practice("run", "--json", "--set", "observers=[{sender: {step: 3, name: SIGINT, times: 2}}]")
    assert said.code == 130
    assert said.err.splitlines()[-1] == "akid: interrupted"
    assert (said.json["status"], said.json["error"], said.json["step"]) == ("failed", "KeyboardInterrupt", 3)
    assert said.json["exit_code"] == said.code
    assert Path(said.json["checkpoint"]).name == "step-2"
    assert toy.practice("run", "--resume").code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_handlers_of_signals_are_put_back(number: int, toy) -> None:
    before = signal.getsignal(number)
    for settings in ([], ["--set", "observers=[{sender: {step: 3}}]"], ["--set", "optimizer.learning_rate=1e30"]):
        toy.practice("run", "--resume", *settings)
        assert signal.getsignal(number) is before


def test_json_of_a_failure_in_the_middle(toy) -> None:
    said = toy.practice("run", "--json", "--set", "optimizer={sgd: {learning_rate: 1.0e+38}}")
    assert said.code == 1
    assert list(said.json) == [*RESULT, "error", "exit_code"]
    assert said.json["status"] == "failed"
    assert "is not finite" in said.json["error"]
    assert said.err.splitlines()[-1] == f"akid: {said.json['error']}"


def test_json_of_a_failure_before_the_beginning(toy) -> None:
    said = toy.practice("run", "--json", "--set", "optimizer.rate=1")
    assert said.code == 78
    assert (said.json["status"], said.json["step"], said.json["checkpoint"]) == ("failed", None, None)
    assert "Did you mean 'learning_rate'?" in said.json["error"] or "unknown key 'rate'" in said.json["error"]


def test_try_again_has_its_own_code(toy) -> None:
    said = toy.practice("run", "--json", "--set", "observers=[{breaker: {hooks: [span_end], again: true}}]")
    assert (said.code, said.json["exit_code"], said.json["error"]) == (75, 75, "broken in span_end")
    assert said.err.splitlines()[-1] == "akid: broken in span_end"


def test_usage_has_its_own_code(toy) -> None:
    assert toy.akid("practice", toy.yaml, "--resume").code == 2
    assert toy.akid("practice").code == 2
    assert toy.akid("practice", toy.yaml, "--max-epochs", "some").code == 2
    negative = toy.practice("run", "--max-steps", -1)
    assert (negative.code, negative.err) == (2, "akid: max_steps must not be negative, got -1.\n")
    assert not (toy.folder / "run").exists()


# --- limits ---


@pytest.mark.parametrize(
    ("limits", "step"),
    [
        ([], 12),
        (["--max-epochs", 2], 8),
        (["--max-steps", 5], 5),
        (["--max-epochs", 2, "--max-steps", 5], 5),
        (["--max-epochs", 1, "--max-steps", 5], 4),
        (["--max-epochs", 5], 20),
        (["--max-steps", 0], 0),
    ],
)
def test_limits_are_in_all(limits: list[object], step: int, toy) -> None:
    assert toy.practice("run", "--json", *limits).json["step"] == step
    assert toy.practice("run", "--resume", "--json", *limits).json["step"] == step


def test_a_limit_that_is_passed_already(toy) -> None:
    toy.practice("run", "--max-steps", 6)
    assert toy.practice("run", "--resume", "--json", "--max-steps", 3).json["step"] == 6


# --- where a run goes ---


def test_a_run_without_a_directory_gets_a_new_one(toy) -> None:
    for _ in range(2):
        assert toy.akid("practice", "toy.yaml", "--max-steps", 1).code == 0
    runs = list((toy.folder / "runs").iterdir())
    assert len(runs) == 2
    assert all(path.name.startswith("toy-") for path in runs)


def test_the_plugin_is_found_beside_the_description(toy, tmp_path_factory: pytest.TempPathFactory) -> None:
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert toy.practice("run", "--max-steps", 1).code == 0


# --- the other commands ---


def test_check_and_show(toy) -> None:
    # hidden 2*6+6, norm 2*6, logits 6*2+2
    assert toy.akid("check", toy.yaml).out == f"{toy.yaml} is sound: 5 layers, 44 trained values, backend numpy.\n"
    shown = toy.akid("show", toy.yaml)
    assert shown.code == 0
    assert "rows: train 50, val 20, test 20" in shown.out
    assert sorted(path.name for path in toy.folder.iterdir()) == ["toy.yaml", "toy_parts.py"]


def test_validate(toy) -> None:
    result = toy.practice("run", "--json").json
    said = toy.akid("validate", "run", "--json")
    assert list(said.json) == ["checkpoint", "step", "val", "test"]
    assert (said.json["val"], said.json["test"]) == (result["val"], result["test"])
    only = toy.akid("validate", "run", "--split", "train", "--json").json
    assert list(only) == ["checkpoint", "step", "train"]
    table = toy.akid("validate", "run").out.splitlines()
    assert table[0] == "run/checkpoints/step-12 (step 12) on numpy"
    assert [line.split()[0] for line in table[1:]] == ["split", "val", "test"]


def test_predict_writes_what_python_gives(toy) -> None:
    toy.practice("run")
    rows = np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 2)
    np.save("x.npy", rows)
    np.savez("x.npz", image=rows)
    assert toy.akid("predict", "run", "--input", "x.npy", "--output", "y.npy").out == "wrote y.npy\n"
    assert toy.akid("predict", "run", "--input", "x.npz", "--output", "z.npy").code == 0
    outputs = np.load("y.npy")
    assert outputs.shape == (5, 2)
    assert np.array_equal(outputs, np.load("z.npy"))
    assert toy.akid("predict", "run", "--input", "x.npy").out == f"{outputs}\n"
    refused = toy.akid("predict", "run", "--input", "x.npy", "--output", "y.npz")
    assert (refused.code, refused.err) == (
        2,
        "akid: --output y.npz: this brain has one output, to be written as .npy.\n",
    )
    np.save("none.npy", rows[:0])
    assert toy.akid("predict", "run", "--input", "none.npy", "--output", "y.npy").code == 0
    assert np.load("y.npy").shape == (0, 2)


def test_predict_does_without_what_only_practice_needs(toy) -> None:
    toy.practice("run")
    np.save("x.npy", np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 2))
    before = toy.akid("predict", "run", "--input", "x.npy").out
    config = toy.folder / "run/config.yaml"
    config.write_text(config.read_text().replace("plugins: [./toy_parts.py]\n", "").replace("adam:", "lost:"))
    assert toy.akid("validate", "run").code == 78
    after = toy.akid("predict", "run", "--input", "x.npy")
    assert (after.code, after.out) == (0, before)


def test_python_dash_m_is_the_same_program(toy) -> None:
    arguments = ["practice", "toy.yaml", "--run-dir", "run", "--json", "--max-steps", "2"]
    ran = subprocess.run([sys.executable, "-m", "akid_core", *arguments], capture_output=True, text=True, check=False)
    assert (ran.returncode, json.loads(ran.stdout)["step"]) == (0, 2)
    again = subprocess.run([sys.executable, "-m", "akid_core", *arguments], capture_output=True, text=True, check=False)
    assert again.returncode == 78
    assert "Traceback" not in again.stderr


# --- observers that fail, other threads ---


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "akid-prefetch"]


@pytest.mark.parametrize("hooks", ["[span_end]", "[practice_end]", "[span_end, practice_error]"])
def test_an_observer_that_fails_leaves_nothing_behind(hooks: str, toy) -> None:
    # the augmenter makes the sensor read ahead in a thread
    with pytest.raises(RuntimeError, match="broken in (span_end|practice_end)") as caught:
        toy.practice("run", "--set", f"observers=[{{breaker: {{hooks: {hooks}}}}}]")
    assert threads() == []
    if "error" in hooks:
        assert caught.value.__notes__ == ["Then an observer failed: RuntimeError: broken in practice_error"]
    assert toy.practice("run", "--resume").code == 0


def test_a_kid_in_another_thread(toy) -> None:
    results = []
    thread = threading.Thread(target=lambda: results.append(Kid.from_yaml(toy.yaml).practice(run_dir="run")))
    thread.start()
    thread.join()
    assert [result.step for result in results] == [12]


def test_practice_again_goes_on_or_only_measures(toy) -> None:
    kid = Kid.from_yaml(toy.yaml)
    assert kid.practice(max_steps=5).step == 5
    first, second = kid.practice(), kid.practice()
    assert (first.step, first.train, first.val, first.test) == (second.step, second.train, second.val, second.test)
    whole = Kid.from_yaml(toy.yaml).practice()
    assert (whole.train, whole.val, whole.test) == (first.train, first.val, first.test)


def test_practice_in_memory_then_in_a_directory_then_in_memory(toy) -> None:
    kid = Kid.from_yaml(toy.yaml, ["practice.best={minimum_change: 1000}"])
    kid.practice(max_epochs=1)
    kid.practice(run_dir="run", max_epochs=2)
    last = kid.practice()
    # the first validation stays the best, so every test is one of the parameters after the first epoch
    assert last.test == Kid.from_yaml(toy.yaml).practice(max_epochs=1).test


def test_an_interrupted_kid_tells_what_it_reached(toy) -> None:
    kid = Kid.from_yaml(toy.yaml, ["observers=[{sender: {step: 5}}]"])
    with pytest.raises(Interrupted) as caught:
        kid.practice()
    assert (caught.value.code, caught.value.result.step, caught.value.result.checkpoint) == (143, 5, None)
    assert kid.practice().step == 12
