"""Augmentation: chains, partners, what is learnt, and what augmenters promise."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core import Brain, Kid
from akid_core.data import Augmenter, Chain, Draws, Fitted, Mixer, Sensor, Sensors, Shuffled, Source
from akid_core.data.augmentation import Augmentation
from akid_core.data.combined import Subset
from akid_core.data.learnt import Learnt
from akid_core.data.place import VARIABLE
from akid_core.data.source import SPLITS
from akid_core.errors import ConfigurationError, DataError
from akid_core.layers import Dense
from akid_core.plugins import Registry, default_manager
from akid_core.plugins.records import Provider
from akid_core.specs import TensorSpec

Fields = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Numbers(Source):
    """Row r is the number r times `step`, as `x`; its weight is r + 1."""

    size: int = 10
    step: float = 1.0
    known: str = ""

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"x": TensorSpec(("N",), "float64"), "sample_weight": TensorSpec(("N",), "float64")}

    def __len__(self) -> int:
        return self.size if self.split == "train" else 3

    def rows(self, indices: np.ndarray) -> Fields:
        return {"x": indices * self.step, "sample_weight": indices + 1.0}

    def fingerprint(self) -> str:
        return self.known


@dataclass(frozen=True, kw_only=True)
class Noise(Augmenter):
    """Adds a number of its own to each row."""

    fields: tuple[str, ...] = ("x",)

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {"x": fields["x"] + random.uniform()}


@dataclass(frozen=True, kw_only=True)
class Double(Augmenter):
    """Doubles, whenever."""

    fields: tuple[str, ...] = ("x",)

    def evaluation(self) -> Augmenter:
        return self

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {"x": 2 * fields["x"]}


@dataclass(frozen=True, kw_only=True)
class Beside(Mixer):
    """Adds a thousand times its partner, some position of the same `window`."""

    fields: tuple[str, ...] = ("x",)
    window: int = 4

    def partners(self, random: Draws, size: int) -> np.ndarray:
        first = random.positions // self.window * self.window
        return first + np.floor(random.uniform() * np.minimum(self.window, size - first)).astype(np.int64)

    def mix(self, fields: Fields, others: Fields, random: Draws) -> Fields:
        return {"x": fields["x"] + 1000 * others["x"]}


FITS: list[list[float]] = []
"""What was seen by each call of `fit`."""


@dataclass(frozen=True, kw_only=True)
class Centred(Fitted):
    """Subtracts the mean of all rows, and `more`."""

    fields: tuple[str, ...] = ("x",)
    more: float = 0.0

    def fit(self, batches: Iterable[Fields]) -> Fields:
        FITS.append([float(value) for batch in batches for value in batch["x"]])
        return {"mean": np.array(np.mean(FITS[-1]))}

    def transform(self, fields: Fields, random: Draws, learnt: Fields) -> Fields:
        return {"x": fields["x"] - learnt["mean"] - self.more}


@dataclass(frozen=True, kw_only=True)
class Named(Fitted):
    """Adds what it learns under names that NumPy's writers have arguments of."""

    fields: tuple[str, ...] = ("x",)
    kind: str = "float64"

    def fit(self, batches: Iterable[Fields]) -> Fields:
        return {"file": np.array(1, self.kind), "allow_pickle": np.array(2, self.kind)}

    def transform(self, fields: Fields, random: Draws, learnt: Fields) -> Fields:
        return {"x": fields["x"] + sum(float(value) for value in learnt.values())}


