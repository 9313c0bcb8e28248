"""The directory of a run: who may use it, what is in it, and what happens when the disk is against us."""

from __future__ import annotations

import errno
import importlib
import os
from pathlib import Path

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.checkpoints import newest
from akid_core.checkpoints.manifest import COMMIT, PARAMS
from akid_core.errors import AkidWarning, RunDirectoryError, TryAgainError
from akid_core.training.difference import difference
from akid_core.training.directory import RunDirectory
from akid_core.training.kid import Kid


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- who may use it ---


def test_a_used_directory_is_not_practised_in_again(toy) -> None:
    toy.practice("run", "--max-steps", 2)
    before = contents(toy.folder / "run")
    said = toy.practice("run")
    assert (said.code, said.out) == (78, "")
    assert "holds a run already. Continue it with --resume, or choose another --run-dir." in said.err
    assert contents(toy.folder / "run") == before


def test_resume_starts_where_nothing_was_saved_yet(toy) -> None:
    assert toy.practice("new", "--resume", "--json", "--max-steps", 2).json["step"] == 2
    for checkpoint in (toy.folder / "new/checkpoints").iterdir():
        (checkpoint / COMMIT).unlink()  # as if it had been killed before its first save was complete
    assert toy.practice("new", "--max-steps", 1).code == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("optimizer.learning_rate=0.5", "optimizer.adam.learning_rate was 0.05 and is now 0.5"),
        ("sensors.batch_size=8", "sensors.batch_size was 16 and is now 8"),
        ("sensors.drop_last=true", "sensors.drop_last is new (True)"),
        ("sensors.augment=[]", "sensors.augment is gone (it was ['wobble'])"),
        ("brain.blocks.hidden.units=7", "brain.blocks[0].dense.units was 6 and is now 7"),
        ("practice.validate_every=1", "practice.validate_every is new (1)"),
        ("seed=1", "seed was 0 and is now 1"),
    ],
)
def test_a_changed_configuration_is_named(change: str, said: str, toy) -> None:
    toy.practice("run", "--max-steps", 2)
    before = contents(toy.folder / "run")
    changed = toy.practice("run", "--resume", "--set", change)
    assert changed.code == 78
    assert f"holds another run: {said}. On resume only limits" in changed.err
    assert contents(toy.folder / "run") == before


@pytest.mark.parametrize("change", ["practice.epochs=1", "execution.bundle=2", "observers=[progress]"])
def test_limits_execution_and_observers_may_change(change: str, toy) -> None:
    toy.practice("run", "--max-steps", 2)
    assert toy.practice("run", "--resume", "--set", change).code == 0
    assert change.split("=")[0].split(".")[-1] in (toy.folder / "run/config.yaml").read_text()


def test_differences_are_named_by_their_path() -> None:
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) == ""
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == "a[1].b was 2 and is now 3"
    assert difference({"a": [1, 2]}, {"a": [1]}) == "a had 2 items and now has 1"


def test_another_brain_is_refused(toy) -> None:
    toy.practice("run", "--max-steps", 2)
    config = toy.folder / "run/config.yaml"
    config.write_text(config.read_text().replace("units: 6", "units: 5"))
    said = toy.akid("validate", toy.folder / "run")
    assert said.code == 78
    assert "step-2 holds another brain: brain.blocks[0].dense.units was 6 and is now 5" in said.err


def test_two_processes_do_not_share_one(toy) -> None:
    with RunDirectory(toy.folder / "run"):
        said = toy.practice("run")
        assert said.code == 75
        assert "Another process practises in" in said.err
        with pytest.raises(TryAgainError), RunDirectory(toy.folder / "run"):
            pass
    assert toy.practice("run", "--max-steps", 1).code == 0


def test_the_lock_ends_with_the_practice_however_it_ends(toy) -> None:
    toy.practice("run", "--set", "observers=[{sender: {step: 2}}]")
    with pytest.raises(RuntimeError, match="broken"):
        toy.practice("run", "--resume", "--set", "observers=[{breaker: {hooks: [span_end]}}]")
    with RunDirectory(toy.folder / "run"):
        pass


def test_a_configuration_that_no_run_wrote_is_not_replaced(toy) -> None:
    (toy.folder / "config.yaml").write_text(toy.yaml.read_text())
    said = toy.akid("practice", "./config.yaml", "--run-dir", ".")
    assert said.code == 78
    assert "has a config.yaml that no run has written" in said.err
    assert sorted(path.name for path in toy.folder.iterdir()) == ["config.yaml", "toy.yaml", "toy_parts.py"]


# --- what is in it ---


def test_it_holds_the_complete_configuration_and_the_plugin(toy) -> None:
    toy.practice("run", "--seed", 4, "--max-steps", 1)
    config = (toy.folder / "run/config.yaml").read_text()
    assert config.startswith("akid: 1\nbackend: numpy\nseed: 4\n")
    assert "plugins: [./toy_parts.py]" in config
    assert (toy.folder / "run/toy_parts.py").read_text() == (toy.folder / "toy_parts.py").read_text()


