"""What the tests of processes share: the module that processes import, and that nothing of them is left."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that processes import from, with the module `reading_kit`."""
    folder = tmp_path_factory.mktemp("kit")
    shutil.copy(Path(__file__).with_name("reading_kit.py"), folder)
    (folder / "reading_broken.py").write_text(
        "import os, sys\nif 'pytest' not in sys.modules: os._exit(5)\nthing = print"
    )
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in ("reading_kit", "reading_broken"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def kit(folder: Path) -> Any:
    return importlib.import_module("reading_kit")


@pytest.fixture(autouse=True)
def _nothing_is_left(kit: Any) -> Iterator[None]:
    multiprocessing.resource_tracker.ensure_running()  # Python's own, one for the life of a program
    before = kit.open_now()
    yield
    gc.collect()
    kit.until(lambda: kit.open_now() == before)
    assert kit.open_now() == before
