"""Weights of Keras as arrays by name, for `network.load(arrays, layout="keras")` and `Start(layout="keras")`."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import h5py
import numpy as np

from akid_core.errors import CheckpointError
from akid_tf.variables import is_keras

_LEAVES = {
    "batch_normalization": (("gamma", "beta", "moving_mean", "moving_variance"), ("moving_mean", "moving_variance")),
    "cell": (("kernel", "recurrent_kernel", "bias"), ("kernel", "recurrent_kernel")),
    "embedding": (("embeddings",),),
    "group_normalization": (("gamma", "beta"),),
    "layer_normalization": (("gamma", "beta"),),
    "p_re_lu": (("alpha",),),
    "separable_conv": (("depthwise_kernel", "pointwise_kernel", "bias"), ("depthwise_kernel", "pointwise_kernel")),
}
"""What a file of weights only numbers, by the class of the layer as the file has it, for each number of variables."""

_OTHERS = (("kernel", "bias"), ("kernel",))


def read(source: Any) -> dict[str, np.ndarray]:
    """The arrays of a Keras model or layer, of a file `.keras`, or of one `.weights.h5`, by Keras's own paths.

    A path is made of the names of layers: `conv1/kernel`, `lstm/lstm_cell/kernel`. Of a file no code is run, so its
    layers may be of any class. Raises `CheckpointError` for what cannot be read, or is something else.
    """
    if is_keras(source):
        return _held(source)
    path = Path(source)
    try:
        if path.name.endswith(".weights.h5"):
            return _stored(path)
        if path.suffix == ".keras":
            with ZipFile(path) as archive:
                return _stored(io.BytesIO(archive.read("model.weights.h5")))
    except (OSError, BadZipFile, KeyError) as error:
        said = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise CheckpointError(f"{path} cannot be read as weights of Keras: {said}.") from error
    raise CheckpointError(f"{path} is no file of Keras's: give a model, or a file .keras or .weights.h5.")


def _held(layer: Any) -> dict[str, np.ndarray]:
    """By paths as in a file, which do not begin with the name of the whole, without the state of random generators."""
    whole = f"{layer.name}/"
    variables = [variable for variable in layer.variables if not variable.path.endswith("seed_generator_state")]
    inside = all(variable.path.startswith(whole) for variable in variables)
    found: dict[str, np.ndarray] = {}
    for variable in variables:
        path = variable.path.removeprefix(whole) if inside else variable.path
        if path in found:
            raise CheckpointError(
                f"Two variables are called {path!r}: save the model with save_weights, and read that file."
            )
        found[path] = variable.value.numpy()
    return found


def _stored(source: Path | io.BytesIO) -> dict[str, np.ndarray]:
    """Every array under its path; each group notes the name of its layer beside the numbered variables."""
    found: dict[str, np.ndarray] = {}

    def visit(group: h5py.Group, way: tuple[str, ...]) -> None:
        for name, child in group.items():
            if name == "vars":
                found.update(_variables(child, way, group.name.rpartition("/")[2]))
            elif isinstance(child, h5py.Group):
                own = child["vars"].attrs.get("name", name) if "vars" in child else None
                visit(child, way if own is None else (*way, own))

    with h5py.File(source) as file:
        visit(file, ())
    return found


def _variables(group: h5py.Group, way: tuple[str, ...], stored_as: str) -> dict[str, np.ndarray]:
    """The variables of one layer; they keep their numbers where these say too little, as of a norm without scale."""
    known = _LEAVES.get(re.sub(r"(_?[123]d)?(_\d+)?$", "", stored_as), _OTHERS)
    leaves = next((leaves for leaves in known if len(leaves) == len(group)), tuple(map(str, range(len(group)))))
    return {"/".join([*way, leaves[int(number)]]): np.asarray(array) for number, array in group.items()}
