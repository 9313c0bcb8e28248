"""The picture of a Brain: where boxes and lines lie, what stands in them, what is not shown."""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import akid_core as akid
from akid_core import layers as L
from akid_core.config.yaml import load_yaml
from akid_core.graph.draw.geometry import Box, Curve, Point, Wire
from akid_core.graph.draw.layers import layers
from akid_core.graph.draw.layout import layout
from akid_core.graph.draw.style import category
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec

ROOT = Path(__file__).parents[1]
ROW = TensorSpec(("N", 6))


def box(width: float = 100.0, height: float = 40.0) -> Box:
    return Box(width=width, height=height)


def wires(*ends: tuple[int, int]) -> list[Wire]:
    return [Wire(source=source, target=target) for source, target in ends]


def inside(point: Point, box: Box, place: Point) -> bool:
    """Whether a point lies in a box, and not just on its edge."""
    x, y = point[0] - place[0], point[1] - place[1]
    return 0.5 < x < box.width - 0.5 and 0.5 < y < box.height - 0.5


def walked(curve: Curve) -> list[Point]:
    """Points along a line of Bézier pieces."""
    found = []
    for index in range(0, len(curve) - 1, 3):
        a, b, c, d = curve[index : index + 4]
        for step in range(11):
            t = step / 10
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
            found.append((x, y))
    return found


@st.composite
def pictures(draw: st.DrawFn) -> tuple[list[Box], list[Wire]]:
    """Boxes of any size, wires from earlier to later ones, and feedback between any two."""
    boxes = draw(st.lists(st.builds(box, st.floats(20, 300), st.floats(20, 200)), min_size=1, max_size=14))
    last = len(boxes) - 1
    pairs = draw(st.lists(st.tuples(st.integers(0, last), st.integers(0, last)), max_size=24))
    forward = [Wire(source=min(pair), target=max(pair)) for pair in pairs if pair[0] != pair[1]]
    back = draw(st.lists(st.tuples(st.integers(0, last), st.integers(0, last)), max_size=4))
    return boxes, [*forward, *(Wire(source=a, target=b, feedback=True) for a, b in back)]


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_boxes_do_not_overlap_and_lines_run_around_them(picture: tuple[list[Box], list[Wire]]) -> None:
    boxes, wires = picture
    found = layout(boxes, wires)
    for (a, at), (b, other) in combinations(zip(boxes, found.places, strict=True), 2):
        beside = at[0] + a.width < other[0] or other[0] + b.width < at[0]
        below = at[1] + a.height < other[1] or other[1] + b.height < at[1]
        assert beside or below
    for number, (wire, curve) in enumerate(zip(wires, found.curves, strict=True)):
        heights = [round(y, 6) for _, y in curve]
        assert (heights == sorted(heights)) == (number not in found.upward)
        assert wire.feedback or number not in found.upward
        points = walked(curve)
        assert not any(inside(point, *each) for point in points for each in zip(boxes, found.places, strict=True))
        (x, y), (left, top) = curve[-1], found.places[wire.target]
        assert y == pytest.approx(top)
        assert left <= x <= left + boxes[wire.target].width
        assert all(-0.5 <= x <= found.width + 0.5 and -0.5 <= y <= found.height + 0.5 for x, y in points)
    assert layout(boxes, wires) == found


def test_layers_follow_the_longest_way_down() -> None:
    chain = wires((0, 1), (1, 2), (0, 2), (2, 3))
    assert layers([box()] * 4, chain) == [0, 1, 2, 3]


def test_what_joins_late_stands_where_it_is_used() -> None:
    """Boxes 4 and 5 are an input and its first layer, used by box 3."""
    assert layers([box()] * 6, wires((0, 1), (1, 2), (2, 3), (4, 5), (5, 3))) == [0, 1, 2, 3, 1, 2]


def test_a_cycle_is_drawn_with_one_line_upwards() -> None:
    found = layout([box()] * 3, wires((0, 1), (1, 2), (2, 0)))
    assert found.upward == {2}
    assert [y for _, y in found.places] == sorted(y for _, y in found.places)


def test_a_chain_is_straight_and_a_skip_runs_beside_it() -> None:
    found = layout([box()] * 4, wires((0, 1), (1, 2), (2, 3), (0, 3)))
    assert len({x for x, _ in found.places}) == 1
    assert max(x for x, _ in found.curves[3]) > found.places[0][0] + 100


def test_branches_do_not_cross() -> None:
    """Two chains from one box, of which the boxes are given in turn, and joined crosswise as written."""
    found = layout([box()] * 7, wires((0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)))
    x = [place[0] for place in found.places]
    assert x[1] == x[3] == x[5] != x[2] == x[4] == x[6]