def test_a_moved_directory_is_complete(toy) -> None:
    toy.practice("run", "--max-steps", 2)
    (toy.folder / "toy_parts.py").unlink()
    moved = (toy.folder / "run").rename(toy.folder / "elsewhere")
    assert toy.akid("validate", moved).code == 0
    assert toy.akid("practice", moved / "config.yaml", "--run-dir", moved, "--resume").code == 0


def test_a_run_stays_on_its_backend_where_none_is_named(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.describe("backend: numpy\n", "")
    assert toy.practice("run", "--backend", "numpy", "--max-steps", 2).code == 0
    monkeypatch.setattr("akid_core.training.parts.choose_backend", lambda registry: "another")
    said = toy.practice("run", "--resume")
    assert said.code == 0
    assert "goes on under" not in said.err
    assert "backend: numpy\n" in (toy.folder / "run/config.yaml").read_text()


def test_the_backend_that_was_chosen_is_said_and_written(toy) -> None:
    toy.describe("backend: numpy\n", "")
    said = toy.practice("run", "--max-steps", 0, "--set", "execution={}")
    backend = (toy.folder / "run/config.yaml").read_text().splitlines()[1].removeprefix("backend: ")
    assert said.err == f"akid: no backend is named, so {backend} is taken, the installed one of highest priority.\n"
    assert f"on {backend} (" in said.out.splitlines()[0]


def test_a_kid_made_in_python_writes_and_resumes_its_run(toy) -> None:
    images = np.arange(40, dtype=np.float32).reshape(20, 2) / 40
    settings = {
        "brain": akid.Brain.sequential(L.Dense(units=2, name="logits"), inputs="image").with_loss(
            L.SoftmaxCrossEntropy(), "logits", "label"
        ),
        "sensors": akid.sensors(train=(images, np.arange(20) % 2), batch_size=8),
        "backend": "numpy",
        "practice": akid.Practice(epochs=4),
    }
    akid.Kid(**settings).practice(run_dir="run", max_epochs=2)
    resumed, whole = akid.Kid(**settings), akid.Kid(**settings)
    assert resumed.practice(run_dir="run", resume=True).epoch == 4
    whole.practice()
    assert np.array_equal(resumed.network["logits/weight"], whole.network["logits/weight"])
    np.save("x.npy", images)
    assert toy.akid("predict", "run", "--input", "x.npy", "--output", "y.npy").code == 0
    assert np.array_equal(np.load("y.npy"), whole.predict(images))
    said = toy.akid("validate", "run")
    assert said.code == 78
    assert "this run was given arrays in Python, which no file holds" in said.err


def test_a_plugin_given_as_a_module_is_written_by_its_import_path(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    (toy.folder / "toy_parts.py").rename(toy.folder / "toy_module.py")
    module = (toy.folder / "toy_module.py").read_text().replace("toy_parts:", "toy_module:")
    (toy.folder / "toy_module.py").write_text(module)
    monkeypatch.syspath_prepend(toy.folder)
    plugin = importlib.import_module("toy_module")
    brain = akid.Brain.sequential(L.Dense(units=2, name="logits"), inputs="image")
    kid = akid.Kid(
        brain=brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label"),
        sensors=akid.sensors("clouds", batch_size=10),
        plugins=[plugin],
        backend="numpy",
    )
    kid.practice(run_dir="run", max_steps=2)
    assert "plugins: [toy_module]" in (toy.folder / "run/config.yaml").read_text()
    assert toy.akid("validate", "run").code == 0


def test_new_directories_and_the_configuration_outlast_a_loss_of_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append(str(path.relative_to(tmp_path)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    with RunDirectory(tmp_path / "runs/x") as directory:
        assert synced == [".", "runs", "runs/x"]
        directory.write_config({"akid": 1})
        assert synced[3:] == ["runs/x/.config.yaml.new", "runs/x"]
    with RunDirectory(tmp_path / "runs/x"):
        assert len(synced) == 5


# --- checkpoints that cannot be used ---


def damage(checkpoint: Path, how: str) -> None:
    file = checkpoint / PARAMS
    data = bytearray(file.read_bytes())
    if how == "flipped":
        data[len(data) // 2] ^= 1
    file.write_bytes(data[:-1] if how == "cut" else data)
    if how == "torn":
        (checkpoint / COMMIT).unlink()


@pytest.mark.parametrize("how", ["flipped", "cut", "torn"])
def test_a_damaged_checkpoint_is_named_and_passed_over(how: str, toy) -> None:
    toy.practice("whole", "--max-steps", 10)
    toy.practice("run", "--max-steps", 6)
    damage(toy.folder / "run/checkpoints/step-6", how)
    resumed = toy.practice("run", "--resume", "--max-steps", 10)
    assert resumed.code == 0
    assert resumed.err.startswith("akid: Checkpoint ")
    assert len(resumed.err.splitlines()) == 1
    assert "step-6" in resumed.err
    assert "It is passed over." in resumed.err
    assert "steps 4 to 10" in resumed.out
    whole, run = (newest(toy.folder / name / "checkpoints") for name in ("whole", "run"))
    assert whole is not None
    assert run is not None
    assert whole.file(PARAMS) == run.file(PARAMS)


def test_in_python_a_damaged_checkpoint_is_a_warning(toy) -> None:
    toy.practice("run", "--max-steps", 6)
    damage(toy.folder / "run/checkpoints/step-6", "flipped")
    with pytest.warns(AkidWarning, match="step-6 is corrupt"):
        Kid.from_yaml(toy.yaml).practice(run_dir=toy.folder / "run", resume=True)


def test_only_damaged_checkpoints_are_an_error(toy) -> None:
    toy.practice("run", "--max-steps", 2)
    damage(toy.folder / "run/checkpoints/step-2", "flipped")
    said = toy.practice("run", "--resume")
    assert said.code == 1
    assert "No checkpoint in" in said.err


def test_a_damaged_best_checkpoint_is_said(toy) -> None:
    toy.practice("run", "--set", "practice.best={minimum_change: 1000}")
    damage(toy.folder / "run/checkpoints/step-4", "flipped")
    said = toy.akid("validate", toy.folder / "run")
    assert (said.code, len(said.err.splitlines())) == (0, 1)
    assert "step-4 is corrupt" in said.err
    assert "though it is the best one" in said.err
    assert "(step 12)" in said.out
    again = toy.practice("run", "--resume", "--set", "practice.best={minimum_change: 1000}")
    assert again.code == 0
    assert "The last parameters are taken instead of the best ones." in again.err


def test_a_checkpoint_of_a_newer_version(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("akid_core.checkpoints.manifest.FORMAT", 2)
        toy.practice("run", "--max-steps", 2)
    for said in (toy.practice("run", "--resume"), toy.akid("validate", toy.folder / "run")):
        assert said.code == 1
        assert "in format 2" in said.err
        assert "pip install -U akid-core" in said.err


# --- a disk that refuses ---


@pytest.mark.parametrize("place", ["toy.yaml", "toy.yaml/run"])
def test_a_place_that_is_no_directory(place: str, toy) -> None:
    said = toy.practice(place)
    assert said.code == 78
    assert "cannot be used as a run directory: Not a directory." in said.err
    assert "Choose another --run-dir." in said.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory(toy) -> None:
    (toy.folder / "sealed").mkdir(mode=0o500)
    for place in ("sealed", "sealed/run"):
        said = toy.practice(place)
        assert (said.code, "Permission denied" in said.err) == (78, True)


def refuse(monkeypatch: pytest.MonkeyPatch, number: int, name: str) -> None:
    """Files of this name cannot be written."""
    original = Path.open

    def opened(path: Path, mode: str = "r", *arguments: object, **settings: object) -> object:
        if name in path.name and mode != "r" and mode != "rb":
            raise OSError(number, os.strerror(number))
        return original(path, mode, *arguments, **settings)

    monkeypatch.setattr(Path, "open", opened)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("name", [".lock", "config.yaml"])
def test_a_directory_that_takes_no_file(name: str, number: int, toy, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, number, name)
    said = toy.practice("run")
    assert said.code == 78
    assert f"cannot be used as a run directory: {os.strerror(number)}." in said.err
    assert not list((toy.folder / "run").rglob("*config*"))


def test_a_full_disk_while_saving(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.practice("run", "--max-steps", 4)
    before = contents(toy.folder / "run/checkpoints")
    with monkeypatch.context() as full:
        refuse(full, errno.ENOSPC, PARAMS)
        said = toy.practice("run", "--resume", "--json")
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("akid: The checkpoint of step 6 could not be written to ")
    assert "No space left on device. The newest one before it, step-4, is untouched." in said.err
    assert "Traceback" not in said.err
    assert said.json["status"] == "failed"
    assert (said.json["step"], Path(said.json["checkpoint"]).name) == (6, "step-4")
    assert contents(toy.folder / "run/checkpoints") == before
    assert toy.practice("run", "--resume").code == 0


@pytest.mark.parametrize("arguments", [["validate"], ["predict", "--input", "x.npy"]])
def test_what_is_not_a_run_directory(arguments: list[str], toy) -> None:
    np.save(toy.folder / "x.npy", np.zeros((1, 2)))
    command, *options = arguments
    for place in (toy.folder, toy.folder / "nowhere", toy.yaml):
        said = toy.akid(command, place, *options)
        assert said.code == 78
        assert "is not a run directory: it has no config.yaml" in said.err
    (toy.folder / "empty/checkpoints").mkdir(parents=True)
    (toy.folder / "empty/config.yaml").write_text(toy.yaml.read_text())
    assert "holds no checkpoint yet. Practise first" in toy.akid(command, toy.folder / "empty", *options).err


def test_typed_errors_in_python(toy) -> None:
    kid = Kid.from_yaml(toy.yaml)
    kid.practice(run_dir="run", max_steps=1)
    with pytest.raises(RunDirectoryError, match="holds a run already"):
        kid.practice(run_dir="run")
