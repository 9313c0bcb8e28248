"""Deterministic runs: only kernels that give the same bits every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic as settings


@contextmanager
def deterministic() -> Iterator[None]:
    """Inside, torch takes deterministic kernels alone; afterwards the program's own setting comes back.

    A block that has none fails, and its error says so.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filling = settings.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True)
    settings.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # all memory is written before it is read
    try:
        yield
    except RuntimeError as error:
        if "deterministic" in str(error):
            error.add_note(
                "execution.deterministic asks for deterministic kernels alone: replace the block that has none, choose "
                "another device, or leave the setting out."
            )
        raise
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        settings.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
