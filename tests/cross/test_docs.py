"""The pages and examples that need torch, TensorFlow or the data sets run, too. See `akid_core.testing.pages`."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from akid_core.cli.main import main
from akid_core.cli.support import markdown, support
from akid_core.plugins import default_manager
from akid_core.testing.pages import Page, run_page

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHERS = ("torch", "tensorflow", "digits", "shift")
HERE = [page for page in PAGES if page.stem not in ("write-a-plugin", "a-plugin") and Page.read(page).says(*OTHERS)]


@pytest.mark.parametrize("page", HERE, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_page_runs(page: Path, tmp_path: Path) -> None:
    run_page(Page.read(page), tmp_path)


def test_the_example_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    """`examples/digits.py` is the README's first block, word for word, and ends with the shape of its filters."""
    example = ROOT / "examples" / "digits.py"
    shown = next(block for block in Page.read(ROOT / "README.md").blocks if block.language == "python")
    assert shown.text in example.read_text(encoding="utf-8")
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out.endswith("(32, 1, 5, 5)\n")


def test_the_example_in_yaml(tmp_path: Path) -> None:
    example = ROOT / "examples" / "digits.yaml"
    assert main(["practice", str(example), "--run-dir", str(tmp_path), "--max-epochs", "1"]) == 0


def test_the_support_matrix_is_as_the_command_prints_it() -> None:
    """Write it anew with `akid zoo --layers --markdown`; layers of other distributions are left out."""
    page = (ROOT / "docs" / "reference" / "support.md").read_text(encoding="utf-8")
    core = [row for row in support(default_manager().registry) if row.provider.startswith("akid-core ")]
    assert f"\n\n{markdown(core)}\n\n## What a native form gains\n" in page
