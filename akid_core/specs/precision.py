"""Which number types a Brain uses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Precision:
    """Types of the parameters, of the computation, and of reductions (softmax, losses, norm statistics)."""

    params: str = "float32"
    compute: str = "float32"
    reductions: str = "float32"

    @classmethod
    def of(cls, dtype: str) -> Precision:
        """One type for everything: `Precision.of("float64")`."""
        return cls(dtype, dtype, dtype)
