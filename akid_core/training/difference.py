"""The first difference between two configurations, in words."""

from __future__ import annotations

from typing import Any

from akid_core.config.values import shown


def difference(old: Any, new: Any, where: str = "") -> str:
    """Where two trees of plain data differ first, as `sensors.batch_size was 16 and is now 32`; empty if nowhere."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{where}.{key}" if where else key
            if key not in old:
                return f"{inner} is new ({shown(new[key])})"
            if key not in new:
                return f"{inner} is gone (it was {shown(old[key])})"
            if found := difference(old[key], new[key], inner):
                return found
        return ""
    if isinstance(old, list) and isinstance(new, list):
        pairs = enumerate(zip(old, new, strict=False))
        found = next((found for i, pair in pairs if (found := difference(*pair, f"{where}[{i}]"))), "")
        return found or ("" if len(old) == len(new) else f"{where} had {len(old)} items and now has {len(new)}")
    return "" if old == new else f"{where} was {shown(old)} and is now {shown(new)}"
