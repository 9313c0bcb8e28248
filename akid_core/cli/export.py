"""`akid export RUN_DIR PATH --to FORMAT`: a trained network in another format."""

from __future__ import annotations

import argparse
from pathlib import Path


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="akid export",
        description="Write what a run predicts with in a format that lives without akid; what `akid predict` takes.",
    )
    parser.add_argument("run_dir", metavar="RUN_DIR", help="a directory that `akid practice` made")
    parser.add_argument("path", metavar="PATH", type=Path, help="where to write")
    parser.add_argument(
        "--to", metavar="FORMAT", required=True, help="onnx, torch_export, saved_model, or what a plugin adds"
    )
    parser.add_argument("--newest", action="store_true", help="the newest checkpoint, even if the best one is tracked")
    options = parser.parse_args(arguments)

    from akid_core.backends.export import outside
    from akid_core.plugins import default_manager
    from akid_core.training.export import exporting_backend
    from akid_core.training.stored import kid_of_run

    backend = exporting_backend(default_manager().registry, options.to)
    kid, checkpoint = kid_of_run(options.run_dir, backend=backend, newest=options.newest, prediction=True)
    kid.export(options.path, to=options.to)
    inputs = {name: str(outside(spec)) for name, spec in kid.graph.asked.items()}
    outputs = {name: str(outside(kid.graph.spec(value))) for name, value in kid.graph.outputs.items()}
    print(f"wrote {options.path} (step {checkpoint.step}): {_listed(inputs)} -> {_listed(outputs)}")
    return 0


def _listed(specs: dict[str, str]) -> str:
    return ", ".join(f"{name} {spec}" for name, spec in specs.items())
