"""Sources made of other sources."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import akid_core as akid
from akid_core import layers as L
from akid_core.config import decode, dump_yaml, encode, load_yaml
from akid_core.data import (
    ArraySource,
    HeldOut,
    Mixed,
    Sampler,
    Sensor,
    Sequential,
    Shuffled,
    Source,
    Stratified,
    Streams,
    Subset,
    Windowed,
    Zipped,
)
from akid_core.data.combined.mixed import shares
from akid_core.data.source import Split
from akid_core.errors import ConfigurationError, DataError
from akid_core.plugins import default_manager
from akid_core.specs import TensorSpec
from akid_core.testing.samplers import SamplerSuite
from akid_core.testing.sources import SourceSuite

SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class Numbers(Source):
    """Rows that are their own numbers, from `first` on, ten thousand later in the next split."""

    sizes: tuple[int, int, int] = (20, 6, 4)
    first: int = 0
    field: str = "x"
    forward: bool = False
    streams: int = 0

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {self.field: TensorSpec(("N",), "int64"), "y": TensorSpec(("N", 2), "float32")}

    def __len__(self) -> int:
        return self.sizes[SPLITS.index(self.split)]

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        assert np.all((indices >= 0) & (indices < len(self)))
        numbers = indices + self.first + 10_000 * SPLITS.index(self.split)
        return {self.field: numbers, "y": np.stack([numbers, -numbers], axis=1).astype(np.float32)}

    def fingerprint(self) -> str:
        return f"{self.split} {self.first}"

    @property
    def sequential(self) -> bool:
        return self.forward

    def order(self) -> Sampler | None:
        return Streams(count=self.streams) if self.streams else super().order()

    def about(self) -> Mapping[str, str]:
        return {"title": f"numbers from {self.first}", "licence": "free"}


def values(source: Source, split: Split = "train", field: str = "x") -> list[int]:
    """All of a split in its order."""
    source = replace(source, split=split)
    found = source.rows(np.arange(len(source)))[field]
    assert np.array_equal(source.column(field), found)
    return list(map(int, found))


def read(text: str) -> Any:
    registry = default_manager().registry
    source = decode("source", load_yaml(f"source: {text}")["source"], registry, "source")
    written = load_yaml(dump_yaml({"source": encode(source, registry)}))["source"]
    assert decode("source", written, registry, "source") == source
    return source


NUMBERS = f"{{'{__name__}:Numbers': {{}}}}"


class Combined(SourceSuite):
    splits = SPLITS


class TestSubset(Combined):
    def source(self) -> Source:
        return Subset(source=Numbers(), first=0.5, splits=SPLITS)


class TestRandomSubset(Combined):
    def source(self) -> Source:
        return Subset(source=Numbers(), last=7, seed=3)


class TestListedSubset(Combined):
    def source(self) -> Source:
        return Subset(source=Numbers(), indices=(7, 0, 7, 19))


class TestHeldOut(Combined):
    def source(self) -> Source:
        return HeldOut(source=Numbers(sizes=(100, 0, 0)), val=0.1, test=5)


class TestMixed(Combined):
    def source(self) -> Source:
        return Mixed(sources=(Numbers(), Numbers(first=500), Numbers(first=700, sizes=(3, 1, 0))), weights=(5, 3, 2))


class TestZipped(Combined):
    def source(self) -> Source:
        return Zipped(sources={"a": Numbers(), "b": Numbers(first=500, field="z")})


class TestNested(Combined):
    def source(self) -> Source:
        part = Subset(source=HeldOut(source=Numbers(sizes=(50, 0, 9)), val=9), every=2, splits=("train", "test"))
        return Zipped(sources={"a": Mixed(sources=(part,)), "b": part})


# -- subset


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        ({"first": 3}, [0, 1, 2]),
        ({"first": 0.25}, [0, 1, 2, 3, 4]),
        ({"first": 20}, list(range(20))),
        ({"last": 2}, [18, 19]),
        ({"last": 0.1}, [18, 19]),
        ({"every": 6}, [0, 6, 12, 18]),
        ({"between": (4, 7)}, [4, 5, 6]),
        ({"indices": [3, 1, 3]}, [3, 1, 3]),
    ],
)
def test_a_subset_has_the_rows_that_it_says(choice: dict[str, Any], rows: list[int]) -> None:
    subset = Subset(source=Numbers(), **choice)
    assert values(subset) == rows
    assert values(subset, "val") == values(Numbers(), "val")


def test_a_subset_of_each_split() -> None:
    subset = Subset(source=Numbers(sizes=(20, 6, 0)), first=0.5, splits=("train", "val", "test"))
    assert [values(subset, split) for split in ("train", "val")] == [list(range(10)), [10_000, 10_001, 10_002]]
    assert len(replace(subset, split="test")) == 0


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 300), seed=st.integers(-5, 2**63), data=st.data())
def test_random_subsets_lie_in_each_other_and_beside_the_rest(size: int, seed: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, size))
    numbers = Numbers(sizes=(size, 0, 0))
    first, all_rows = (values(Subset(source=numbers, first=wanted, seed=seed)) for wanted in (count, size))
    assert all_rows[:count] == first
    assert sorted(all_rows) == list(range(size))
    if count < size:
        assert sorted(first + values(Subset(source=numbers, last=size - count, seed=seed))) == list(range(size))


def test_seeds_give_other_subsets_and_every_row_its_chance() -> None:
    chosen = [tuple(values(Subset(source=Numbers(), first=5, seed=seed))) for seed in range(400)]
    assert len(set(chosen)) > 390
    counts = np.bincount(np.concatenate(chosen), minlength=20)
    assert ((counts - 100) ** 2 / 100).sum() < 43.8  # 19 degrees of freedom, 99.9 %


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ("", "say by one of first, last, every, between, indices which rows, got none"),
        ("first: 3, every: 2", "got first, every"),
        ("first: 0", "first must be a number of rows .* or a fraction of them below 1, got 0"),
        ("last: 2.5", "last must be a number of rows"),
        ("first: 1.0", "first must be a number of rows .* got 1.0"),  # all rows, or one?
        ("first: -1", "first must be a number of rows"),
        ("first: .nan", "first must be a number of rows"),
        ("first: .inf", "first must be a number of rows"),
        ("every: 0", "every must be at least 1, got 0"),
        ("between: [5, 5]", "between must be two numbers"),
        ("between: [5]", "expected a list of 2"),
        ("indices: [1], seed: 0", "leave out the seed"),
        ("frist: 3", "unknown key 'frist'.*Did you mean 'first'"),
    ],
)
def test_subsets_that_make_no_sense(settings_: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(f"{{subset: {{source: {NUMBERS}, {settings_}}}}}")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            {"first": 21},
            "21 rows of the source 'numbers', whose split 'train' has 20; ask for at most 20",
        ),
        ({"between": (5, 30)}, r"between: \[5, 30\] asks for 30 rows"),
        (
            {"indices": (3, 20)},
            "indices: 20 is no row of the source 'numbers', .* has the rows 0 to 19",
        ),
        ({"indices": (-1,)}, "indices: -1 is no row"),
    ],
)
def test_subsets_of_more_than_there_is(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        len(Subset(source=Numbers(), **choice))


# -- held out


@settings(deadline=None, max_examples=50)
@given(size=st.integers(3, 400), val=st.integers(1, 100), test=st.floats(0.01, 0.5), seed=st.integers(0, 2**63))
def test_what_is_held_out_is_nowhere_else(size: int, val: int, test: float, seed: int) -> None:
    val = min(val, size // 3)
    source = HeldOut(source=Numbers(sizes=(size, 0, 0)), val=val, test=test, seed=seed)
    rows = [values(source, split) for split in SPLITS]
    assert sorted(number for part in rows for number in part) == list(range(size))
    assert (len(rows[1]), len(rows[2])) == (val, max(1, round(test * size)))


def test_what_is_held_out_depends_on_its_own_seed() -> None:
    rows = {tuple(values(HeldOut(source=Numbers(sizes=(20, 0, 0)), val=4, seed=seed), "val")) for seed in range(50)}
    assert len(rows) == 50
    again = HeldOut(source=Numbers(sizes=(20, 0, 0)), val=4, test=3, seed=7)
    assert values(again, "val") == values(replace(again, test=None), "val")  # whatever else is held out


def test_a_split_that_is_not_cut_is_the_sources_own() -> None:
    source = HeldOut(source=Numbers(sizes=(20, 0, 4)), val=0.2)
    assert values(source, "test") == [20_000, 20_001, 20_002, 20_003]
    assert len(values(source, "train")) == 16
    assert len(replace(HeldOut(source=Numbers(sizes=(20, 0, 0)), val=0.2), split="test")) == 0
    for split in SPLITS:
        with pytest.raises(ConfigurationError, match="which has a split 'val' of its own, of 6 rows; leave 'val' out"):
            len(HeldOut(source=Numbers(sizes=(20, 6, 0)), val=2, test=3, split=split))


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ("", "say how much to hold out"),
        ("val: 0", "val must be a number of rows"),
        ("test: 1.5", "test must be a number of rows"),
        ("vall: 0.1", "Did you mean 'val'"),
    ],
)
def test_nothing_sensible_to_hold_out(settings_: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(f"{{held_out: {{source: {NUMBERS}, {settings_}}}}}")


def test_a_small_fraction_is_at_least_one_row() -> None:
    source = HeldOut(source=Numbers(sizes=(20, 0, 0)), val=0.001)
    assert [len(values(source, split)) for split in SPLITS] == [19, 1, 0]
    assert len(Subset(source=Numbers(sizes=(20, 0, 0)), first=0.001)) == 1
    assert len(HeldOut(source=Numbers(sizes=(0, 0, 0)), val=0.001)) == 0


def test_what_is_mixed_by_weights_is_cut_before() -> None:
    parts = (Numbers(sizes=(90, 0, 0)), Numbers(sizes=(10, 0, 0), first=500))
    cut = HeldOut(source=Mixed(sources=parts, weights=(1, 1)), val=10)
    for source in (cut, Subset(source=cut, first=20), Zipped(sources={"a": cut})):
        with pytest.raises(ConfigurationError, match="has 90 rows of the 100 that are mixed.*cut the sources before"):
            source.order()
    assert len(akid.sensors(cut, sampler=Shuffled()).sensor("train", 0, default_manager().registry)) == 90
    mixed = Mixed(sources=tuple(HeldOut(source=part, val=5) for part in parts), weights=(1, 1))
    found = np.array(in_turns(mixed, 0))
    assert ((found >= 500).sum(), len(found)) == (45, 90)
    own = HeldOut(source=Mixed(sources=(Numbers(), Numbers(first=500))), test=2, split="val")
    assert own.order() is not None


def test_more_is_held_out_than_there_is() -> None:
    with pytest.raises(ConfigurationError, match="val: 15, test: 0.3 asks for 21 rows of the source 'numbers'"):
        len(HeldOut(source=Numbers(sizes=(20, 0, 0)), val=15, test=0.3))


# -- mixed


class TestTurns(SamplerSuite):
    sizes = (25,)

    def sampler(self) -> Sampler:
        order = self.source(25).order()
        assert order is not None
        return order

    def source(self, size: int) -> Source:
        return Mixed(sources=(Numbers(), Numbers(sizes=(size - 20, 0, 0), first=500)))


class TestWeightedTurns(TestTurns):
    once = False

    def source(self, size: int) -> Source:
        return Mixed(sources=(Numbers(), Numbers(sizes=(size - 20, 0, 0))), weights=(1.5, 2.5), draws=70)


def in_turns(source: Mixed, epoch: int, seed: int = 0) -> list[int]:
    """The values in the order of an epoch."""
    order = source.order()
    rows = order.rows(np.arange(order.length(len(source))), size=len(source), seed=seed, epoch=epoch)
    return [int(value) for value in source.rows(rows)["x"]]


def test_weights_say_how_often_it_is_whose_turn() -> None:
    source = Mixed(sources=(Numbers(sizes=(1000, 0, 0)), Numbers(sizes=(1000, 0, 0), first=5000)), weights=(0.7, 0.3))
    found = np.array(in_turns(source, 4)) >= 5000
    assert len(found) == 2000
    assert found.reshape(-1, 10).sum(axis=1).tolist() == [3] * 200


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    seed=st.integers(0, 2**63),
    draws=st.integers(1, 100),
    data=st.data(),
)
def test_each_source_is_gone_through_before_it_begins_anew(
    sizes: list[int], seed: int, draws: int, data: st.DataObject
) -> None:
    weights = data.draw(st.tuples(*[st.integers(1, 9) for _ in sizes]))
    parts = tuple(Numbers(sizes=(size, 0, 0), first=100 * number) for number, size in enumerate(sizes))
    source = Mixed(sources=parts, weights=weights, draws=draws)
    found = np.array([value for epoch in range(4) for value in in_turns(source, epoch, seed)])
    assert len(found) == 4 * draws
    cycle = sum(weights) // np.gcd.reduce(weights)
    for number, size in enumerate(sizes):
        own = found[found // 100 == number] - 100 * number
        due = len(found) * weights[number] / sum(weights)
        assert abs(len(own) - due) < (2 if len(found) % cycle else 1e-9)
        for begin in range(0, len(own) - size + 1, size):
            assert sorted(own[begin : begin + size]) == list(range(size))


def test_without_weights_an_epoch_has_every_row() -> None:
    source = Mixed(sources=(Numbers(), Numbers(sizes=(5, 0, 0), first=500)))
    epochs = [in_turns(source, epoch) for epoch in range(3)]
    everything = [*range(20), *range(500, 505)]
    assert all(sorted(rows) == everything for rows in epochs)
    assert len(set(map(tuple, epochs))) == 3
    for rows in epochs:  # one in five is of the second
        assert (np.array(rows).reshape(5, 5) >= 500).sum(axis=1).tolist() == [1] * 5


def test_evaluation_has_every_row_of_every_source_once() -> None:
    source = Mixed(sources=(Numbers(), Numbers(sizes=(5, 2, 0), first=500)), weights=(1, 9))
    assert values(source, "val") == [*range(10_000, 10_006), 10_500, 10_501]
    assert values(source, "test") == [*range(20_000, 20_004)]
    assert values(source) == [*range(20), *range(500, 505)]


def test_sources_are_read_in_their_own_orders() -> None:
    source = Mixed(sources=(Numbers(streams=2), Numbers(sizes=(3, 0, 0), first=500)), weights=(2, 1), draws=36)
    found = in_turns(source, 0)
    assert [value for value in found if value < 500] == [*np.arange(20).reshape(2, 10).T.ravel(), 0, 10, 1, 11]
    assert sorted(value for value in found if value >= 500) == sorted([500, 501, 502] * 4)


def test_a_sampler_that_is_asked_for_goes_over_all() -> None:
    source = Mixed(sources=(Numbers(), Numbers(sizes=(5, 0, 0), first=500)), weights=(1, 9))
    sensor = Sensor(source, batch_size=25, sampler=Shuffled())
    assert sorted(sensor.batch(0, 0).fields["x"].tolist()) == [*range(20), *range(500, 505)]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ((1, 1), (1, 1)),
        ((0.7, 0.3), (7, 3)),
        ((2.5, 1, 0.25), (10, 4, 1)),
        ((1e-3, 1), (1, 1000)),
        ((1 / 3, 2 / 3), (1, 2)),
        ((0.33333333, 0.66666667), (333_333, 666_667)),
        ((1e-9, 1), (1, 1_000_000)),
        ((1e300, 1e300), (1, 1)),
    ],
)
def test_shares(weights: tuple[float, ...], expected: tuple[int, ...]) -> None:
    assert shares(weights) == expected


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ("sources: []", "there must be at least one source to mix"),
        (f"sources: [{NUMBERS}], weights: [1, 2]", "there are 1 sources, but 2 weights"),
        (f"sources: [{NUMBERS}], weights: [0]", "weights must be finite and above 0"),
        (f"sources: [{NUMBERS}], draws: 0", "draws must be at least 1"),
        ("sources: [mistake]", r"sources\[0\].*mistake"),
        (f"sources: [{{'{__name__}:Numbers': {{forward: true}}}}]", "in its own order: it cannot be mixed"),
        (f"sources: [{{'{__name__}:Numbers': {{split: val}}}}]", "leave out the split of 'numbers'"),
    ],
)
def test_mixtures_that_make_no_sense(settings_: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(f"{{mixed: {{{settings_}}}}}")


def test_mixtures_that_do_not_fit() -> None:
    with pytest.raises(ConfigurationError, match=r"The field 'x' is int64\[N\] in the source 'numbers', but missing"):
        Sensor(Mixed(sources=(Numbers(), Numbers(field="z"))), batch_size=2)
    with pytest.raises(DataError, match="which is to be mixed with others, has no rows in the split 'train'"):
        Mixed(sources=(Numbers(), Numbers(sizes=(0, 1, 1)))).order()
    mixed = Mixed(sources=(Numbers(), Numbers()))
    with pytest.raises(ConfigurationError, match="has 3 rows of the 40 that are mixed"):
        Sensor(Subset(source=mixed, first=3), batch_size=1, sampler=Subset(source=mixed, first=3).order())


def test_an_error_says_which_source_it_is_from() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Failing(Numbers):
        def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
            raise OSError("no such file")

    sensor = Sensor(Mixed(sources=(Numbers(), Failing())), batch_size=40)
    with pytest.raises(OSError, match="no such file") as raised:
        sensor.batch(0, 0)
    assert "while reading source 1 of the mixed ones, 'failing'" in raised.value.__notes__


def test_messages_name_a_row_in_the_source_that_it_is_from() -> None:
    values = np.zeros(20, np.float32)
    values[17] = np.inf
    rotten = akid.sensors(train={"x": values, "label": np.arange(20)}).source
    assert isinstance(rotten, ArraySource)
    mixed = Mixed(sources=(Subset(source=rotten, first=5), Subset(source=rotten, last=8)))
    inner = r"row 5 \(row 17 of the split 'train' of 'array_source'\)"
    with pytest.raises(DataError, match=rf"the field 'x' of row 10 \({inner} of the split 'train' of 'subset'\)\."):
        Sensor(mixed, batch_size=13).batch(0, 0)
    held = HeldOut(source=rotten, val=19)
    row = int(np.flatnonzero(replace(held, split="val").column("label") == 17)[0])
    assert replace(held, split="val").row_name(row) == f"row {row} (row 17 of the split 'train' of 'array_source')"


def test_an_error_while_a_sampler_reads_labels_names_its_row() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Failing(Numbers):
        def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
            if 17 in indices:
                raise ValueError("rotten")
            return super().rows(indices)

    with pytest.raises(ValueError, match="rotten") as raised:
        Sensor(Subset(source=Failing(), last=5), batch_size=1, sampler=Stratified(label="x"))
    assert raised.value.__notes__ == [
        "while reading row 2 (row 17 of the split 'train' of 'failing') of the split 'train'"
    ]


# -- zipped


def test_fields_that_clash_are_called_by_their_source() -> None:
    source = Zipped(sources={"left": Numbers(), "right": Numbers(first=500, field="z")})
    assert list(source.spec) == ["x", "left/y", "z", "right/y"]
    assert values(source, "val", "z") == [number + 500 for number in values(source, "val", "x")]
    rows = source.rows(np.array([3, 1]))
    assert rows["left/y"].tolist() == [[3, -3], [1, -1]]
    assert rows["right/y"].tolist() == [[503, -503], [501, -501]]


def test_a_split_that_one_lacks_does_not_exist() -> None:
    source = Zipped(sources={"a": Numbers(sizes=(5, 3, 0)), "b": Numbers(sizes=(5, 0, 2))})
    assert [len(replace(source, split=split)) for split in SPLITS] == [5, 0, 0]


def test_sources_of_other_lengths_are_not_zipped() -> None:
    source = Zipped(sources={"a": Numbers(sizes=(5, 3, 0)), "b": Numbers(sizes=(4, 3, 0))})
    with pytest.raises(DataError, match="split 'train' 'a' has 5, 'b' has 4; cut them to one length.* first: 4"):
        len(source)
    assert len(replace(source, split="val")) == 3


def test_a_row_has_one_weight() -> None:
    one = ArraySource(data={"train": {"x": np.arange(3), "sample_weight": np.array([1.0, 2.0, 3.0])}})
    sensor = Sensor(Zipped(sources={"a": one, "b": Numbers(sizes=(3, 0, 0))}), batch_size=3)
    assert sensor.batch(0, 0).weights.tolist() == [1, 2, 3]
    with pytest.raises(ConfigurationError, match="More than one of the sources 'a', 'b' has the field 'sample_weight'"):
        Sensor(Zipped(sources={"a": one, "b": one}), batch_size=3)


def test_zipped_order_and_unknown_fields() -> None:
    parts = {"a": Numbers(), "b": Numbers(streams=2, field="z")}
    assert Zipped(sources=parts).order() == Streams(count=2)
    assert Zipped(sources={**parts, "c": Numbers(forward=True)}).order() == Sequential()
    with pytest.raises(DataError, match="The source 'zipped' has no field 'a/z'.*It has 'x', 'a/y', 'z', 'b/y'"):
        Zipped(sources=parts).column("a/z")
    with pytest.raises(ConfigurationError, match="there must be at least one source to zip"):
        read("{zipped: {sources: {}}}")


# -- all of them


def test_what_a_view_passes_on() -> None:
    arrays = ArraySource(data={"train": {"x": np.arange(9)}})
    for source in (Subset(source=arrays, first=3), HeldOut(source=arrays, val=3), Mixed(sources=(arrays,))):
        assert (source.in_memory, source.live_only, source.sequential) == (True, True, False)
    stream = Numbers(forward=True)
    assert Subset(source=stream, every=2).sequential
    assert Subset(source=stream, every=2).order() == Sequential()
    for made in (lambda: Subset(source=stream, first=3, seed=0), lambda: HeldOut(source=stream, val=3)):
        with pytest.raises(ValueError, match="can only be read in its own order"):
            made()
    assert Subset(source=Numbers(streams=2), first=3).order() == Streams(count=2)
    assert Subset(source=Numbers(streams=2), first=3, seed=0).order() is None
    assert Mixed(sources=(Numbers(), Numbers(first=5))).about() == {
        "title": "numbers from 0; numbers from 5",
        "licence": "free",
    }


@pytest.mark.parametrize("make", [lambda part: Mixed(sources=(part,)), lambda part: Zipped(sources={"a": part})])
def test_parts_are_sources_of_no_split(make: Any) -> None:
    message = (
        r"sources(\[0\]|.a): expected a source, got 'digits'. Names are understood in YAML; in Python, give an object."
    )
    with pytest.raises(ConfigurationError, match=message):
        make("digits")
    with pytest.raises(ValueError, match="leave out the split of 'numbers': it is that of the whole"):
        make(Numbers(split="test"))


def test_they_can_be_sent_to_a_process() -> None:
    part = Numbers(sizes=(40, 0, 0))
    source = Zipped(
        sources={"a": Mixed(sources=(HeldOut(source=part, val=4), Subset(source=part, first=4))), "b": part}
    )
    for made in (source, source.order()):
        assert pickle.loads(pickle.dumps(made)) == made
    assert np.array_equal(pickle.loads(pickle.dumps(source)).column("a/x"), source.column("a/x"))


@pytest.mark.parametrize(
    "make",
    [
        lambda large: Subset(source=large, first=0.3, seed=5),
        lambda large: Subset(source=large, every=2),
        lambda large: HeldOut(source=large, val=0.1),
        lambda large: Mixed(sources=(large, large), weights=(2, 1)),
        lambda large: Zipped(sources={"a": large, "b": large}),
    ],
)
def test_a_billion_rows_take_no_memory(make: Any) -> None:
    tracemalloc.start()
    source = make(Numbers(sizes=(10**9, 0, 0)))
    sensor = Sensor(source, batch_size=64, sampler=source.order() or Shuffled())
    sensor.batch(2, sensor.steps_per_epoch - 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20  # a bit a row would be 119 MiB


def test_fingerprints_tell_rows_apart() -> None:
    part = Numbers(sizes=(20, 0, 0))
    sources = [
        part,
        Subset(source=part, first=3),
        Subset(source=part, first=4),
        Subset(source=part, first=4, seed=0),
        Subset(source=part, first=4, seed=1),
        HeldOut(source=part, val=4),
        HeldOut(source=part, val=5),
        HeldOut(source=part, val=4, split="val"),
        Mixed(sources=(part, part)),
        Mixed(sources=(part, part), weights=(1, 2)),
        Mixed(sources=(part, Numbers(first=3))),
        Zipped(sources={"a": part}),
        Zipped(sources={"b": part}),
    ]
    assert len({source.fingerprint() for source in sources}) == len(sources)
    assert Subset(source=part, first=4).fingerprint() == Subset(source=part, first=np.int64(4)).fingerprint()
    listed = Subset(source=part, indices=np.array([3, 1]))
    assert listed == Subset(source=part, indices=(3, 1))
    assert listed.fingerprint()
    unknown = ArraySource(data={"train": {"x": np.arange(3)}})
    object.__setattr__(unknown, "fingerprint", lambda: "")
    assert Mixed(sources=(part, unknown)).fingerprint() == ""


@pytest.mark.parametrize(
    "text",
    [
        f"{{subset: {{source: {NUMBERS}, first: 0.1, seed: 3}}}}",
        f"{{held_out: {{source: {{subset: {{source: {NUMBERS}, between: [2, 9]}}}}, val: 2}}}}",
        f"{{mixed: {{sources: [{NUMBERS}, {{subset: {{source: {NUMBERS}, indices: [1, 2]}}}}], weights: [0.5, 1]}}}}",
        f"{{zipped: {{sources: {{left: {NUMBERS}, right: {{mixed: {{sources: [{NUMBERS}]}}}}}}}}}}",
    ],
)
def test_sources_in_sources_in_yaml(text: str) -> None:
    assert isinstance(read(text), Source)


def brain() -> akid.Brain:
    return akid.Brain.sequential(L.Dense(units=3, name="logits"), inputs="x", outputs="logits").with_loss(
        L.SoftmaxCrossEntropy(), "logits", "label"
    )


@pytest.mark.parametrize("sampler", [None, Stratified(), Windowed(block=4, blocks=2)], ids=repr)
def test_a_run_over_mixed_arrays_goes_on_to_the_bit(sampler: Sampler | None, tmp_path: Path) -> None:
    random = np.random.default_rng(0)

    def part(size: int) -> Source:
        fields = {"x": random.normal(size=(size, 4)).astype(np.float32), "label": np.arange(size) % 3}
        return HeldOut(source=ArraySource(data={"train": fields}), val=5)

    source = Mixed(sources=(part(40), Subset(source=part(30), first=0.5, seed=1)), weights=(2, 1))

    def kid() -> akid.Kid:
        sensors = akid.sensors(source, batch_size=8, sampler=sampler)
        return akid.Kid(brain=brain(), sensors=sensors, practice=akid.Practice(epochs=3), backend="numpy")

    whole, cut = kid(), kid()
    whole.practice()
    cut.practice(max_steps=9, run_dir=tmp_path / "run")
    again = kid()
    again.practice(run_dir=tmp_path / "run", resume=True)
    assert np.array_equal(again.network["logits/weight"], whole.network["logits/weight"])
    assert not np.array_equal(again.network["logits/weight"], cut.network["logits/weight"])
