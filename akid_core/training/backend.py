"""Which backend runs when none is named, and how a resumed run executes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from typing import Any

from akid_core.backends.contract import Backend
from akid_core.backends.plan import Execution, Plan
from akid_core.errors import UnknownNameError
from akid_core.plugin_api import BackendInfo
from akid_core.plugins.registry import Registry
from akid_core.training.report import warn


def choose_backend(registry: Registry) -> str:
    """The backend of highest priority whose modules are installed; nothing is imported."""
    infos = (item.info for item in registry.infos("backend"))
    usable = [info for info in infos if isinstance(info, BackendInfo) and importable(info)]
    if not usable:
        raise UnknownNameError("No backend is installed. Install one: pip install akid-torch, or akid-tf[cpu].")
    return max(usable, key=lambda info: (info.priority, info.name)).name


def importable(info: BackendInfo) -> bool:
    """Whether all modules that a backend needs are installed; nothing is imported."""
    return all(map(_installed, info.modules))


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a parent package is missing, or this is no name of a module
        return False


def stored_plan(state: Mapping[str, Any], backend: Backend, execution: Execution) -> Plan | None:
    """The plan of a checkpoint's state, so that arithmetic stays the same to the bit; None where another is asked for.

    Warns where what decides the arithmetic has another version by now.
    """
    asked = asdict(Execution()) | state["execution"]  # an older version knew fewer settings
    if state["plan"]["backend"] != backend.name or json.dumps(asked) != json.dumps(asdict(execution)):
        return None
    plan, versions = Plan(**state["plan"]), backend.versions()
    changed = [name for name in sorted({*plan.versions, *versions}) if plan.versions.get(name) != versions.get(name)]
    if changed:
        told = ", ".join(f"{name} was {plan.versions.get(name)} and is {versions.get(name)}" for name in changed)
        warn(f"The run goes on with other versions, so the last bits may differ from an undisturbed one: {told}.")
    return replace(plan, versions=versions)
