"""Run a page of documentation as the program that it is: `python pages.py PAGE`, in an empty directory.

Its blocks follow each other. Python runs, in one namespace. A block with a title becomes that file; one outside of a
folder runs too, one in `tests/` is tested. Of a shell block the lines that begin with `akid` run. Complete
configurations must pass `akid check`; a part of one is put into a small complete one, which must be read (its network
may be another one than the data's). A page that writes a distribution (`pyproject.toml`, `src/`) has it installed.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from akid_core.config.yaml import dump_yaml, load_yaml

FENCE = re.compile(r"^( *)```(\w+)(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)
TITLE = re.compile(r'title="([^"]+)"')

SMALL = """
akid: 1
sensors: {source: digits, batch_size: 64}
brain:
  inputs: image
  outputs: logits
  blocks: [flatten, {dense: {name: logits, units: 10}}]
  losses: [{softmax_cross_entropy: {inputs: [logits, label]}}]
  metrics: [{accuracy: {inputs: [logits, label]}}]
optimizer: {sgd: {learning_rate: 0.1}}
practice: {epochs: 1}
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, its title if it has one, and what it says."""

    where: str
    language: str
    title: str | None
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        indent, language, attributes, body = match.groups()
        title = TITLE.search(attributes)
        line = text.count("\n", 0, match.start()) + 1
        yield Block(f"{page.name}:{line}", language, title and title[1], re.sub(f"(?m)^{indent}", "", body))


def run(page: Path) -> None:
    """Run all blocks of a page in the current directory."""
    names = {"__name__": "__main__"}
    for block in blocks(page):
        print(f"--- {block.where}", flush=True)
        if block.title:
            write(block.title, block.text)
        if block.language == "python" and (block.title is None or "/" not in block.title):
            exec(compile(block.text, block.where, "exec"), names)
        elif block.language == "python" and block.title.startswith("tests/"):
            call(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", block.title)
        elif block.language == "bash":
            for line in block.text.splitlines():
                if line.startswith("akid "):
                    call("bash", "-c", line)
        elif block.language == "yaml":
            check(block.text)


def write(title: str, text: str) -> None:
    path = Path(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if path.name == "pyproject.toml":
        install(tomllib.loads(text)["project"])


def install(project: dict) -> None:
    """What an editable installation leaves behind, in the directory `src` that is on the path."""
    info = Path("src") / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    needs = "".join(f"Requires-Dist: {need}\n" for need in project["dependencies"])
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{needs}"
    )
    points = "".join(f"{name} = {target}\n" for name, target in project["entry-points"]["akid"].items())
    (info / "entry_points.txt").write_text(f"[akid]\n{points}")
    importlib.invalidate_caches()


def check(text: str) -> None:
    part = load_yaml(text)
    file = Path("page.yaml")
    if "akid" in part:
        file.write_text(text, encoding="utf-8")
        call("akid", "check", file.name)
    else:
        fitting = {key: value for key, value in part.items() if key != "providers"}  # these need not be installed
        file.write_text(dump_yaml({**load_yaml(SMALL), **fitting}), encoding="utf-8")
        call(sys.executable, "-c", f"from akid_core.training.description import *; read_description({file.name!r})")


def call(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
