"""Pace: how fast rows go through, and how much of the time goes by waiting for them."""

from __future__ import annotations

import time

from akid_core.training.result import Values


class Pace:
    """What passed since the figures were last asked for. `rows`: of training, to be counted up."""

    def __init__(self) -> None:
        self.rows = 0
        self._since, self._waited = time.perf_counter(), 0.0

    def values(self, waited: float) -> Values:
        """The figures `examples_per_second` and `data_wait`, a share of 1; then counting begins anew.

        `waited`: the seconds that the data pipeline let wait since the practice began.
        """
        now = time.perf_counter()
        elapsed = max(now - self._since, 1e-9)
        values = {"examples_per_second": self.rows / elapsed, "data_wait": (waited - self._waited) / elapsed}
        self.rows, self._since, self._waited = 0, now, waited
        return values
