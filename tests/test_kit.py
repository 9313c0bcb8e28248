"""The suites of the kit find what they are there to find: plugins broken on purpose, each by the test that is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

BROKEN = Path(__file__).parent / "broken"

MODULES = {
    "broken_heavy": "import numpy\n{hook}    yield LayerInfo(name='dense', target='akid_core.layers:Dense')\n",
    "broken_unmarked": "def akid_layers():\n    return []\n",
    "broken_target": "{hook}    yield LayerInfo(name='dense', target='akid_core.layers:Dens')\n",
    "broken_name": "{hook}    yield LayerInfo(name='thick', target='akid_core.layers:Dense')\n",
}
HOOK = "from akid_core.plugin_api import LayerInfo, hookimpl\n@hookimpl\ndef akid_layers():\n"


class Outcomes:
    """A pytest plugin that notes which tests of each class failed."""

    def __init__(self) -> None:
        self.failed: dict[type, set[str]] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        # What is to pass runs whole; of what is broken, the test that must find it.
        items[:] = [item for item in items if item.cls.finds in ("", item.originalname)]
        self.failed = {item.cls: set() for item in items}
        self._classes = {item.nodeid: item.cls for item in items}

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed[self._classes[report.nodeid]].add(report.nodeid.rpartition("::")[2].partition("[")[0])


@pytest.mark.parametrize("name", ["augmenters", "backends", "parts", "samplers"])
def test_each_suite_finds_each_defect(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, text in MODULES.items():
        (tmp_path / f"{module}.py").write_text(text.format(hook=HOOK))
    monkeypatch.syspath_prepend(tmp_path)
    outcomes = Outcomes()
    pytest.main(["-q", "-p", "no:cacheprovider", "--tb=no", str(BROKEN / f"{name}.py")], plugins=[outcomes])
    assert len(outcomes.failed) > 10
    for cls, failed in outcomes.failed.items():
        wanted = cls.finds  # type: ignore[attr-defined]
        assert wanted in failed if wanted else not failed, (cls.__name__, sorted(failed))
