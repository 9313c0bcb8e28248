"""`akid plugins new` for each category: written, installed, tested by its own tests, and used by name from YAML."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from akid_core.cli.new import SUMMARIES, USES
from akid_core.testing.pages import Page

NAMES = {category: f"my-{category}" for category in SUMMARIES}


def run(folder: Path, *arguments: str) -> str:
    """Run Python there, with what the test has installed; what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(folder.parent / "site"), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{shlex.join(arguments)}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def install(folder: Path) -> None:
    """Where `run` finds it; what it needs is here already."""
    offline = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    run(folder, "-m", "pip", "install", *offline, "--target", str(folder.parent / "site"), ".")


@pytest.mark.parametrize("category", SUMMARIES)
def test_from_new_to_use(category: str, tmp_path: Path) -> None:
    name = NAMES[category]
    component = name.replace("-", "_")
    run(tmp_path, "-m", "akid_core", "plugins", "new", name, "--category", category, "--directory", str(tmp_path))
    folder = tmp_path / f"akid-{name}"
    install(folder)
    assert "1 plugin, 1 component, 0 failures" in run(folder, "-m", "akid_core", "plugins", "check", f"akid-{name}")
    assert " passed" in run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    for line in USES.get(category, USES["layer"]).format(component=component).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "akid"
        run(folder, "-m", "akid_core", *arguments)


def test_the_tutorial(tmp_path: Path) -> None:
    """Its command, then its files over those that were written."""
    page = Page.read(Path(__file__).parents[2] / "docs" / "tutorials" / "a-plugin.md")
    command = next(block.text for block in page.blocks if block.language == "bash")
    run(tmp_path, "-m", "akid_core", *shlex.split(command)[1:])
    for block in page.blocks:
        if block.title:
            assert (tmp_path / block.title).is_file(), f"akid plugins new writes no {block.title}"
            (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    folder = tmp_path / "akid-soft-gate"
    install(folder)
    assert " passed" in run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    run(folder, "-m", "akid_core", "practice", "./example.yaml", "--backend", "tensorflow", "--max-epochs", "1")


def test_what_is_written_is_tidy(tmp_path: Path) -> None:
    for category, name in NAMES.items():
        run(tmp_path, "-m", "akid_core", "plugins", "new", name, "--category", category)
    run(tmp_path, "-m", "compileall", "-q", ".")
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    texts = {path: (tmp_path / path).read_text(encoding="utf-8") for path in written if "__pycache__" not in str(path)}
    assert not [path for path, text in texts.items() if "$" in text or "template" in path.name]
    code = {path: text for path, text in texts.items() if path.suffix == ".py"}
    assert not [path for path, text in code.items() if any(len(line) > 120 for line in text.splitlines())]
