"""The light module of the NumPy backend."""

from __future__ import annotations

from akid_core.plugin_api import BackendInfo, hookimpl


@hookimpl
def akid_backends() -> list[BackendInfo]:
    return [
        BackendInfo(
            name="numpy",
            target="akid_core.bundled.numpy.backend:NumpyBackend",
            summary="Every layer by its portable definition, float32 or float64; the referee of the other backends.",
        )
    ]
