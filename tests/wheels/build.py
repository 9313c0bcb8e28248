"""Build the wheels of all distributions: `python build.py CHECKOUT WHEELS`.

From a copy, so that nothing left over in a `build/` folder gets into a wheel, and the checkout stays as it is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def build(checkout: Path, wheels: Path) -> None:
    shutil.rmtree(wheels, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(
            checkout, copy, ignore=shutil.ignore_patterns(".*", "build", "__pycache__", "*.egg-info", "runs")
        )
        sources = [copy, *sorted(path.parent for path in copy.glob("plugins/*/pyproject.toml"))]
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, *sources]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
