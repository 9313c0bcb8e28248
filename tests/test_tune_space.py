"""Search spaces: what a file may say, and what is said of what is wrong in it; nothing is started."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from akid_core.bundled.tune.dimensions import Choices, Integer, Log, Uniform
from akid_core.bundled.tune.journal import Journal
from akid_core.bundled.tune.ledger import Ledger
from akid_core.bundled.tune.picture import parallel_coordinates
from akid_core.bundled.tune.search import make_search
from akid_core.bundled.tune.slots import find_gpus, make_slots, seats
from akid_core.bundled.tune.space import Space, read_space
from akid_core.errors import ConfigurationError, UsageError

HEAD = "akid: 1\nobjective: {metric: accuracy, mode: max}\n"


def read(folder: Path, text: str, head: str = HEAD) -> Space:
    path = folder / "space.yaml"
    path.write_text(head + text)
    return read_space(str(path))[0]


def points(space: Space) -> list[dict[str, object]]:
    """The settings of all points that a search gives."""
    search, found = make_search(space), []
    while (point := search.ask(len(found))) is not None:
        found.append(space.settings(point))
    return found


# --- ranges ---


def test_ranges_from_end_to_end() -> None:
    almost = math.nextafter(1.0, 0.0)
    assert [Uniform(uniform=(2, 4)).at(part) for part in (0.0, 0.5)] == [2.0, 3.0]
    assert [Log(log=(1, 100)).at(part) for part in (0.0, 0.5)] == pytest.approx([1.0, 10.0])
    assert [Integer(integer=(2, 8), step=3).at(part) for part in (0.0, 0.4, almost)] == [2, 5, 8]
    # the integers 1, 2, 3 have the parts log 2, log 1.5 and log 4/3 of log 4
    assert [Integer(integer=(1, 3), log=True).at(part) for part in (0.0, 0.49, 0.51, 0.79, 0.8, almost)] == [
        1, 1, 2, 2, 3, 3,
    ]  # fmt: skip
    assert [Choices(choices=("a", "b", "c")).at(part) for part in (0.0, 0.34, almost)] == [0, 1, 2]


def test_a_grid_of_each_range() -> None:
    assert Uniform(uniform=(0, 1), count=3).grid() == [0.0, 0.5, 1.0]
    assert Log(log=(1e-4, 1e-2), count=3).grid() == pytest.approx([1e-4, 1e-3, 1e-2])
    assert list(Integer(integer=(2, 8), step=3).grid()) == [2, 5, 8]
    assert list(Choices(choices=("a", None)).grid()) == [0, 1]


# --- searches ---


def test_lists_and_dimensions_are_multiplied(tmp_path: Path) -> None:
    space = read(
        tmp_path,
        "lists:\n  network: [{depth: 2, width: 8}, {depth: 4}]\n  optimizer: [{optimizer: adam}, {optimizer: sgd}]\n"
        "space: {optimizer.learning_rate: [0.1, 0.2]}\nrepeats: 2\nseed: 7\n",
    )
    found = points(space)
    assert len(found) == 8
    assert found[0] == {"depth": 2, "width": 8, "optimizer": "adam", "optimizer.learning_rate": 0.1}
    assert found[-1] == {"depth": 4, "optimizer": "sgd", "optimizer.learning_rate": 0.2}
    assert len({str(point) for point in found}) == 8
    assert space.seeds == (7, 8)


def test_random_points_belong_to_seed_name_and_number(tmp_path: Path) -> None:
    text = "search: random\npoints: 200\nspace: {optimizer.learning_rate: {log: [1e-4, 1e-1]}, depth: [2, 4]}\n"
    found = points(read(tmp_path, text))
    assert found == points(read(tmp_path, text))
    assert found[:50] == points(read(tmp_path, text.replace("200", "50")))
    assert found != points(read(tmp_path, text + "seed: 1\n"))
    logs = [math.log10(point["optimizer.learning_rate"]) for point in found]
    assert all(-4 <= value <= -1 for value in logs)
    assert abs(sum(logs) / 200 + 2.5) < 0.2  # uniform: mean -2.5, deviation of the mean of 200 is 0.06
    assert 70 < sum(point["depth"] == 2 for point in found) < 130


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsgaii", "{tpe: {multivariate: true, n_startup_trials: 2}}"])
def test_a_search_by_optuna_goes_on_as_if_it_had_not_stopped(sampler: str, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra akid-core[tune] is not installed")
    space = read(
        tmp_path,
        f"search: {{optuna: {{sampler: {sampler}}}}}\npoints: 14\n"
        "space: {rate: {log: [1e-3, 1]}, depth: {integer: [1, 9]}, part: {uniform: [0, 1]}, kind: [a, b]}\n",
    )

    def value(point: dict[str, float]) -> float:
        return -abs(math.log10(point["rate"]) + 1) - 0.1 * abs(point["depth"] - 4) + point["kind"]

    whole, asked = make_search(space), []
    for number in range(14):
        asked.append(whole.ask(number))
        whole.tell(number, "failed" if number == 3 else "done", None if number == 3 else value(asked[-1]))
    assert whole.ask(14) is None
    halves = make_search(space)
    for number in range(14):
        if number == 9:  # the tuner was killed, and its ledger is told again
            halves = make_search(space)
            for earlier in range(9):
                assert halves.ask(earlier, asked[earlier]) == asked[earlier]
                halves.tell(
                    earlier, "failed" if earlier == 3 else "done", None if earlier == 3 else value(asked[earlier])
                )
        assert halves.ask(number) == asked[number]
        halves.tell(number, "failed" if number == 3 else "done", None if number == 3 else value(asked[number]))


def test_a_pruner_of_optuna_gives_up_what_is_worse_than_the_median(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra akid-core[tune] is not installed")
    space = read(
        tmp_path,
        "search: {optuna: {pruner: {median: {n_startup_trials: 2}}}}\npoints: 4\nspace: {rate: {uniform: [0, 1]}}\n",
    )
    search = make_search(space)
    assert search.prunes
    for number, score in enumerate((0.8, 0.9)):
        search.ask(number)
        assert not search.report(number, 1, score)
        search.tell(number, "done", score)
    search.ask(2)
    assert search.report(2, 1, 0.5)
    search.tell(2, "pruned", 0.5)
    search.ask(3)
    assert not search.report(3, 1, 0.95)


# --- the picture ---


def test_choices_that_begin_alike_are_told_apart(tmp_path: Path) -> None:
    space = read(tmp_path, "space: {blocks: [[flatten, {dense: {units: 3}}], [flatten, {dense: {units: 4}}]]}\n")
    picture = ElementTree.fromstring(parallel_coordinates(Ledger(space, Journal(tmp_path / "none"))))
    texts = [text for text in picture.findall("{*}text") if (text.text or "")[1:2] == ":"]
    assert [text.text[:10] for text in texts if text.get("stroke") is None] == ['0: ["flatt', '1: ["flatt']
    assert [text.get("stroke") for text in texts] == ["white", None] * 2  # each on a halo of its own


# --- what is wrong, where, and the way out ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("space: {depth: []}", "line 3, space.depth: the choices are empty: give at least one value."),
        ("space: {depth: {choices: 3}}", "line 3, space.depth.choices: expected a list of choices, got 3."),
        ("space: {rate: {log: [1, 0.1]}}", "line 3, space.rate: log goes from a lower to a higher number"),
        ("space: {rate: {log: [0, 1]}}", "line 3, space.rate: log needs positive ends, got 0."),
        ("space: {rate: {uniform: [0, .inf]}}", "uniform goes from a lower to a higher number, got 0 and inf."),
        ("space: {rate: {uniform: [0]}}", "space.rate.uniform: expected a list of 2"),
        ("space: {depth: {integer: [1, 4.5]}}", "space.depth.integer[1]: expected an integer, got 4.5."),
        ("space: {depth: {integer: [1, 6], step: 2}}", "steps of 2 lead from 1 to 5 and not to 6."),
        ("space: {depth: {integer: [0, 6], log: true}}", "log needs ends of at least 1, and no step."),
        ("space: {rate: {uniform: [0, 1], count: 1}}", "count must be at least 2, the ends, got 1."),
        ("space: {rate: {unifrom: [0, 1]}}", "a range is one of choices, uniform, integer, log"),
        ("space: {rate: {uniform: [0, 1], steps: 3}}", "unknown key 'steps'. Valid: uniform, count."),
        ("space: {rate: 3}", "space.rate: expected a list of choices, or a range such as {uniform: [0, 1]}, got 3."),
        ("space: {rate: {uniform: [0, 1]}}", "line 3, space.rate: a grid needs to know how many values to take"),
        ("points: 4", "nothing varies: give dimensions"),
        ("space: {depth: [1]}\npoint: 4", "line 4, point: unknown key 'point'. Did you mean 'points'?"),
        ("space: {depth: [1]}\npoints: 0", "line 4, points: points must be at least 1, got 0."),
        ("space: {depth: [1]}\nrepeats: 0", "line 4, repeats: repeats must be at least 1, got 0."),
        ("space: {seed: [1, 2]}", "line 3, space.seed: the seed is given by seed and repeats"),
        ("space: {depth: [1]}\nlists: {depth: [{width: 1}]}", "line 3, space.depth: there is a list 'depth' too"),
        ("space: {width: [1]}\nlists: {network: [{width: 1}]}", "space.width: 'width' varies in the list network too"),
        ("lists: {one: [{width: 1}], two: [{width: 2}]}", "lists.two: 'width' varies in the list one too"),
        ("lists: {network: [2]}", "line 3, lists.network[0]: expected a parameter set (name: value), got 2."),
        ("lists: {network: []}", "line 3, lists.network: expected a list of parameter sets"),
        ("space: {depth: [1]}\nsearch: grdi", "line 4, search.grdi: there is no search 'grdi'. Did you mean 'grid'?"),
        ("space: {depth: [1]}\nsearch: random", "line 4, search.random: the search random has no end of its own"),
        ("space: {depth: [1]}\nsearch: {random: {points: 3}}", "unknown key 'points'. Valid: none."),
        ("space: {depth: [1, 2], width: [1, 2]}\npoints: 3", "the grid has 4 points (depth 2, width 2), more than 3"),
        ("space: {depth: {integer: [1, 500]}}", "the grid has 500 points (depth 500), more than 256"),
    ],
)  # fmt: skip
def test_a_wrong_space(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_search(read(tmp_path, text + "\n"))
    assert said in str(raised.value)
    assert str(tmp_path / "space.yaml") in str(raised.value)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (
            "{sampler: tpo}",
            "line 3, search.optuna.sampler.tpo: there is no sampler 'tpo'. Did you mean 'tpe'? Known: tpe,",
        ),
        ("{pruner: medain}", "there is no pruner 'medain'. Did you mean 'median'?"),
        ("{sampler: {tpe: {n_startup: 3}}}", "unknown key 'n_startup'. Did you mean 'n_startup_trials'?"),
        ("{pruner: {percentile: {percentile: 300}}}", "percentile"),
        ("{sampling: tpe}", "unknown key 'sampling'. Did you mean 'sampler'?"),
    ],
)
def test_a_wrong_search_by_optuna(search: str, said: str, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra akid-core[tune] is not installed")
    with pytest.raises(ConfigurationError) as raised:
        make_search(read(tmp_path, f"search: {{optuna: {search}}}\npoints: 3\nspace: {{depth: [1]}}\n"))
    assert said in str(raised.value)
    assert "space.yaml, line 3" in str(raised.value)


def test_the_schema_is_named_first(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the schema's version is missing; this akid-core reads akid: 1"):
        read(tmp_path, "space: {depth: [1]}\n", head="")
    with pytest.raises(ConfigurationError, match="line 1, akid: the schema's version is 2"):
        read(tmp_path, "space: {depth: [1]}\n", head="akid: 2\n")
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml cannot be read: No such file"):
        read_space("nowhere.yaml")


# --- slots ---


def test_slots_share_out_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {2, 3, 6, 7}, raising=False)
    monkeypatch.setattr("akid_core.bundled.tune.slots.find_gpus", lambda environment: [])
    assert [slot.cores for slot in make_slots()] == [(2,), (3,), (6,), (7,)]
    assert [slot.cores for slot in make_slots(cores=2)] == [(2, 3), (6, 7)]
    assert [(slot.cores, slot.threads) for slot in make_slots(slots=2)] == [((2, 3), 2), ((6, 7), 2)]
    assert [(slot.cores, slot.threads) for slot in make_slots(slots=6)] == [((), 1)] * 6
    assert make_slots(slots=1)[0].environment()["OMP_NUM_THREADS"] == "4"
    for arguments, said in (({"cores": 5}, "--cores 5: this process may use 4"), ({"slots": 0}, "--slots must be")):
        with pytest.raises(UsageError, match=said):
            make_slots(**arguments)


def test_trials_that_still_run_keep_their_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose slot is gone takes what is left, never the slot on which another one sits."""
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    slots = make_slots(slots=2, gpus=["0", "1"])
    assert seats([3, 0], slots) == [slots[1], slots[0]]
    assert seats([3, 1, 2], slots) == [slots[0], slots[1], None]
    assert seats([], slots) == []


def test_slots_share_out_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    slots = make_slots(gpus=["0", "1", "3", "4"], gpus_each=2)
    assert [(slot.gpus, slot.threads) for slot in slots] == [(("0", "1"), 4), (("3", "4"), 4)]
    assert slots[1].environment()["CUDA_VISIBLE_DEVICES"] == "3,4"
    assert make_slots(slots=1, gpus=[])[0].environment()["CUDA_VISIBLE_DEVICES"] == ""
    with pytest.raises(UsageError, match=r"--slots 3 with 1 GPUs each need 3, and there are 2 \(0, 1\)"):
        make_slots(slots=3, gpus=["0", "1"])
    with pytest.raises(UsageError, match="--gpus: 'x' is no GPU"):
        make_slots(gpus=["0", "x"])
    for name in ("nvidia0", "nvidia10", "nvidia2", "nvidiactl"):
        (tmp_path / name).touch()
    assert find_gpus({}, tmp_path) == ["0", "2", "10"]
    assert find_gpus({"CUDA_VISIBLE_DEVICES": "1, 5"}, tmp_path) == ["1", "5"]
    assert find_gpus({"CUDA_VISIBLE_DEVICES": "-1"}, tmp_path) == []
