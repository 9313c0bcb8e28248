"""Amount: how many rows a setting asks for, as a number of them or as a fraction of all."""

from __future__ import annotations

from akid_core.data.source import Source
from akid_core.errors import ConfigurationError

Amount = int | float
"""A number of rows (1, 2, …), or a fraction of them below 1."""


def check_amount(name: str, wanted: Amount | None) -> None:
    """Raise `ValueError` for what is neither a number of rows nor a fraction; None says nothing."""
    if wanted is not None and not (0 < wanted < 1 or (wanted >= 1 and not isinstance(wanted, float))):
        raise ValueError(f"{name} must be a number of rows (1, 2, …) or a fraction of them below 1, got {wanted}")


def amount(wanted: Amount, size: int) -> int:
    """How many rows of `size` that is; a fraction of them is rounded, but to at least one where there are any."""
    return min(size, max(1, round(wanted * size))) if wanted < 1 else int(wanted)


def check_enough(source: Source, asked: str, rows: int, size: int) -> None:
    """Raise `ConfigurationError` where `asked` is about more `rows` than there are."""
    if rows > size:
        raise ConfigurationError(
            f"{asked} asks for {rows} rows of the source '{source.component()}', whose split '{source.split}' has "
            f"{size}; ask for at most {size}."
        )
