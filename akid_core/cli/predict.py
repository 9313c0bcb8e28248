"""`akid predict RUN_DIR --input x.npy`: outputs of a trained network for new rows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="akid predict", description="Compute a run's outputs for rows in .npy or .npz files.")
    parser.add_argument("run_dir", metavar="RUN_DIR")
    parser.add_argument("--input", required=True, type=Path, help="x.npy (one input), or x.npz (arrays by input name)")
    parser.add_argument("--output", type=Path, help="where to write (.npy, or .npz for several outputs); default: print")
    parser.add_argument("--backend", help="another backend than the run's")
    parser.add_argument("--newest", action="store_true", help="the newest checkpoint, even if the best one is tracked")
    options = parser.parse_args(arguments)

    from akid_core.training.stored import kid_of_run

    kid, _ = kid_of_run(options.run_dir, backend=options.backend, newest=options.newest)
    _write(kid.predict(_read(options.input)), options.output)
    return 0


def _read(path: Path) -> Any:
    import numpy as np

    from akid_core.errors import DataError

    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as .npy or .npz: {error}.") from error
    return dict(loaded.items()) if hasattr(loaded, "items") else loaded


def _write(outputs: Any, target: Path | None) -> None:
    import numpy as np

    several = isinstance(outputs, dict)
    if target is None:
        for name, values in outputs.items() if several else [("", outputs)]:
            print(f"{name}:\n{values}" if name else values)
        return
    partial = target.with_name(f".{target.name}.partial")
    with partial.open("wb") as file:
        if several:
            np.savez(file, **outputs)
        else:
            np.save(file, outputs)
    partial.replace(target)
    print(f"wrote {target}")
