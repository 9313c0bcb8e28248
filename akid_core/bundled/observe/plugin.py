"""What the built-in plugin `observe` declares."""

from __future__ import annotations

from collections.abc import Iterator

from akid_core.plugin_api import ObserverInfo, hookimpl


@hookimpl
def akid_observers() -> Iterator[ObserverInfo]:
    yield ObserverInfo(
        name="tensorboard",
        target="akid_core.bundled.observe.tensorboard:Tensorboard",
        summary="scalars for TensorBoard, in the run directory",
        requires=("akid-core[observe]",),
    )
