"""Whole files: written beside their place, and moved there when they are complete."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which becomes `path` at the end, in place of what was there; after an error nothing is left.

    The folder is made where it is missing. Several processes may write one path: the last one counts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        written = Path(file.name)
        try:
            yield file
            file.close()
            written.chmod(0o644)  # temporary files are for their owner alone
            written.replace(path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
