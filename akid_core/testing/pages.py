"""Pages: what documentation shows, runs. Test your plugin's README with it::

    def test_readme(tmp_path):
        run_page(Page.read("README.md"), tmp_path)

The fenced blocks of a Markdown page are one program, run from top to bottom in this process, in an empty directory:

- a block with a title (`python title="mine.py"`) becomes that file;
- a line `--8<-- "path"` in a block stands for that file, as for the extension pymdownx.snippets of MkDocs; the path is
  taken from the nearest folder above the page that has it;
- Python without a title runs, all of a page in one module;
- YAML must be sound, as `akid check` says; a part of a description is put into a small complete one first; a search
  space for `akid tune` must be one;
- of bash, lines that begin with `akid`, `python` or `pytest` run; elsewhere in a line, `akid` must at least know the
  options.
"""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from akid_core.cli.main import main
from akid_core.config import dump_yaml, load_yaml

_FENCE = re.compile(r"^( *)```(\w+)(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)
_SNIPPET = re.compile(r'^--8<-- "([^"]+)"\n', re.MULTILINE)
_TITLE = re.compile(r'title="([^"]+)"')

_SMALL = """
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
"""What a part of a description is put into; its data come with akid-datasets."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the number of its first line, its language, its title if it has one, and what it says."""

    line: int
    language: str
    title: str | None
    text: str

    @property
    def partial(self) -> bool:
        """Whether it is a part of a description in YAML."""
        return self.language == "yaml" and self.title is None and "akid" not in load_yaml(self.text)


@dataclass(frozen=True, slots=True)
class Page:
    """A Markdown page and its blocks."""

    path: Path
    blocks: tuple[Block, ...]

    @classmethod
    def read(cls, path: Path | str) -> Page:
        text = Path(path).read_text(encoding="utf-8")
        included = _SNIPPET.sub(lambda match: _included(Path(path), match[1]), text)
        return cls(Path(path), tuple(map(_block, _FENCE.finditer(included))))

    def says(self, *words: str) -> bool:
        """Whether a block that runs has one of the words, or is a part of a description."""
        pattern = re.compile(rf"\b({'|'.join(words)})\b")
        running = [block for block in self.blocks if block.language in ("python", "yaml", "bash")]
        return any(block.partial or pattern.search(_run_text(block)) for block in running)


def run_page(page: Page, directory: Path) -> None:
    """Run all blocks of a page in a directory. What fails raises, with the page's file and line in the traceback."""
    module = ModuleType(f"page_{page.path.stem.replace('-', '_').lower()}")
    with contextlib.chdir(directory), _own_modules(directory):
        sys.modules[module.__name__] = module
        for block in page.blocks:
            if block.title:
                Path(block.title).parent.mkdir(parents=True, exist_ok=True)
                Path(block.title).write_text(block.text, encoding="utf-8")
            if block.language == "yaml":
                _check(block)
            elif block.language == "python" and block.title is None:
                padded = "\n" * (block.line - 1) + block.text
                exec(compile(padded, str(page.path), "exec"), vars(module))
            elif block.language == "bash":
                _shell(block.text)


def _block(match: re.Match[str]) -> Block:
    indent, language, attributes, body = match.groups()
    title = _TITLE.search(attributes)
    line = match.string.count("\n", 0, match.start()) + 2
    return Block(line, language, title[1] if title else None, re.sub(f"(?m)^{indent}", "", body))


def _included(page: Path, name: str) -> str:
    """The text of a file that a page includes."""
    found = next((folder / name for folder in page.resolve().parents if (folder / name).is_file()), None)
    assert found, f"{page} includes {name}, which no folder above it has"
    return found.read_text(encoding="utf-8")


def _run_text(block: Block) -> str:
    """What of a block runs."""
    if block.language != "bash":
        return block.text
    return "\n".join(line for line in block.text.splitlines() if line.startswith("akid "))


@contextlib.contextmanager
def _own_modules(directory: Path) -> Iterator[None]:
    """Modules in `directory` can be imported; those of this page are forgotten at the end."""
    before = set(sys.modules)
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if name.startswith("page_") or (file and Path(file).is_relative_to(directory)):
                del sys.modules[name]


def _check(block: Block) -> None:
    path = block.title or "page.yaml"
    if block.title and not {"space", "lists"}.isdisjoint(load_yaml(block.text)):
        from akid_core.bundled.tune.space import read_space

        read_space(path)
        return
    if block.title is None:
        # The distributions that settle a conflict (`providers`) need not be installed here.
        said = {key: value for key, value in load_yaml(block.text).items() if key != "providers"}
        whole = {**load_yaml(_SMALL), **said} if block.partial else said
        Path(path).write_text(dump_yaml(whole), encoding="utf-8")
    _akid(["check", path])


def _shell(text: str) -> None:
    for line in text.splitlines():
        program, *arguments = shlex.split(line, comments=True) or [""]
        if program == "akid":
            _akid(arguments)
        elif program == "python":
            runpy.run_path(arguments[0], run_name="__main__")
        elif program == "pytest":
            code = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", ".", *arguments])
            assert code == 0, f"{line} ended with {code}"
        elif "akid" in arguments:
            _check_options(arguments[arguments.index("akid") + 1 :])


def _akid(arguments: list[str]) -> None:
    code = main(arguments)
    assert code == 0, f"akid {shlex.join(arguments)} ended with {code}"


def _check_options(arguments: list[str]) -> None:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        _akid([arguments[0], "--help"])
    for option in (argument for argument in arguments if argument.startswith("--")):
        assert option in shown.getvalue(), f"akid {arguments[0]} knows no {option}"
