"""Blocks repeated by a count: paths, parameters, values in and out, YAML, and what is refused."""

from __future__ import annotations

import re

import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.config.overrides import apply_overrides
from akid_core.config.yaml import parse
from akid_core.graph import Value

FIELDS = {"x": akid.TensorSpec(("N", 6)), "y": akid.TensorSpec(("N", 6))}


def stage(times: int = 3, shared: bool = False) -> akid.Repeat:
    return akid.Repeat.sequential(L.Dense(name="fc", units=6), L.Tanh(), times=times, shared=shared, name="stage")


def test_copies_follow_one_another_under_their_numbers() -> None:
    brain = akid.Brain.sequential(stage(), L.Dense(units=2), inputs="x")
    graph = brain.resolve(FIELDS)
    assert {call.path: str(call.inputs[0]) for call in graph.calls} == {
        "stage/1/fc": "x",
        "stage/1/tanh": "stage/1/fc",
        "stage/2/fc": "stage/1/tanh",
        "stage/2/tanh": "stage/2/fc",
        "stage/3/fc": "stage/2/tanh",
        "stage/3/tanh": "stage/3/fc",
        "dense": "stage/3/tanh",
    }
    assert [path for path in graph.params if path.endswith("weight")] == [
        "stage/1/fc/weight", "stage/2/fc/weight", "stage/3/fc/weight", "dense/weight",
    ]  # fmt: skip
    assert brain["stage/2/fc"] == L.Dense(name="fc", units=6)


def test_copies_share_what_the_first_one_has() -> None:
    graph = akid.Brain.sequential(stage(shared=True), inputs="x").resolve(FIELDS)
    assert list(graph.params) == ["stage/1/fc/weight", "stage/1/fc/bias"]
    assert [call.owner for call in graph.calls if call.params] == ["stage/1/fc"] * 3


def test_several_values_are_handed_on() -> None:
    swap = akid.Repeat.graph(
        L.Dense(name="a", units=6).on("left"), L.Add(name="b").on("right", "a"), inputs=("left", "right"),
        outputs=("b", "a"), times=2, name="swap",
    )  # fmt: skip
    brain = akid.Brain.graph(swap.on("x", "y"), L.Add(name="sum").on("swap", "swap:1"), inputs=("x", "y"))
    graph = brain.resolve(FIELDS)
    assert graph.by_path["swap/2/a"].inputs == (Value("swap/1/b"),)
    assert graph.by_path["swap/2/b"].inputs == (Value("swap/1/a"), Value("swap/2/a"))
    assert graph.by_path["sum"].inputs == (Value("swap/2/b"), Value("swap/2/a"))


def test_repeats_nest_and_a_copy_is_taken_from_outside() -> None:
    inner = akid.Repeat.sequential(L.Dense(name="fc", units=6), times=2, name="inner")
    brain = akid.Brain.graph(
        akid.Repeat.sequential(inner, L.ReLU(), times=2, name="outer").on("x"),
        L.Dense(name="probe", units=1).on("outer/1/inner"),
        inputs="x",
        outputs=("outer", "probe"),
    )
    graph = brain.resolve(FIELDS)
    assert graph.by_path["probe"].inputs == (Value("outer/1/inner/2/fc"),)
    assert graph.by_path["outer/2/inner/1/fc"].inputs == (Value("outer/1/relu"),)


def test_a_repeat_in_yaml_reads_as_it_is_written() -> None:
    text = """
    inputs: x
    blocks:
      - repeat:
          name: stage
          blocks: [{dense: {name: fc, units: 6}}, tanh]
          times: 3
          shared: true
      - {dense: {units: 2, inputs: stage/2}}
    """
    data = parse(text)
    brain = akid.Brain.from_config(data)
    assert brain.nodes[0].block == stage(shared=True)
    assert brain.to_config() == data
    assert akid.Brain.from_config(brain.to_config()) == brain
    changed = apply_overrides({"brain": data}, ["brain.blocks.stage.times=5", "brain.blocks.stage.shared=false"])
    assert len(akid.Brain.from_config(changed["brain"]).resolve(FIELDS).params) == 12  # 6 layers of weight and bias


def test_a_copy_that_does_not_fit_the_one_before_is_named() -> None:
    narrow = akid.Repeat.sequential(L.Dense(units=3), L.Add(name="sum").on("dense", "v"), inputs="v", times=2)
    with pytest.raises(akid.errors.SpecError, match=re.escape("Block 'repeat/1/sum' (Add) with dense = float32[N, 3]")):
        akid.Brain.sequential(narrow, inputs="x").resolve(FIELDS)


def test_how_often_must_be_said() -> None:
    with pytest.raises(ValueError, match="needs times, the number of copies"):
        akid.Repeat.sequential(L.ReLU())
    with pytest.raises(ValueError, match="times is a number of copies of at least 1, got 0"):
        akid.Repeat.sequential(L.ReLU(), times=0)
    data = parse("{inputs: x, blocks: [{repeat: {blocks: [relu]}}]}")
    with pytest.raises(akid.errors.ConfigurationError, match=r"brain.blocks\[0\].repeat.*: needs times"):
        akid.Brain.from_config(data)


def test_as_many_values_are_given_as_taken() -> None:
    message = "this one takes left, right and gives its last block"
    with pytest.raises(akid.errors.GraphError, match=message):
        akid.Repeat.sequential(L.Add().on("left", "right"), inputs=("left", "right"), times=2)
