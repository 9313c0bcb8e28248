"""The light module: what this distribution declares."""

from akid_core.plugin_api import BackendInfo, hookimpl


@hookimpl
def akid_backends() -> list[BackendInfo]:
    return [BackendInfo(name="strict", target="akid_strict.backend:StrictBackend", summary="the array API standard")]
