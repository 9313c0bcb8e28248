"""Canonical cases: for every layer, loss and metric of the core at least one `Trial`, and what is awkward about it.

A layer that joins the core gets its cases here, in the module of its family; a test says which has none.
"""

from __future__ import annotations

from itertools import chain

from akid_core.testing.cases import images, measures, rows, sequences
from akid_core.testing.referee import Trial


def _by_layer() -> dict[str, tuple[Trial, ...]]:
    found: dict[str, list[Trial]] = {}
    for trial in chain(images.TRIALS, rows.TRIALS, sequences.TRIALS, measures.TRIALS):
        found.setdefault(trial.layer.component(), []).append(trial)
    return {name: tuple(trials) for name, trials in found.items()}


CASES = _by_layer()
"""The trials by the name of their layer; each has 5 rows."""
