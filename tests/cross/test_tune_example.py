"""The example of `akid tune` fits together: its template, its space, and the data set that they need."""

from __future__ import annotations

from pathlib import Path

from akid_core.bundled.tune.check import check_space
from akid_core.bundled.tune.described import Described
from akid_core.bundled.tune.search import make_search
from akid_core.bundled.tune.space import read_space
from akid_core.config import Where

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example() -> None:
    path = str(EXAMPLES / "tuned_space.yaml")
    space, data = read_space(path)
    described = Described.of(str(EXAMPLES / "tuned.yaml.j2"), {}, ("backend=numpy",))
    checked = check_space(space, data, Where(place=path), described, prunes=False)
    assert described.known == ("layers", "width", "dropout")
    assert not checked.best
    point = make_search(space).ask(0)
    assert point is not None
    arguments = checked.description.arguments(space.settings(point))
    assert arguments[1:4:2] == ["--var", "--var"]
    assert arguments[-2] == "--set"
    assert arguments[-1].startswith("optimizer.learning_rate=0.0")
