"""ONNX: what many runtimes read."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxscript  # noqa: F401  # what torch.onnx builds models with: where it is missing, that is said first
import torch
from onnx_ir import Model, Shape

from akid_core.backends.contract import Network
from akid_core.backends.export import draft
from akid_core.errors import ConfigurationError
from akid_torch.exporters.trace import Predictor, made

_LIMIT = 2**31 - 1
"""The bytes that one file may have."""


def export(network: Network, path: Path) -> None:
    """Write `.onnx`, with inputs and outputs under the names that they have in the Brain, for any number of rows.

    The file is checked by the rules of ONNX: some operations take fewer types there than in torch. Raises
    `ConfigurationError` for a brain that computes in bfloat16.
    """
    if network.graph.precision.compute == "bfloat16":
        raise ConfigurationError(
            "The brain computes in bfloat16, for which runtimes of ONNX have next to no kernels. Make a Kid of the "
            "same brain with precision float32, whose practice starts from this run (start: {path: RUN_DIR}), and "
            "export it; or export this one to torch_export."
        )
    with draft(path) as new:
        made(network, "ONNX", lambda predictor: _write(predictor, new))


def _write(predictor: Predictor, path: Path) -> None:
    size = sum(tensor.numel() * tensor.element_size() for tensor in predictor.parameters())
    if size > _LIMIT:
        raise ConfigurationError(
            f"A file of ONNX holds at most {_LIMIT:,} bytes, and the parameters take {size:,}: export to torch_export."
        )
    program = torch.onnx.export(
        predictor.trace(),
        input_names=[*predictor.inputs],
        output_names=[*predictor.outputs],
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # torch gives None where it is told to write the file
    _name_sizes(program.model, predictor)
    program.save(path)
    onnx.checker.check_model(path, full_check=True)


def _name_sizes(model: Model, predictor: Predictor) -> None:
    """Call symbolic sizes as the Brain does, instead of by the tracer's numbers."""
    graph, names = model.graph, {}
    for value, spec in zip(graph.inputs, predictor.inputs.values(), strict=True):
        for ours, theirs in zip(spec.shape, value.shape or (), strict=True):
            if isinstance(ours, str):
                names[str(theirs)] = ours
    for value in (*graph.inputs, *(output for node in graph for output in node.outputs)):
        if value.shape is not None:
            sizes = [size if isinstance(size, int) else str(size) for size in value.shape]
            value.shape = Shape([names.get(size, size) if isinstance(size, str) else size for size in sizes])
