"""Freezing, weights to start from, and checkpoints that hold other parameters."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import akid_core as akid
from akid_core import layers as L
from akid_core.checkpoints import newest, write_checkpoint
from akid_core.cli.main import main
from akid_core.errors import AkidError, CheckpointError, ConfigurationError, RunDirectoryError, UnknownNameError

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def brain(classes: int = 2, norm: str = "norm") -> akid.Brain:
    made = akid.Brain.sequential(
        L.Dense(units=5, name="stem"), L.BatchNorm(name=norm), L.Tanh(), L.Dense(units=classes, name="logits"),
        inputs="x", outputs="logits",
    )  # fmt: skip
    return made.with_loss(L.SoftmaxCrossEntropy(), "logits", "label").with_metric(L.Accuracy(), "logits", "label")


def kid(brain: akid.Brain | None = None, optimizer: akid.Optimizer | None = None, **practice: Any) -> akid.Kid:
    return akid.Kid(
        brain=brain or globals()["brain"](),
        sensors=akid.sensors(train=(X, Y), val=(X, Y), fields=("x", "label"), batch_size=8),
        optimizer=optimizer or akid.SGD(learning_rate=0.1, momentum=0.9),
        practice=akid.Practice(**{"epochs": 2, **practice}),
        backend="numpy",
    )


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs."""
    run_dir = tmp_path_factory.mktemp("pretrained")
    kid().practice(run_dir=run_dir)
    return run_dir


def params(run_dir: Path) -> dict[str, np.ndarray]:
    checkpoint = newest(run_dir / "checkpoints")
    assert checkpoint is not None
    return checkpoint.params()


# -- freezing