def test_feedback_runs_close_beside_the_boxes_that_it_passes() -> None:
    """Also where rows that it does not pass are wider: boxes 3 to 8 beside one another."""
    fan = [Wire(source=0, target=index) for index in range(3, 9)]
    loop = [Wire(source=8, target=9), Wire(source=9, target=10), Wire(source=10, target=9, feedback=True)]
    found = layout([box()] * 11, [*fan, *loop])
    side = max(x for x, _ in found.curves[-1])
    assert side < found.places[9][0] + 100 + 40  # the box, and room for a label


def test_outputs_leave_as_they_go() -> None:
    """Outputs 0 to 3 of one box, of which 0 and 2 are joined, and 1 and 3."""
    split = [Wire(source=0, target=1 + output, output=output) for output in range(4)]
    found = layout([box()] * 7, [*split, *wires((1, 5), (3, 5), (2, 6), (4, 6))])
    begins = [curve[0][0] for curve in found.curves[:4]]
    ends = [curve[-1][0] for curve in found.curves[:4]]
    assert sorted(range(4), key=begins.__getitem__) == sorted(range(4), key=ends.__getitem__)
    assert len(set(begins)) == 4


def test_what_is_too_long_to_be_followed_ends_in_a_stub() -> None:
    chain = wires(*((i, i + 1) for i in range(150)))
    far = wires(*((i, i + 100) for i in range(50)))
    many = wires(*((i, i + 90 + i % 7) for i in range(50)), *((i, i + 80) for i in range(60)))
    found = layout([box()] * 151, chain + far + many)
    stubs = set(range(150 + 50 + 110)) - found.marks.keys()
    assert stubs
    assert stubs <= set(range(150, 200)) | {200 + i for i in range(50)}  # the longest
    for number in stubs:
        assert found.curves[number][-1][1] - found.curves[number][0][1] < 20


# --- what is drawn ---


def residual(name: str) -> akid.System:
    return akid.System.sequential(
        L.Dense(name="change", units=6), L.Tanh(), L.Add(name="sum").on("tanh", "given"), inputs="given", name=name
    )


