"""What augmenters do to the rows of a Sensor, in words."""

from __future__ import annotations

from akid_core.data.augmentation import Augmentation
from akid_core.graph.summary import settings_text


def steps(augmentation: Augmentation) -> list[tuple[str, str, str]]:
    """For each stage: its path, its augmenter with the settings, and the fields that look different after it."""
    rows, spec = [], augmentation.before
    for stage in augmentation.stages:
        changed = [f"{name} {after}" for name, after in stage.spec.items() if spec.get(name) != after]
        rows.append((stage.path, settings_text(stage.augmenter), ", ".join(changed)))
        spec = stage.spec
    return rows