def test_what_is_frozen_stays_and_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    one = kid(freeze=("stem/*", "norm/*"))
    before = one.network.read()
    one.practice(run_dir=tmp_path)
    changed = {path for path, value in one.network.read().items() if not np.array_equal(value, before[path])}
    assert changed == {"logits/weight", "logits/bias"}
    said = "practice.freeze: 6 of 8 parameters (40 values) stay as they are: stem/weight, stem/bias, norm/scale, "
    assert f"akid: {said}norm/shift, norm/mean, norm/variance.\n" in capsys.readouterr().err
    checkpoint = newest(tmp_path / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.state["notes"] == list(one.notes) == [f"{said}norm/shift, norm/mean, norm/variance."]
    assert checkpoint.slots().keys() == {"velocity:logits/weight", "velocity:logits/bias"}
    one.practice(run_dir=tmp_path, resume=True, max_epochs=3)
    assert capsys.readouterr().err == ""  # what was said once by a Kid is not said again


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freeze": ("stm/*",)}, r"practice.freeze has 'stm/\*', which matches no parameter. Did you mean 'stem/\*'\?"),
        ({"freeze": ("*",)}, "practice.freeze matches every parameter that learns, so there is nothing to learn"),
        ({"freeze": ("*weight", "*bias", "*scale", "*shift")}, "practice.freeze matches every parameter that learns"),
    ],
)
def test_globs_of_nothing_and_of_everything(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        kid(**settings).practice()


def test_a_regularizer_that_acts_on_nothing() -> None:
    optimizer = akid.SGD(regularizers=(akid.Regularizer(l2=0.1), akid.Regularizer(params=("head/*",), l1=0.1)))
    with pytest.raises(UnknownNameError, match=r"optimizer.regularizers\[1\].params has 'head/\*', which matches no"):
        kid(optimizer=optimizer).practice()


def test_weight_decay_that_acts_on_nothing() -> None:
    with pytest.raises(UnknownNameError, match=r"optimizer.decay has '\*kernel', which matches no parameter"):
        kid(optimizer=akid.SGD(weight_decay=0.1, decay=("*weight", "*kernel"))).practice()


# -- starting


def start(path: Path | str, **settings: Any) -> dict[str, Any]:
    return {"start": akid.Start(path=Path(path), **settings)}


def test_a_run_directory_to_start_from(pretrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = kid(**start(pretrained))
    for path, value in params(pretrained).items():
        np.testing.assert_array_equal(one.network[path], value)
    one.practice(run_dir=tmp_path / "new", max_steps=3)
    assert (
        f"akid: practice.start: {pretrained}: taken are 8 of 8 parameters (52 values): stem/" in capsys.readouterr().err
    )


def test_a_checkpoint_and_a_file_to_start_from(pretrained: Path, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    safetensors.numpy.save_file({"a.weight": np.arange(15, dtype=np.float64).reshape(5, 3)}, file)
    one = kid(**start(pretrained / "checkpoints/step-5", params=("stem/*",)))
    other = kid(**start(file, params="stem/*", names={"stem": "a"}, layout="torch"))
    first = newest(pretrained / "checkpoints")
    assert first is not None
    assert first.step == 10
    np.testing.assert_array_equal(one.network["logits/weight"], kid().network["logits/weight"])
    assert not np.array_equal(one.network["stem/weight"], first.params()["stem/weight"])  # that of step 5
    np.testing.assert_array_equal(other.network["stem/weight"], np.arange(15).reshape(5, 3).T)
    np.testing.assert_array_equal(other.network["stem/bias"], kid().network["stem/bias"])


def test_another_head_on_what_was_learned(pretrained: Path) -> None:
    message = r"practice.start: .* 'logits/weight' is float32\[5, 7\] here and float32\[5, 2\] there. 'logits/bias' is "
    with pytest.raises(CheckpointError, match=message + r".*ask for params=\[stem/\*, norm/\*\]\."):
        kid(brain(classes=7), **start(pretrained)).practice()
    one = kid(brain(classes=7), **start(pretrained, params=("stem/*", "norm/*")), freeze=("stem/*",))
    one.practice()
    np.testing.assert_array_equal(one.network["stem/weight"], params(pretrained)["stem/weight"])
    assert [note.partition(":")[0] for note in one.notes] == ["practice.start", "practice.freeze"]
    assert (
        "not asked for: logits/weight, logits/bias; not used of the file: logits/bias, logits/weight." in one.notes[0]
    )


def test_a_run_that_is_resumed_does_not_start_again(
    pretrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    shutil.copytree(pretrained, source)
    kid(**start(source)).practice(run_dir=tmp_path / "whole")
    kid(**start(source)).practice(run_dir=tmp_path / "parts", max_steps=4)
    shutil.rmtree(source)
    again = kid(**start(source))
    capsys.readouterr()
    again.practice(run_dir=tmp_path / "parts", resume=True)
    assert capsys.readouterr().err == ""
    whole, parts = params(tmp_path / "whole"), params(tmp_path / "parts")
    assert all(np.array_equal(whole[path], parts[path]) for path in whole)
    assert again.notes[0].startswith("practice.start: ")  # what it began with stays on record
    with pytest.raises(CheckpointError, match="holds no weights: give a run .* There is nothing of this name"):
        kid(**start(source)).practice(run_dir=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(RunDirectoryError, match="practice.start is gone"):
        kid().practice(run_dir=tmp_path / "parts", resume=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"params": ("stm/*",)},
            r"practice.start: params has 'stm/\*', which matches no parameter. Did you mean 'stem/\*'\?",
        ),
        (
            {"names": {"stm": "x"}},
            "practice.start: names has 'stm', which is neither a parameter nor a block here. Did",
        ),
        ({"names": {"stem": "stm"}}, "practice.start: names says that 'stem' is 'stm' there, and nothing is called so"),
    ],
)
def test_names_that_lead_nowhere(settings: dict[str, Any], message: str, pretrained: Path) -> None:
    with pytest.raises(UnknownNameError, match=message):
        kid(**start(pretrained, **settings)).practice()


@pytest.mark.parametrize(("content", "message"), [(b"", "cannot be read as .safetensors"), (None, "holds no weights")])
def test_files_that_are_no_weights(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        kid(**start(file)).practice()


def test_in_yaml(pretrained: Path, toy: Any) -> None:
    assert toy.practice("first").code == 0
    said = toy.practice(
        "second", "--set", "practice.start={path: first, params: [hidden/*]}", "--set", "practice.freeze=[hidden/*]"
    )
    assert said.code == 0
    assert (
        "akid: practice.start: first: taken are 2 of 8 parameters (18 values): hidden/weight, hidden/bias;" in said.err
    )
    assert (
        "akid: practice.freeze: 2 of 8 parameters (18 values) stay as they are: hidden/weight, hidden/bias." in said.err
    )
    first, second = (params(toy.folder / name) for name in ("first", "second"))
    np.testing.assert_array_equal(first["hidden/weight"], second["hidden/weight"])
    wrong = toy.practice("third", "--set", "practice.start={path: first, layout: torsch}")
    assert wrong.code == 78
    assert (
        "practice.start.layout: expected one of 'akid', 'torch', 'keras', got 'torsch'. Did you mean 'torch'?"
        in wrong.err
    )
    assert toy.akid("check", toy.yaml, "--set", "practice.start={path: nowhere}").code == 1


def test_from_several_places(toy: Any) -> None:
    assert toy.practice("first").code == 0
    places = "[{path: first, params: [hidden/*]}, {path: first, params: [logits/*], complete: true}]"
    said = toy.practice("second", "--set", f"practice.start={places}", "--max-steps", 0)
    assert said.code == 0
    assert said.err.count("practice.start: first: taken are 2 of 8 parameters") == 2
    first, second = (params(toy.folder / name) for name in ("first", "second"))
    for path in ("hidden/weight", "logits/weight"):
        np.testing.assert_array_equal(first[path], second[path])
    assert not np.array_equal(first["norm/mean"], second["norm/mean"])


# -- checkpoints of other parameters


def test_each_parameter_that_does_not_fit_is_named(pretrained: Path, tmp_path: Path) -> None:
    shutil.copytree(pretrained, tmp_path / "run")
    last = newest(pretrained / "checkpoints")
    assert last is not None
    arrays = last.params()
    arrays["stem/weigth"] = arrays.pop("stem/weight")
    arrays["logits/bias"] = np.zeros(3, np.float32)
    write_checkpoint(tmp_path / "run/checkpoints", 11, arrays, last.slots(), {**last.state, "step": 11})
    with pytest.raises(CheckpointError) as caught:
        kid().practice(run_dir=tmp_path / "run", resume=True, max_steps=20)
    path = tmp_path / "run/checkpoints/step-11"
    assert str(caught.value) == (
        f"{path} holds other parameters than this brain has: 'logits/bias' is float32[2] here and float32[3] there. "
        "'stem/weight' is missing. Did you mean 'stem/weigth'? 'stem/weigth' is unknown here. Did you mean "
        f"'stem/weight'? Another run can begin with those that fit: practice.start: {{path: {path}, params: [norm/*]}}."
    )
    kid(**start(path, params=("norm/*",))).practice()
    assert main(["validate", str(tmp_path / "run")]) != 0  # arrays in Python cannot be read again


def test_all_errors_are_akids(pretrained: Path) -> None:
    with pytest.raises(AkidError):
        kid(**start(pretrained / "config.yaml")).practice()
