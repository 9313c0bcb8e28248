"""`akid data check`: every row of every split, read once, and what cannot be read."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from akid_core.cli.data_named import named_source
from akid_core.cli.options import variables
from akid_core.data.rows import Rows
from akid_core.data.source import SPLITS, Source
from akid_core.errors import EXIT_DONE, EXIT_FAILURE, DataError, whole

ROWS = 64
"""How many rows are read at once, and how many must fail alike until the rest of a split is not tried."""


def check(options: argparse.Namespace) -> int:
    """Print what is wrong with each row that cannot be read; the exit code says whether there are any."""
    source = named_source(options.source, options.overrides, variables(options))
    source.fetch()
    sound = True
    for split in SPLITS:
        problems = 0
        for problem in _problems(replace(source, split=split)):
            print(problem, flush=True)
            problems += 1
        if problems:
            sound = False
            print(f"{split}: {problems} {'error' if problems == 1 else 'errors'}")
        else:
            print(f"{split}: {len(replace(source, split=split)):,} rows can be read")
    return EXIT_DONE if sound else EXIT_FAILURE


def _problems(source: Source) -> Iterator[str]:
    """One paragraph for each row that cannot be read, or for all where none can."""
    try:
        size = len(source)
        read = Rows(source) if size else None
    except DataError as error:
        yield whole(error)
        return
    for start in range(0, size, ROWS):
        rows = np.arange(start, min(start + ROWS, size))
        assert read is not None
        try:
            read(rows)
        except DataError as error:
            if source.sequential:  # it would be read from its beginning for each row
                yield whole(error)
                return
            broken = list(_one_by_one(read, rows))
            if len(broken) == ROWS and len({str(each) for each in broken}) == 1:
                yield f"{whole(error)} Rows {rows[0]} to {rows[-1]} fail alike; those after them are not tried."
                return
            yield from map(whole, broken or [error])  # rows that fail together alone are one error


def _one_by_one(read: Rows, rows: np.ndarray) -> Iterator[DataError]:
    for row in rows:
        try:
            read(row[np.newaxis])
        except DataError as error:
            yield error
