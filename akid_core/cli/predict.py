"""`akid predict RUN_DIR --input x.npy`: outputs of a trained network for new rows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from akid_core.cli.options import add_stored
from akid_core.errors import DataError, UsageError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="akid predict", description="Compute a run's outputs for rows in .npy or .npz files; no labels are needed."
    )
    add_stored(parser)
    parser.add_argument("--input", required=True, type=Path, help="x.npy (one input), or x.npz (arrays by input name)")
    parser.add_argument(
        "--output", type=Path, help="where to write: .npy, or .npz if there are several; default: print"
    )
    parser.add_argument("--raw", action="store_true", help="prepare the rows first, as the run does for evaluation")
    options = parser.parse_args(arguments)

    from akid_core.training.stored import kid_of_run

    inputs = _read(options.input)
    kid, _ = kid_of_run(
        options.run_dir, backend=options.backend, newest=options.newest, prediction=True, raw=options.raw
    )
    if options.raw:
        try:
            inputs = kid.prepare(inputs)
        except DataError as error:
            raise DataError(f"{options.input}: {error}") from error
    outputs = kid.predict(inputs)
    if options.output is not None:
        _write(outputs, options.output)
        print(f"wrote {options.output}")
    else:
        for name, values in outputs.items() if isinstance(outputs, dict) else [("", outputs)]:
            print(f"{name}:\n{values}" if name else values)
    return 0


def _read(path: Path) -> Any:
    from zipfile import BadZipFile

    import numpy as np

    try:
        loaded = np.load(path, allow_pickle=False)
        return dict(loaded.items()) if hasattr(loaded, "items") else loaded
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        said = str(getattr(error, "strerror", None) or error)  # whose further sentences advise what akid does not do
        raise DataError(f"{path} cannot be read as .npy or .npz: {said.partition('. ')[0].rstrip('.')}.") from error


def _write(outputs: Any, target: Path) -> None:
    """Write the whole file or none. Raises `UsageError` for a suffix that promises something else."""
    import numpy as np

    from akid_core.backends.export import draft

    suffix = ".npz" if isinstance(outputs, dict) else ".npy"
    if target.suffix != suffix:
        several = f"several outputs ({', '.join(outputs)})" if isinstance(outputs, dict) else "one output"
        raise UsageError(f"--output {target}: this brain has {several}, to be written as {suffix}.")
    with draft(target) as new:
        if isinstance(outputs, dict):
            np.savez(new, **outputs)
        else:
            np.save(new, outputs)