SHIFTED = """
from dataclasses import dataclass
from tests.test_data_augmentation import Centred

@dataclass(frozen=True, kw_only=True)
class Shifted(Centred):
    def fit(self, batches):
        return {"mean": super().fit(batches)["mean"] + 1}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    FITS.clear()
    return tmp_path / "learnt"


def augmented(augment: Sequence[Augmenter], positions: Iterable[int], size: int = 10, epoch: int = 0) -> list[float]:
    """`x` at positions of an epoch in which row p stands at position p, with the seed 5."""
    source = Numbers(size=size)
    made = Augmentation(augment, source, source.spec, 5)
    values: list[float] = made(source.rows, np.array(list(positions)), epoch, size)["x"].tolist()
    return values


def drawn(path: str, positions: Iterable[int], epoch: int = 0) -> np.ndarray:
    return Draws(5, path, epoch, np.array(list(positions))).uniform()


class TestChain:
    def test_each_draws_by_its_path(self) -> None:
        chain = Chain(name="colour", augment=(Noise(), Noise(name="more"), Noise()))
        noise = (
            drawn("colour/noise", range(3), 7),
            drawn("colour/more", range(3), 7),
            drawn("colour/noise_3", range(3), 7),
        )
        expected = (0 + noise[0] + noise[1] + noise[2])[0]
        assert augmented((chain,), range(3), epoch=7)[0] == expected
        nested = Chain(name="all", augment=(Chain(augment=(Noise(),)),))
        assert augmented((nested,), [4]) == [4 + drawn("all/chain/noise", [4])[0]]

    def test_in_evaluation_what_is_not_random_stays(self) -> None:
        chain = Chain(name="c", augment=(Noise(), Double(), Chain(augment=(Noise(),))))
        assert chain.evaluation() == Chain(name="c", augment=(Double(),))
        assert Chain(augment=(Noise(),)).evaluation() is None

    def test_names_in_a_chain_are_its_own(self) -> None:
        twice = (Chain(name="one", augment=(Noise(),)), Chain(name="two", augment=(Noise(),)))
        assert augmented(twice, [0]) == [drawn("one/noise", [0])[0] + drawn("two/noise", [0])[0]]
        with pytest.raises(ConfigurationError, match="two augmenters are called 'a'"):
            augmented((Chain(augment=(Noise(name="a"), Double(name="a"))),), [0])

    def test_it_has_no_fields(self) -> None:
        with pytest.raises(ValueError, match="a chain has no fields of its own"):
            Chain(fields=("x",))
        with pytest.raises(ConfigurationError, match="it changes the field 'y', but a batch has the fields 'x'"):
            augmented((Chain(augment=(Noise(fields=("y",)),)),), [0])


class TestMixer:
    def test_a_partner_is_what_it_is_at_its_own_position(self) -> None:
        partner = int(drawn("beside", [9])[0] * 2) + 8  # the last window of 10 rows holds 8 and 9
        before = drawn("noise", [9, partner])
        expected = (9 + before[0]) + 1000 * (partner + before[1])
        assert augmented((Noise(), Beside()), [9]) == [expected]

    def test_what_follows_belongs_to_the_row(self) -> None:
        mixed = np.array(augmented((Beside(),), range(10)))
        assert augmented((Beside(), Noise()), range(10)) == (mixed + drawn("noise", range(10))).tolist()

    def test_an_epoch_smaller_than_the_window(self) -> None:
        for size in (1, 2, 3):
            partners = (np.array(augmented((Beside(window=64),), range(size), size)) - np.arange(size)) / 1000
            assert set(partners) <= set(range(size))

    def test_two_mixers(self) -> None:
        augment = (Beside(name="first"), Beside(name="second"))
        first, second = (np.floor(drawn(name, range(8)) * 4).astype(int) for name in ("first", "second"))
        window = np.arange(8) // 4 * 4
        once = np.arange(8) + 1000.0 * (window + first)
        expected = once + 1000 * once[window + second]
        assert augmented(augment, range(8), 8) == expected.tolist()
        assert augmented(augment, [6, 1], 8) == expected[[6, 1]].tolist()

    def test_rows_are_read_once(self) -> None:
        asked: list[list[int]] = []

        def read(positions: np.ndarray) -> Fields:
            asked.append(positions.tolist())
            return {"x": positions.astype(np.float64)}

        source = Numbers(size=100)
        made = Augmentation((Beside(name="a"), Noise(), Beside(name="b")), source, source.spec, 0)
        made(read, np.arange(8, 16), 0, 100)  # two whole windows
        made(read, np.array([8]), 0, 100)
        assert asked[0] == list(range(8, 16))
        assert {8} <= set(asked[1]) <= {8, 9, 10, 11}
        assert asked[1] == sorted(set(asked[1]))

    def test_weights_stay_with_their_rows(self) -> None:
        sensor = Sensor(Numbers(), batch_size=3, seed=1, sampler=Shuffled(), augment=(Beside(),))
        for index in range(4):
            batch = sensor.batch(2, index)
            assert (batch.weights == batch.rows + 1).all()
            assert (batch.fields["x"] % 1000 == batch.rows).all()

    def test_it_is_not_applied(self) -> None:
        with pytest.raises(TypeError, match="Beside mixes rows with their partners"):
            Beside().apply({}, Draws(0, "", 0, np.arange(1)))


CHAIN = (Noise(), Beside(), Chain(name="c", augment=(Noise(), Centred())), Beside(name="again", window=7), Noise())


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(1, 60),
    batch=st.integers(1, 20),
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    epoch=st.integers(0, 5),
)
def test_values_do_not_depend_on_batches_and_spans(size: int, batch: int, counts: list[int], epoch: int) -> None:
    def sensor(batch_size: int) -> Sensor:
        return Sensor(Numbers(size=size), batch_size=batch_size, seed=3, sampler=Shuffled(), augment=CHAIN)

    whole = sensor(size).batch(epoch, 0)
    some = sensor(batch)
    step, last, turn, values, rows = epoch * some.steps_per_epoch, (epoch + 1) * some.steps_per_epoch, 0, [], []
    while step < last:
        span = some.span(step, some.uniform(step, min(counts[turn % len(counts)], last - step)))
        values.append(span.fields["x"].reshape(-1))
        rows.append(span.rows.reshape(-1))
        step, turn = step + span.steps, turn + 1
    np.testing.assert_array_equal(np.concatenate(values), whole.fields["x"])
    np.testing.assert_array_equal(np.concatenate(rows), whole.rows)


class TestFitted:
    def made(self, source: Source, *augment: Augmenter) -> Augmentation:
        made = Augmentation(augment, source, {"x": source.spec["x"]}, 0)
        made.prepare()
        return made

    def test_it_learns_from_the_train_split_as_it_is_evaluated(self) -> None:
        made = self.made(replace(Numbers(size=4), split="test"), Noise(), Double(), Centred())
        assert FITS == [[0.0, 2.0, 4.0, 6.0]]
        position = np.array([1])
        expected = 2 * (1 + Draws(0, "noise", 0, position).uniform()) - 3
        assert made(Numbers().rows, position, 0, 4)["x"] == expected

    def test_it_is_prepared_at_first_use(self) -> None:
        assert augmented((Centred(),), [0, 2, 4], 5) == [-2.0, 0.0, 2.0]
        assert len(FITS) == 1

    def test_one_after_another(self) -> None:
        made = self.made(Numbers(size=3, known="abc"), Centred(), Centred(more=1.0))
        assert FITS == [[0.0, 1.0, 2.0], [-1.0, 0.0, 1.0]]
        assert made(Numbers().rows, np.arange(3), 0, 3)["x"].tolist() == [-2.0, -1.0, 0.0]

    def test_it_is_learnt_once_for_one_data_set(self, folder: Path) -> None:
        for _ in range(2):
            self.made(Numbers(known="abc"), Double(), Centred())
        self.made(replace(Numbers(known="abc"), split="val"), Noise(), Double(), Centred())
        assert len(FITS) == 1
        [kept] = folder.iterdir()
        assert (kept.name.partition("-")[0], kept.suffix) == ("centred", ".npz")

    def test_other_data_and_other_settings_are_learnt_by_themselves(self, folder: Path) -> None:
        self.made(Numbers(known="abc"), Centred())
        self.made(Numbers(known="abd"), Centred())
        self.made(Numbers(known="abc"), Centred(more=1.0))
        self.made(Numbers(known="abc"), Double(), Centred())
        assert len(FITS) == len(list(folder.iterdir())) == 4

    def test_other_settings_of_a_source_are_learnt_by_themselves(self, folder: Path) -> None:
        for step in (1.0, 2.0):
            made = self.made(Numbers(known="one file", step=step), Centred())
            assert made(Numbers().rows, np.array([5]), 0, 10)["x"] == [5 - 4.5 * step]
        self.made(Subset(source=Numbers(known="one file"), first=4), Centred())
        assert len(FITS) == len(list(folder.iterdir())) == 3

    def test_other_code_learns_by_itself(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder.parent / "shifted.py").write_text(SHIFTED)
        monkeypatch.syspath_prepend(str(folder.parent))
        make = importlib.import_module("shifted").Shifted
        for changed in (SHIFTED, SHIFTED.replace("+ 1", "+ 2")):
            (folder.parent / "shifted.py").write_text(changed)
            self.made(Numbers(known="abc"), make())
        assert len(FITS) == len(list(folder.iterdir())) == 2

    def test_another_release_learns_by_itself(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for version in ("1.0", "1.0", "1.1"):
            provider = Provider("mine", "mine", "akid-mine", version)
            monkeypatch.setattr(Registry, "provider", lambda *_, provider=provider: provider)
            self.made(Numbers(known="abc"), Centred())
        assert len(FITS) == len(list(folder.iterdir())) == 2

    def test_a_name_is_no_matter(self, folder: Path) -> None:
        self.made(Numbers(known="abc"), Centred())
        self.made(Numbers(known="abc"), Chain(name="all", augment=(Centred(name="mine"),)))
        assert len(FITS) == 1

    def test_what_stands_in_no_file_is_not_kept(self, folder: Path) -> None:
        typed: dict[str, Any] = {"__name__": "typed", "Centred": Centred, "dataclass": dataclass}
        exec("@dataclass(frozen=True, kw_only=True)\nclass Typed(Centred): pass", typed)
        for _ in range(2):
            self.made(Numbers(known="abc"), typed["Typed"]())
        assert len(FITS) == 2
        assert not folder.exists()

    def test_splits_learn_once(self) -> None:
        sensors = Sensors(source=Numbers(), augment=(Noise(), Double(), Centred()), batch_size=2)
        learnt, registry = Learnt(), default_manager().registry
        for split in SPLITS:
            sensor = sensors.sensor(split, 0, registry, learnt)
            assert sensor is not None
            assert sensor.evaluation_batch(0).fields["x"][0] == -9
        assert sensors.prepare(np.zeros(1), registry, ("x",), learnt)["x"] == [-9]
        assert len(FITS) == 1
        kid = Kid(
            brain=Brain.sequential(Dense(units=1, name="out"), inputs="x", outputs="out"),
            sensors=replace(sensors, augment=(Centred(),)),
            backend="numpy",
        )
        for split in SPLITS:
            found = kid.sensor(split)
            assert found is not None
            found.evaluation_batch(0)
        assert len(FITS) == 2

    def test_any_name_of_what_is_learnt(self, folder: Path) -> None:
        for _ in range(2):
            made = self.made(Numbers(known="abc"), Named())
            assert made(Numbers().rows, np.array([5]), 0, 10)["x"] == [5 + 1 + 2]
        [kept] = folder.iterdir()
        with np.load(kept) as stored:
            assert sorted(stored) == ["allow_pickle", "file"]

    def test_objects_are_not_kept(self, folder: Path) -> None:
        made = self.made(Numbers(known="abc"), Named(kind="object"))
        assert made(Numbers().rows, np.array([5]), 0, 10)["x"] == [5 + 1 + 2]
        assert list(folder.iterdir()) == []

    def test_without_a_fingerprint_nothing_is_kept(self, folder: Path) -> None:
        for _ in range(2):
            self.made(Numbers(), Centred())
        assert len(FITS) == 2
        assert not folder.exists()

    @pytest.mark.parametrize("damage", ["empty", "short", "text", "middle"])
    def test_a_damaged_file_is_learnt_again(self, folder: Path, damage: str) -> None:
        self.made(Numbers(known="abc"), Centred())
        [kept] = folder.iterdir()
        whole = kept.read_bytes()
        middle = len(whole) // 3
        flipped = whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 40]) + whole[middle + 40 :]
        kept.write_bytes({"empty": b"", "short": whole[:-30], "text": b"not found", "middle": flipped}[damage])
        assert self.made(Numbers(known="abc"), Centred())(Numbers().rows, np.array([5]), 0, 10)["x"] == [0.5]
        assert len(FITS) == 2
        self.made(Numbers(known="abc"), Centred())
        assert len(FITS) == 2
        assert list(folder.iterdir()) == [kept]

    def test_a_folder_that_cannot_be_written_is_no_matter(self, folder: Path) -> None:
        folder.write_text("in the way")
        for _ in range(2):
            made = self.made(Numbers(known="abc"), Centred())
            assert made(Numbers().rows, np.array([5]), 0, 10)["x"] == [0.5]
        assert len(FITS) == 2

    def test_a_full_disk_leaves_nothing_half_written(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*arguments: object, **settings: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(np.lib.format, "write_array", full)
        made = self.made(Numbers(known="abc"), Centred())
        assert made(Numbers().rows, np.array([5]), 0, 10)["x"] == [0.5]
        assert list(folder.iterdir()) == []

    def test_it_is_not_applied(self) -> None:
        with pytest.raises(TypeError, match="Centred must be fitted first"):
            Centred().apply({}, Draws(0, "", 0, np.arange(1)))


CALLS: list[int] = []


def _together(parts: Sequence[tuple[Augmenter, Draws]], fields: Fields) -> Fields:
    CALLS.append(len(parts))
    return {"x": fields["x"] + sum(random.uniform() for _, random in parts)}


@dataclass(frozen=True, kw_only=True)
class Joined(Noise):
    together: ClassVar[Callable[[Sequence[tuple[Augmenter, Draws]], Fields], Fields] | None] = _together


def test_neighbours_go_together() -> None:
    CALLS.clear()
    augment = (Joined(), Joined(), Double(), Joined(), Chain(name="c", augment=(Joined(),)), Beside(), Joined())
    first = 3 + (drawn("joined", [3]) + drawn("joined_2", [3]))
    augmented(augment[:5], [3])
    assert CALLS == [2, 2]
    assert augmented(augment[:3], [3]) == (2 * first).tolist()
    CALLS.clear()
    augmented(augment, [3])
    assert CALLS == [2, 2, 1]


@dataclass(frozen=True, kw_only=True)
class Lies(Noise):
    says: str = "float64"
    gives: str = "x"
    rows: int | None = None

    def outputs(self, spec: Mapping[str, TensorSpec]) -> Mapping[str, TensorSpec]:
        return {**spec, "x": spec["x"].with_dtype(self.says)}

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {self.gives: fields["x"][: self.rows]}


def test_what_comes_out_is_held_against_what_was_said() -> None:
    with pytest.raises(DataError, match=r"'lies' made float64\[1\] of the field 'x', which should be float32\[N\]"):
        augmented((Lies(says="float32"),), [0])
    with pytest.raises(DataError, match="'lies' gave the field 'y', which its `outputs` do not name"):
        augmented((Lies(gives="y"),), [0])
    with pytest.raises(DataError, match=r"float64\[1\] .* float64\[N\] for 2 rows; .* as many rows as it is given"):
        augmented((Lies(rows=1),), [0, 1])


def test_fields_must_look_alike_in_evaluation() -> None:
    with pytest.raises(ConfigurationError, match=r"'x' float32\[N\] in training, but float64\[N\] in evaluation"):
        Sensor(Numbers(), batch_size=1, augment=(Lies(says="float32"),))


def test_labels_that_are_mixed_in_training_alone() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Likely(Noise):
        def outputs(self, spec: Mapping[str, TensorSpec]) -> Mapping[str, TensorSpec]:
            return {**spec, "x": TensorSpec(("N", 3), "float32")}

    @dataclass(frozen=True, kw_only=True)
    class Whole(Double):
        def outputs(self, spec: Mapping[str, TensorSpec]) -> Mapping[str, TensorSpec]:
            return {**spec, "x": TensorSpec(("N",), "int64")}

    with pytest.raises(ConfigurationError, match=r"in evaluation, such as \{one_hot: \{fields: \[x\], classes: 3\}\}"):
        Sensor(Numbers(), batch_size=1, augment=(Likely(),), eval_augment=(Whole(),))


@dataclass(frozen=True, kw_only=True)
class Wants(Noise):
    """Takes float32 alone."""

    def check(self, spec: Mapping[str, TensorSpec]) -> None:
        super().check(spec)
        if spec["x"].dtype != "float32":
            raise ValueError(f"it takes float32, but 'x' is {spec['x']}")


DOES_NOT_FIT = [
    ((Noise(), Wants()), None, r"'wants' \(sensors.augment\[1\]\) does not fit the source 'numbers': it takes float32"),
    (
        (Noise(), Chain(augment=(Lies(says="int64"), Wants()))),
        None,
        r"'chain/wants' \(sensors.augment\[1\].chain.augment\[1\]\) does not fit what the augmenters before it make of "
        r"the source 'numbers': it takes float32, but 'x' is int64\[N\]\.",
    ),
    ((Noise(),), (Wants(),), r"'wants' \(sensors.eval_augment\[0\]\) does not fit the source"),
    ((Noise(fields=("y",)),), None, r"'noise' \(sensors.augment\[0\]\) does not fit .*: it changes the field 'y'"),
    ((Noise(name="a"), Noise(name="a")), None, "The augmenters do not fit the source 'numbers': two .* called 'a'"),
]


@pytest.mark.parametrize(("augment", "eval_augment", "message"), DOES_NOT_FIT)
def test_what_does_not_fit_is_named(
    augment: tuple[Augmenter, ...], eval_augment: tuple[Augmenter, ...] | None, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Sensor(Numbers(), batch_size=1, augment=augment, eval_augment=eval_augment)


def test_other_splits_have_no_place_among_the_settings() -> None:
    sensors = Sensors(source=Numbers(), augment=(Noise(), Wants()), eval_augment=(Wants(),))
    with pytest.raises(ConfigurationError, match="The augmenter 'wants' does not fit the source 'numbers'"):
        sensors.sensor("val", 0, default_manager().registry)


@dataclass(frozen=True, kw_only=True)
class Fails(Noise):
    def apply(self, fields: Fields, random: Draws) -> Fields:
        raise KeyError("nope")


@dataclass(frozen=True, kw_only=True)
class FailsTogether(Fails):
    together: ClassVar[Any] = staticmethod(lambda parts, fields: parts[0][0].apply(fields, parts[0][1]))


@dataclass(frozen=True, kw_only=True)
class FailsMixing(Beside):
    def mix(self, fields: Fields, others: Fields, random: Draws) -> Fields:
        raise KeyError("nope")


@dataclass(frozen=True, kw_only=True)
class FailsLearning(Centred):
    def fit(self, batches: Iterable[Fields]) -> Fields:
        raise KeyError("nope")


@pytest.mark.parametrize(
    ("augment", "note"),
    [
        ((Noise(), Chain(augment=(Fails(),))), "in the augmenter 'chain/fails'"),
        ((FailsTogether(), FailsTogether()), "in the augmenters 'fails_together', 'fails_together_2'"),
        ((FailsMixing(),), "in the augmenter 'fails_mixing'"),
        ((FailsLearning(),), "while the augmenter 'fails_learning' learnt from the rows to train on"),
    ],
)
def test_an_augmenter_that_fails_is_named(augment: tuple[Augmenter, ...], note: str) -> None:
    with pytest.raises(KeyError, match="nope") as caught:
        Sensor(Numbers(), batch_size=4, augment=augment).span(0, 2)
    assert caught.value.__notes__ == [note, "while reading steps 0 to 1 (epoch 0, positions 0 to 7)"]
