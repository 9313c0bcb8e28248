"""Place: where data lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_dir

VARIABLE = "AKID_DATA_DIR"
"""The environment variable that names the folder for data sets and for what is computed from them."""

OFFLINE = "AKID_OFFLINE"
"""The environment variable that forbids downloads."""


def data_dir() -> Path:
    """The folder that `AKID_DATA_DIR` names, else `akid` in the platform's folder for caches. It may not exist yet."""
    named = os.environ.get(VARIABLE, "")
    return Path(named).expanduser() if named else Path(user_cache_dir("akid", appauthor=False))


@contextmanager
def without_downloads() -> Iterator[None]:
    """Downloads are forbidden inside, whatever the environment says."""
    before = os.environ.get(OFFLINE)
    os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[OFFLINE]
        else:
            os.environ[OFFLINE] = before
