"""`akid tune`: real trials in processes of their own, under kills, failures and signals; what is left behind."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from akid_core.bundled.tune.slots import Slot
from akid_core.bundled.tune.trial import Trial
from akid_core.checkpoints import newest

SPACE = """\
akid: 1
objective: {metric: accuracy, mode: max}
repeats: 2
lists:
  network: [{brain.blocks.hidden.units: 4}, {brain.blocks.hidden.units: 6}]
space:
  optimizer.learning_rate: [0.05]
"""


@pytest.fixture
def tuned(toy: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The toy with a search space beside it; trials use one thread each."""
    monkeypatch.setenv("AKID_TRACEBACK", "0")
    toy.describe()
    space(toy.folder)
    return toy


def space(folder: Path, text: str = SPACE) -> Path:
    path = folder / "space.yaml"
    path.write_text(text)
    return path


def records(folder: Path, kind: str = "") -> list[dict[str, Any]]:
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if kind in ("", record["record"])]


def started(*arguments: object) -> subprocess.Popen[bytes]:
    """`akid tune …` in a process of its own."""
    command = [sys.executable, "-m", "akid_core", "tune", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it never happened")


# --- a whole search ---


def test_a_search_from_start_to_end(tuned: Any) -> None:
    said = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=1")
    assert said.code == 0, said.err
    first, *lines, _, last = said.out.splitlines()
    assert first.endswith("points by grid, each with the seeds 0, 1; 2 at once with 1 core each; directory found")
    assert len([line for line in lines if re.match(r"\d{4}-[01]  accuracy ", line)]) == 4
    results = json.loads((tuned.folder / "found/results.json").read_text())
    assert len(results["points"]) == 2
    means = [point["mean"] for point in results["points"]]
    assert means == sorted(means, reverse=True)
    for point in results["points"]:
        one, other = (trial["value"] for trial in point["trials"])
        assert point["mean"] == pytest.approx((one + other) / 2)
        assert point["deviation"] == pytest.approx(abs(one - other) / 2**0.5)
        assert [trial["seed"] for trial in point["trials"]] == [0, 1]
    best = results["points"][0]
    assert results["best"] == best["point"]
    assert last.startswith(f"The best is point {best['point']}. Practise it: akid practice ")

    # each trial is a run like any other, and the printed command gives the same values
    run = tuned.folder / "found" / best["trials"][0]["directory"]
    assert newest(run / "checkpoints").step == 4
    command = last.partition("akid practice ")[2].split()
    again = tuned.akid("practice", *command, "--run-dir", "again", "--json").json
    assert again["val"] == best["trials"][0]["val"]

    rows = list(csv.DictReader((tuned.folder / "found/results.csv").open()))
    assert [row["brain.blocks.hidden.units"] for row in rows] == ["4"] * 2 + ["6"] * 2
    assert [row["optimizer.learning_rate"] for row in rows] == ["0.05"] * 4
    picture = ElementTree.parse(tuned.folder / "found/parallel.svg").getroot()
    assert len(picture.findall("{*}polyline")) == 2
    titles = [text.text for text in picture.findall("{*}text") if text.get("font-weight")]
    assert titles == ["network", "optimizer.learning_rate", "accuracy"]

    # asked again: the same table; gone on with: nothing is left to do
    report = tuned.akid("tune", "found", "--report")
    assert report.out.splitlines()[-1] == last
    before = (tuned.folder / "found/journal.jsonl").read_bytes()
    resumed = tuned.akid("tune", "found", "--resume", "--json")
    assert resumed.json == results
    assert (tuned.folder / "found/journal.jsonl").read_bytes() == before


def test_hparams_for_tensorboard(tuned: Any) -> None:
    pytest.importorskip("tensorboard", reason="the extra akid-core[tune] is not installed")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    text = SPACE.replace("repeats: 2", "repeats: 1")
    space(tuned.folder, text.replace("{brain.blocks.hidden.units: 6}", "{brain.blocks.hidden.name: other}"))
    assert (
        tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=1").code
        == 0
    )

    def values(name: str) -> dict[str, Any]:
        data, start, found = (
            (tuned.folder / "found/tensorboard" / name / "events.out.tfevents.0000000000").read_bytes(),
            0,
            {},
        )
        while start < len(data):  # length, checksum, bytes, checksum
            end = start + 12 + int.from_bytes(data[start : start + 8], "little")
            event = Event.FromString(data[start + 12 : end])
            found |= {value.tag: value for value in event.summary.value}
            start = end + 4
        return found

    def told(value: Any) -> Any:
        assert value.metadata.plugin_data.plugin_name == "hparams"
        return HParamsPluginData.FromString(value.metadata.plugin_data.content)

    experiment = told(values(".")["_hparams_/experiment"]).experiment
    # TensorBoard's DATA_TYPE_STRING is 1 and DATA_TYPE_FLOAT64 is 3
    assert {info.name: info.type for info in experiment.hparam_infos} == {
        "brain.blocks.hidden.units": 3, "brain.blocks.hidden.name": 1, "optimizer.learning_rate": 3,
    }  # fmt: skip
    assert "val/accuracy" in {info.name.tag for info in experiment.metric_infos}
    session = values("0000-0")
    begun = told(session["_hparams_/session_start_info"]).session_start_info
    assert begun.group_name == "point 0"
    assert begun.hparams["brain.blocks.hidden.units"].number_value == 4
    assert told(session["_hparams_/session_end_info"]).session_end_info.status == 1  # STATUS_SUCCESS
    assert session["val/accuracy"].simple_value == pytest.approx(records(tuned.folder / "found", "ended")[0]["value"])
    assert (
        told(values("0001-0")["_hparams_/session_start_info"])
        .session_start_info.hparams["brain.blocks.hidden.name"]
        .string_value
        == "other"
    )


def test_the_tuner_is_light(tuned: Any) -> None:
    """What it imports stays small, so that all cores are the trials'."""
    program = (
        "import sys; from akid_core.cli.main import main\n"
        "code = main(['tune', 'toy.yaml', '--space', 'space.yaml', '--dir', 'found', '--set', 'practice.epochs=1'])\n"
        "assert code == 0 and not {'torch', 'tensorflow', 'optuna', 'matplotlib'} & set(sys.modules)"
    )
    space(tuned.folder, SPACE.replace("repeats: 2", "repeats: 1"))
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


# --- kills ---


def test_kills_of_tuner_and_trial_lose_and_repeat_nothing(tuned: Any) -> None:
    """A trial that is killed goes on from its checkpoint; one that outlives its tuner is taken over, not run twice."""
    limits = ["--set", "practice.epochs=40", "--set", "practice.checkpoint_every=8"]
    arguments = ["toy.yaml", "--space", "space.yaml", "--dir", "found", *limits, "--slots", 2]
    folder = tuned.folder / "found"
    tuner = started(*arguments)
    wait_for(lambda: len(list(folder.glob("trials/*/checkpoints/step-*/COMMIT.json"))) > 3)
    victim = next(path for path in folder.glob("trials/*") if newest(path / "checkpoints"))
    os.kill(int((victim / ".tune-lock").read_text()), signal.SIGKILL)
    wait_for(lambda: records(folder, "left"))
    wait_for(lambda: len(records(folder, "ended")) >= 2)
    tuner.kill()
    tuner.wait()
    (folder / "journal.jsonl").open("ab").write(b'{"record": "ended", "point')  # what a kill may leave of a line

    ended = {(record["point"], record["repeat"]) for record in records_before_tear(folder)}
    said = tuned.akid("tune", *arguments, "--resume")
    assert said.code == 0, said.err
    assert not any(f"{point:04d}-{repeat}  accuracy" in said.out.partition("point ")[0] for point, repeat in ended)
    found = [(record["point"], record["repeat"]) for record in records(folder, "ended")]
    assert sorted(found) == [(point, repeat) for point in range(2) for repeat in range(2)]
    assert {record["status"] for record in records(folder, "ended")} == {"done"}

    # each step was practised once: one process per trial, but for the victim, and each says where it began
    for path in sorted(folder.glob("trials/*")):
        began = re.findall(r"toy\.yaml: (steps \d+ to 160|160 steps)", (path / "practice.log").read_text())
        results = (path / "result.jsonl").read_text().splitlines()
        assert len(results) == 1, "only the end of a run is printed"
        assert json.loads(results[0])["step"] == 160
        if path == victim:
            assert began[0] == "160 steps"
            assert began[1].startswith("steps ")
        else:
            assert began == ["160 steps"]

    # and the values are those of a run that nobody disturbed
    units = 4 if victim.name.startswith("0000") else 6
    changes = [*limits, "--set", f"brain.blocks.hidden.units={units}", "--set", "optimizer.learning_rate=0.05"]
    undisturbed = tuned.practice("whole", *changes, "--seed", victim.name[-1], "--json").json
    assert json.loads((victim / "result.jsonl").read_text())["val"] == undisturbed["val"]


def records_before_tear(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    found = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return [record for record in found if record["record"] == "ended"]


def test_a_trial_that_outlived_its_tuner_is_taken_over(tuned: Any) -> None:
    space(tuned.folder, "akid: 1\nspace: {optimizer.learning_rate: [0.05]}\n")
    parts = tuned.folder / "toy_parts.py"  # from step 8 on, a run waits for the word
    waiting = "        while context.step >= 8 and not os.path.exists('go'): signal.sigtimedwait([], 0.01)\n"
    parts.write_text(
        parts.read_text().replace('        self._fail("span_end"', f'{waiting}        self._fail("span_end"')
    )
    folder = tuned.folder / "found"
    tuner = started("toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "observers=[breaker]")
    wait_for(lambda: list(folder.glob("trials/0000-0/checkpoints/step-6/COMMIT.json")))
    tuner.kill()
    tuner.wait()
    assert Trial(folder / "trials/0000-0").said() is None
    tuner = started("found", "--resume")
    assert tuner.stdout is not None
    assert b"0000-0  still practises, started by an earlier akid tune\n" in iter(tuner.stdout.readline, b"")
    (tuned.folder / "go").touch()
    tuner.communicate(timeout=60)
    assert tuner.returncode == 0
    assert len(records(folder, "begun")) == len(records(folder, "ended")) == 1
    assert (folder / "trials/0000-0/practice.log").read_text().count("run directory") == 1


@pytest.mark.parametrize("adopted", [True, False])
def test_a_trial_that_failed_without_its_tuner_has_failed(adopted: bool, tuned: Any) -> None:
    space(tuned.folder, "akid: 1\nspace: {optimizer.learning_rate: [0.05]}\n")
    parts = tuned.folder / "toy_parts.py"
    failing = (
        "        while context.step == 8 and not os.path.exists('go'): signal.sigtimedwait([], 0.01)\n"
        "        if context.step == 8: raise RuntimeError('broken for good')\n"
    )
    parts.write_text(
        parts.read_text().replace('        self._fail("span_end"', f'{failing}        self._fail("span_end"')
    )
    folder = tuned.folder / "found"
    tuner = started("toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "observers=[breaker]")
    wait_for(lambda: list(folder.glob("trials/0000-0/checkpoints/step-6/COMMIT.json")))
    tuner.kill()
    tuner.wait()
    trial = Trial(folder / "trials/0000-0")
    if not adopted:
        (tuned.folder / "go").touch()
        wait_for(lambda: not trial.adopt(0.0))
    tuner = started("found", "--resume")
    assert tuner.stdout is not None
    if adopted:
        assert b"0000-0  still practises, started by an earlier akid tune\n" in iter(tuner.stdout.readline, b"")
        (tuned.folder / "go").touch()
    tuner.communicate(timeout=60)
    assert tuner.returncode == 1
    (ended,) = records(folder, "ended")
    assert (ended["status"], ended["error"]) == ("failed", "broken for good")
    assert len(records(folder, "begun")) == 1


def test_a_trial_whose_tuner_was_killed_while_it_started_hears_signals(
    tuned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(slot: Slot, process: int) -> None:
        raise SystemExit

    monkeypatch.setattr(Slot, "bind", killed)
    trial, directory = Trial(tuned.folder / "trial"), tuned.folder / "trial"
    with pytest.raises(SystemExit):
        trial.start(["toy.yaml", "--set", "practice.epochs=5000"], Slot(number=0, cores=(), threads=1))
    wait_for(lambda: newest(directory / "checkpoints"))
    other = Trial(directory)
    assert other.adopt(0.0)
    other.send(signal.SIGTERM)
    assert wait_for(trial.poll) == 143


def test_one_tuner_at_a_time(tuned: Any) -> None:
    from akid_core.bundled.tune.directory import TuneDirectory

    with TuneDirectory("found"):
        said = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found")
    assert (said.code, said.err) == (
        75, "akid: Another process tunes in found. Wait until it ends, or choose another --dir.\n",
    )  # fmt: skip


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_stops_trials_and_saves_them(name: str, code: int, tuned: Any) -> None:
    folder = tuned.folder / "found"
    tuner = started(
        "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=5000", "--slots", 2
    )
    wait_for(lambda: len({path.parts[-4] for path in folder.glob("trials/*/checkpoints/step-*/COMMIT.json")}) == 2)
    tuner.send_signal(getattr(signal, name))
    said, _ = tuner.communicate(timeout=60)
    assert tuner.returncode == code
    assert said.decode().splitlines()[-1] == "Saved. Go on with: akid tune found --resume"
    assert {record["reason"] for record in records(folder, "left")} == {f"ended with the exit code {code}"}
    assert records(folder, "ended") == []
    for path in folder.glob("trials/*"):
        result = json.loads((path / "result.jsonl").read_text())
        assert result["step"] == newest(path / "checkpoints").step > 0


# --- failures ---


def test_a_trial_that_fails_is_recorded_and_the_others_go_on(tuned: Any) -> None:
    space(
        tuned.folder,
        "akid: 1\nspace:\n  optimizer: [{sgd: {learning_rate: 1.0e+38}}, {sgd: {learning_rate: 0.1}}]\n",
    )
    said = tuned.akid(
        "tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=1", "--json"
    )
    assert said.code == 0
    assert [point["status"] for point in said.json["points"]] == ["done", "failed"]
    failed = said.json["points"][-1]["trials"][0]
    assert failed["value"] is None
    assert "is not finite" in failed["error"]
    assert "1 of 1 failed" in tuned.akid("tune", "found", "--report").out


def test_a_search_in_which_all_trials_fail(tuned: Any) -> None:
    space(tuned.folder, "akid: 1\nspace: {optimizer: [{sgd: {learning_rate: 1.0e+38}}]}\n")
    said = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found")
    assert said.code == 1
    assert "The best" not in said.out


def test_a_trial_that_is_killed_again_and_again_has_failed(tuned: Any) -> None:
    killer = "observers=[{sender: {step: 1, name: SIGKILL}}]"
    space(tuned.folder, "akid: 1\nspace: {optimizer.learning_rate: [0.1]}\n")
    said = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", killer)
    assert said.code == 1
    (ended,) = records(tuned.folder / "found", "ended")
    assert (ended["status"], ended["error"]) == ("failed", "ended by SIGKILL, 5 times in a row")
    assert len(records(tuned.folder / "found", "begun")) == 5


def test_a_configuration_error_of_a_trial_stops_the_search(tuned: Any) -> None:
    """One that could not be seen before: the description changes while the search is on."""
    space(tuned.folder, SPACE.replace("repeats: 2", "repeats: 8"))
    tuner = started("toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=1", "--slots", 1)
    wait_for(lambda: (tuned.folder / "found/journal.jsonl").exists() and records(tuned.folder / "found", "ended"))
    tuned.describe("- relu", "- reluu")
    said = tuner.communicate(timeout=60)[0].decode()
    assert tuner.returncode == 78
    assert re.search(r"akid: The trial 0000-\d cannot be run: .*There is no layer 'reluu'. Did you mean 'relu'?", said)
    assert records(tuned.folder / "found", "ended")


def test_settings_that_do_not_go_together_are_a_point_that_fails(tuned: Any) -> None:
    """Each is right beside what the description says: a momentum of 0, and nesterov, which wants one."""
    space(tuned.folder, "akid: 1\nspace: {optimizer.nesterov: [false, true], optimizer.momentum: [0.9, 0.0]}\n")
    described = "optimizer={sgd: {learning_rate: 0.1, momentum: 0.9}}"
    said = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", described, "--slots", "1")
    assert said.code == 0
    ended = records(tuned.folder / "found", "ended")
    assert sorted(each["status"] for each in ended) == ["done", "done", "done", "failed"]
    assert any("nesterov needs a momentum above 0" in each["error"] for each in ended)
    again = tuned.akid("tune", "found", "--resume")
    assert again.code == 0
    assert len(records(tuned.folder / "found", "begun")) == 4


def test_a_wrong_point_may_be_the_first_that_is_tried(tuned: Any) -> None:
    """Nothing has ended well by then; the first end of each dimension, 0.9 and no nesterov, is right."""
    space(
        tuned.folder,
        "akid: 1\nsearch: random\npoints: 2\nseed: 1\n"
        "space: {optimizer.nesterov: [false, true], optimizer.momentum: [0.9, 0.0]}\n",
    )
    described = "optimizer={sgd: {learning_rate: 0.1, momentum: 0.9}}"
    said = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", described, "--slots", "1")
    points = records(tuned.folder / "found", "point")
    assert points[0]["coordinates"] == {"optimizer.nesterov": 1, "optimizer.momentum": 1}
    assert said.code == 0, said.err
    assert [each["status"] for each in records(tuned.folder / "found", "ended")] == ["failed", "done"]


# --- pruning ---


def test_a_pruner_ends_trials_early(tuned: Any) -> None:
    pytest.importorskip("optuna", reason="the extra akid-core[tune] is not installed")
    space(
        tuned.folder,
        "akid: 1\nobjective: {metric: loss}\n"
        "search: {optuna: {sampler: random, pruner: {threshold: {upper: 1.0e-6}}}}\n"
        "points: 2\nspace: {optimizer.learning_rate: {log: [0.001, 0.01]}}\n",
    )
    arguments = ["toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=100000"]
    said = tuned.akid("tune", *arguments, "--json")
    assert said.code == 1  # no point went to its end
    ended = records(tuned.folder / "found", "ended")
    assert [record["status"] for record in ended] == ["pruned", "pruned"]
    assert all(0 < record["step"] < 400_000 and record["value"] > 0 for record in ended)
    resumed = tuned.akid("tune", "found", "--resume")
    assert resumed.code == 1
    assert len(records(tuned.folder / "found", "begun")) == 2
    assert "pruned" in resumed.out


def test_a_point_that_is_given_up_is_pruned_however_its_trial_ends(tuned: Any) -> None:
    """It fails while it saves; its second repeat, which was not begun, is given up with it."""
    pytest.importorskip("optuna", reason="the extra akid-core[tune] is not installed")
    space(
        tuned.folder,
        "akid: 1\nobjective: {metric: loss}\nrepeats: 2\n"
        "search: {optuna: {sampler: random, pruner: {threshold: {upper: 1.0e-6}}}}\n"
        "points: 1\nspace: {optimizer.learning_rate: {log: [0.001, 0.01]}}\n",
    )
    arguments = ["toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=100000"]
    arguments += ["--set", "observers=[{breaker: {hooks: [practice_end]}}]", "--slots", "1"]
    said = tuned.akid("tune", *arguments, "--json")
    assert said.code == 1
    assert [point["status"] for point in said.json["points"]] == ["pruned"]
    (ended,) = records(tuned.folder / "found", "ended")
    assert ended["status"] == "pruned"
    assert "broken in practice_end" in (tuned.folder / "found/trials/0000-0/practice.log").read_text()


# --- bad input ---


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("optimizer.learning_rate: [0.05]", "optimizer.lr: [0.01]",
         "line 7, space.optimizer.lr[0]: 0.01 does not fit: optimizer.adam.lr: unknown key 'lr'. Did you mean"),
        ("optimizer.learning_rate: [0.05]", "optimiser.learning_rate: [0.01]",
         "line 7, space.optimiser.learning_rate[0]: 'optimiser.learning_rate' is neither a variable of the template "
         "nor a setting of the description. Did you mean 'optimizer'?"),
        ("optimizer.learning_rate: [0.05]", "optimizer.learning_rate: [0.05, fast]",
         "line 7, space.optimizer.learning_rate[1]: \"fast\" does not fit: optimizer.adam.learning_rate: "),
        ("{brain.blocks.hidden.units: 6}", "{brain.blocks.hiden.units: 6}",
         "line 5, lists.network[1].brain.blocks.hiden.units: 6 does not fit: there is no 'hiden' in "
         "brain.blocks. Did you mean 'hidden'?"),
        ("{brain.blocks.hidden.units: 6}", "{brain.metrics: []}",
         "line 5, lists.network[1].brain.metrics: [] does not fit: validation gives no 'accuracy'. It gives loss."),
        ("metric: accuracy", "metric: acuracy",
         "line 2, objective.metric: validation gives no 'acuracy'. Did you mean 'accuracy'? It gives loss, accuracy."),
        ("mode: max", "mode: most", "line 2, objective.mode: expected one of 'min', 'max', got 'most'."),
    ],
)  # fmt: skip
def test_a_space_that_does_not_fit(old: str, new: str, said: str, tuned: Any) -> None:
    assert old in SPACE
    space(tuned.folder, SPACE.replace(old, new))
    answer = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found")
    assert answer.code == 78
    assert answer.err.startswith("akid: space.yaml, ")
    assert said in answer.err
    assert not (tuned.folder / "found").exists()


def test_another_space_in_a_used_directory(tuned: Any) -> None:
    single = "akid: 1\nsearch: random\npoints: 1\nspace:\n  optimizer.learning_rate: {log: [0.01, 0.1]}\n"
    arguments = ["tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=1"]
    space(tuned.folder, single)
    assert tuned.akid(*arguments).code == 0
    assert "found holds a search already. Continue it with --resume" in tuned.akid(*arguments).err
    space(tuned.folder, single.replace("0.01,", "0.02,"))
    said = tuned.akid(*arguments, "--resume")
    assert said.code == 78
    assert said.err == (
        "akid: space.yaml, line 5, space.optimizer.learning_rate.log[0]: found holds another search: "
        "space.space.optimizer.learning_rate.log[0] was 0.01 and is now 0.02. Restore it, or choose another --dir for "
        "another search.\n"
    )
    space(tuned.folder, single)
    said = tuned.akid(*arguments[:-1], "practice.epochs=2", "--resume")
    assert "found holds another search: overrides[0] was 'practice.epochs=1' and is now 'practice.epochs=2'" in said.err
    # more points are the same search, fewer are not
    space(tuned.folder, single.replace("points: 1", "points: 2"))
    said = tuned.akid(*arguments, "--resume", "--json")
    assert [point["point"] for point in sorted(said.json["points"], key=lambda point: point["point"])] == [0, 1]
    assert len(records(tuned.folder / "found", "begun")) == 2
    space(tuned.folder, single)
    said = tuned.akid(*arguments, "--resume")
    assert "line 3, points: found holds a search of 2 points; on resume there may be more of them" in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["toy.yaml"], "--space says what varies"),
        (["toy.yaml", "--space", "space.yaml", "--resume"], "--resume wants --dir"),
        (["toy.yaml", "--space", "space.yaml", "--report"], "--report wants the directory of a search alone"),
        (["found", "--resume", "--set", "seed=1"], "an earlier search keeps its settings"),
        (["toy.yaml", "--space", "space.yaml", "--dir", ""], "--dir is empty"),
        (["toy.yaml", "--space", "space.yaml", "--slots", "0"], "--slots must be at least 1"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, tuned: Any) -> None:
    answer = tuned.akid("tune", *arguments)
    assert answer.code == 2
    assert said in answer.err


def test_what_varies_is_not_stated_too(tuned: Any) -> None:
    arguments = ["tune", "toy.yaml", "--space", "space.yaml", "--dir", "found"]
    said = tuned.akid(*arguments, "--set", "optimizer.learning_rate=0.1")
    assert said.code == 78
    assert "line 7, space.optimizer.learning_rate[0]: 'optimizer.learning_rate' varies here, and" in said.err


def test_a_run_directory_holds_no_search(tuned: Any) -> None:
    tuned.practice("found", "--max-steps", "1")
    before = sorted(tuned.folder.glob("found/*"))
    said = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found")
    assert (said.code, said.err) == (
        78, "akid: found is a run directory of a practice. Choose another --dir.\n",
    )  # fmt: skip
    assert sorted(tuned.folder.glob("found/*")) == before


def test_a_directory_without_a_search(tuned: Any) -> None:
    said = tuned.akid("tune", "nowhere", "--report")
    assert said.code == 78
    assert "nowhere holds no search: it has no tune.yaml. Give the directory that `akid tune` printed." in said.err


def test_a_damaged_journal(tuned: Any) -> None:
    space(tuned.folder, "akid: 1\nspace: {optimizer.learning_rate: [0.1]}\n")
    tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", "--set", "practice.epochs=1")
    journal = tuned.folder / "found/journal.jsonl"
    journal.write_text("rubbish\n" + journal.read_text())
    said = tuned.akid("tune", "found", "--report")
    assert said.code == 78
    assert "found/journal.jsonl, line 1, is damaged" in said.err


# --- templates and tracked values ---


def test_variables_of_a_template(tuned: Any) -> None:
    text = (tuned.folder / "toy.yaml").read_text().replace("units: 6", "units: {{ width }}")
    template = tuned.folder / "toy.yaml.j2"
    template.write_text("{% set width = width | default(6) %}\n" + text)
    space(
        tuned.folder,
        "akid: 1\nobjective: {metric: accuracy, mode: max}\nspace: {width: [3, 5], optimizer.learning_rate: [0.05]}\n",
    )
    arguments = ["tune", "toy.yaml.j2", "--space", "space.yaml", "--set", "practice.epochs=1"]
    said = tuned.akid(*arguments, "--dir", "found", "--json")
    assert said.code == 0, said.err
    for point, width in ((0, 3), (1, 5)):
        config = (tuned.folder / f"found/trials/{point:04d}-0/config.yaml").read_text()
        assert f"units: {width}" in config
    assert "--var width=" in tuned.akid("tune", "found", "--report").out
    space(tuned.folder, "akid: 1\nspace:\n  widht: [3, 5]\n")
    said = tuned.akid(*arguments, "--dir", "other")
    assert "space.yaml, line 3, space.widht[0]: 'widht' is neither a variable of the template nor" in said.err
    assert "Did you mean 'width'?" in said.err


def test_the_best_value_where_the_description_tracks_it(tuned: Any) -> None:
    best = "best={metric: accuracy, mode: max}"
    space(tuned.folder, "akid: 1\nobjective: {metric: accuracy, mode: max}\nspace: {optimizer.learning_rate: [2.0]}\n")
    arguments = ["--set", f"practice.{best}", "--set", "practice.epochs=12"]
    said = tuned.akid("tune", "toy.yaml", "--space", "space.yaml", "--dir", "found", *arguments, "--json")
    (trial,) = said.json["points"][0]["trials"]
    run = newest(tuned.folder / "found/trials/0000-0/checkpoints").state["run"]
    assert trial["value"] == run["best_value"] >= trial["val"]["accuracy"]