def brain() -> akid.Brain:
    stage = akid.System.sequential(residual("first"), residual("second"), name="stage")
    return akid.Brain.sequential(
        stage, L.Dense(name="logits", units=3), inputs="x", outputs="logits", name="two < three & more"
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")


@dataclass
class Drawn:
    """What can be read off a picture: all texts, and what is said of each box."""

    texts: list[str]
    said: list[str]

    @classmethod
    def of(cls, svg: str) -> Drawn:
        tree = ElementTree.fromstring(svg)
        name = "{http://www.w3.org/2000/svg}"
        texts = ["".join(text.itertext()) for text in tree.iter(f"{name}text")]
        return cls(texts, [title.text or "" for title in tree.iter(f"{name}title")])


def test_blocks_with_their_shapes_and_counts() -> None:
    drawn = Drawn.of(brain().draw({"x": ROW}))
    assert {"x", "change", "tanh", "sum", "logits", "softmax_cross_entropy", "label"} <= set(drawn.texts)
    assert drawn.texts.count("Dense units=6") == 2
    assert "N \N{MULTIPLICATION SIGN} 3 · 21 parameters" in drawn.texts  # 6 * 3 + 3
    assert "stage84 parameters" in drawn.texts  # two times 6 * 6 + 6
    assert any(said.startswith("stage/first/change\nDense(units=6)") for said in drawn.said)
    assert drawn.said[0] == "two < three & more"


def test_a_brain_is_drawn_without_fields_and_where_names_are_wrong() -> None:
    wrong = akid.Brain.sequential(L.Add(name="sum").on("x", "nowhere"), inputs="x")
    drawn = Drawn.of(wrong.draw())
    assert {"sum", "nowhere", "unknown"} <= set(drawn.texts)
    assert not any("\N{MULTIPLICATION SIGN}" in text for text in Drawn.of(brain().draw()).texts)
    assert wrong._repr_svg_() == wrong.draw()
    with pytest.raises(akid.errors.UnknownNameError, match="nowhere"):
        wrong.draw({"x": ROW})


def test_specs_that_the_brain_states_are_enough() -> None:
    stated = akid.Brain.sequential(L.Dense(units=3), inputs={"x": ROW})
    assert "N \N{MULTIPLICATION SIGN} 3 · 21 parameters" in Drawn.of(stated.draw()).texts


def test_depth_closes_systems() -> None:
    closed = Drawn.of(brain().draw({"x": ROW}, depth=1))
    assert "6 blocks · 84 parameters" in closed.texts
    assert "change" not in closed.texts
    half = Drawn.of(brain().draw({"x": ROW}, depth=2))
    assert half.texts.count("3 blocks · 42 parameters") == 2
    assert brain().draw(depth=3) == brain().draw()
    with pytest.raises(ValueError, match="depth is a number of levels of at least 1, got 0"):
        brain().draw(depth=0)


def test_feedback_has_its_delay_and_an_unroll_its_settings() -> None:
    cell = akid.Unroll.graph(
        L.Concat(name="joined").on("x", "h@-1"), L.Dense(name="h", units=8).on("joined"), inputs="x", outputs="h",
        name="rnn", bptt=4,
    )  # fmt: skip
    steps = akid.Brain.sequential(cell, L.Dense(units=2), inputs="x")
    drawn = Drawn.of(steps.draw({"x": TensorSpec(("N", 5, 3))}))
    assert {"@-1", "an earlier value", "rnnUnroll bptt=4 · 96 parameters"} <= set(drawn.texts)  # (3 + 8) * 8 + 8
    closed = Drawn.of(steps.draw({"x": TensorSpec(("N", 5, 3))}, depth=1))
    assert "Unroll bptt=4 · 2 blocks · 96 parameters" in closed.texts
    assert "N \N{MULTIPLICATION SIGN} 5 \N{MULTIPLICATION SIGN} 8" in closed.texts


def test_a_repeat_is_drawn_once() -> None:
    stage = akid.Repeat.sequential(residual("body"), times=3, name="stage")
    once = Drawn.of(akid.Brain.sequential(stage, inputs={"x": ROW}).draw())
    assert once.texts.count("change") == 1
    assert "stageRepeat times=3 · 126 parameters" in once.texts  # three times 6 * 6 + 6
    tapped = akid.Brain.graph(stage.on("x"), L.ReLU(name="probe").on("stage/2/body"), inputs={"x": ROW})
    assert Drawn.of(tapped.draw()).texts.count("change") == 3


def test_values_taken_from_inside_a_system_have_an_end_on_its_border() -> None:
    tapped = akid.Brain.graph(
        residual("body").on("x"), L.Dense(name="probe", units=2).on("body/tanh"), inputs="x", outputs=("body", "probe")
    )
    texts = Drawn.of(tapped.draw()).texts
    assert texts.count("tanh") == 2  # the block, and the end on the border


def test_shared_parameters_are_said_to_be() -> None:
    twins = akid.Brain.graph(
        L.Dense(name="one", units=6).on("x"), L.Dense(name="two", units=6).on("one", share="one"), inputs="x"
    )
    texts = Drawn.of(twins.draw({"x": ROW})).texts
    assert "N \N{MULTIPLICATION SIGN} 6 · parameters of one" in texts


def test_every_layer_of_akid_has_a_colour() -> None:
    made = [value for value in vars(L).values() if isinstance(value, type) and issubclass(value, Layer)]
    homes = {cls.__module__: category(object.__new__(cls)) for cls in made}
    assert len(homes) > 15
    assert [home for home, name in homes.items() if name == "other"] == []


def test_show_writes_a_picture(toy) -> None:
    assert toy.akid("show", toy.yaml, "--svg", "toy.svg", "--depth", "1").out.endswith("drawn in toy.svg\n")
    texts = Drawn.of((toy.folder / "toy.svg").read_text(encoding="utf-8")).texts
    assert "N \N{MULTIPLICATION SIGN} 6 · 18 parameters" in texts  # 2 * 6 + 6
    said = toy.akid("show", toy.yaml, "--depth", "1")
    assert said.code == 2
    assert "--depth is a number of levels of at least 1, and goes with --svg" in said.err


def test_the_picture_in_the_docs_is_what_akid_draws() -> None:
    """As `akid show examples/feedback.yaml --svg docs/pictures/feedback.svg` writes it."""
    reader = akid.Brain.from_config(load_yaml(ROOT / "examples" / "feedback.yaml")["brain"])
    fields = {"image": TensorSpec(("N", 1, 8, 8), "float32", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}
    assert (ROOT / "docs" / "pictures" / "feedback.svg").read_text(encoding="utf-8") == reader.draw(fields)


def test_the_pictures_of_the_zoo_are_what_akid_draws() -> None:
    """As `python docs/pictures/draw.py` writes them; each stands on a page, and every page has one."""
    drawer = runpy.run_path(str(ROOT / "docs" / "pictures" / "draw.py"))
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "model-zoo").glob("*.md")]
    for name in drawer["PICTURES"]:
        drawn = (ROOT / "docs" / "pictures" / "zoo" / f"{name}.svg").read_text(encoding="utf-8")
        assert drawn == drawer["picture"](name), f"{name} is outdated: python docs/pictures/draw.py"
        assert any(f"pictures/zoo/{name}.svg" in page for page in pages)
    assert all("pictures/zoo/" in page for page in pages)
