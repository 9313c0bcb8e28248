"""The first difference between two configurations, in words."""

from __future__ import annotations

from typing import Any


def difference(old: Any, new: Any, where: str = "") -> str:
    """Where two trees of plain data differ first, as `sensors.batch_size was 16 and is now 32`; empty if nowhere."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{where}.{key}" if where else key
            if key not in old:
                return f"{inner} is new ({new[key]!r})"
            if key not in new:
                return f"{inner} is gone (it was {old[key]!r})"
            if found := difference(old[key], new[key], inner):
                return found
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next((found for i, pair in pairs if (found := difference(*pair, f"{where}[{i}]"))), "")
    return "" if old == new else f"{where} was {old!r} and is now {new!r}"
