"""Import hygiene: which modules a piece of code pulls in, seen in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "kubernetes")
HEAVY = (*FRAMEWORKS, "numpy", "scipy", "pandas", "matplotlib", "PIL", "tensorboard", "safetensors", "ruamel", "tqdm")
"""Frameworks, plotting and data libraries: what naming or listing a component must not import."""

_REPORT = "\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)), file=sys.__stdout__)\n"


def modules_after(code: str) -> frozenset[str]:
    """The names in `sys.modules` after `code` ran in a new interpreter.

    Raises `AssertionError` with its output if the code fails.
    """
    ran = subprocess.run(
        [sys.executable, "-c", code + _REPORT],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert ran.returncode == 0, f"{code}\nended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
    return frozenset(json.loads(ran.stdout.splitlines()[-1]))


def modules_after_import(module: str) -> frozenset[str]:
    """The names in `sys.modules` after `import module`."""
    return modules_after(f"import {module}")


def modules_after_command(*arguments: str) -> frozenset[str]:
    """The names in `sys.modules` after `akid arguments…`, which must end with exit code 0."""
    return modules_after(f"from akid_core.cli.main import main\nassert main({list(arguments)!r}) == 0")


def found(modules: Iterable[str], forbidden: Iterable[str] = HEAVY) -> list[str]:
    """Which of the forbidden packages are among the modules."""
    return sorted(set(forbidden) & {name.partition(".")[0] for name in modules})
