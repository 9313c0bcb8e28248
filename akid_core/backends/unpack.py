"""What others keep in one array, or in several, and akid in one by one: recurrent layers and attention.

Each function takes a file's arrays by name and gives them with such parameters taken apart, under the names by which a
layout then finds them. What it does not know stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from akid_core.errors import CheckpointError

Arrays = Mapping[str, np.ndarray]

_RECURRENT = re.compile(r"(?P<block>.*?)\.?weight_hh_l(?P<layer>\d+)(?P<back>_reverse)?")


def torch_parts(arrays: Arrays) -> dict[str, np.ndarray]:
    """Parameters of `nn.LSTM`, `nn.GRU` and `nn.MultiheadAttention` as those of `LSTM`, `GRU`, `MultiHeadAttention`.

    `rnn.weight_ih_l0`, … become `rnn.weight`, `rnn.recurrent_weight`, `rnn.bias` and, for GRU, `rnn.recurrent_bias`; of
    a further layer or direction `rnn.l1.weight`, `rnn.l0_reverse.weight`. `att.in_proj_weight` becomes
    `att.query_weight`, `att.key_weight` and `att.value_weight`; `att.out_proj.weight` is `att.output_weight`.
    """
    found = dict(arrays)
    for name in arrays:
        if match := _RECURRENT.fullmatch(name):
            _torch_recurrent(found, match)
        elif name.endswith("in_proj_weight"):
            _torch_attention(found, name.removesuffix("in_proj_weight"))
    return found


def _torch_recurrent(found: dict[str, np.ndarray], match: re.Match[str]) -> None:
    suffix = f"_l{match['layer']}{match['back'] or ''}"
    prefix = f"{match['block']}." if match["block"] else ""
    if f"{prefix}weight_ih{suffix}" not in found:
        return  # not a recurrent layer of torch
    entering, recurrent = (found.pop(f"{prefix}weight_{side}{suffix}") for side in ("ih", "hh"))
    biases = [found.pop(f"{prefix}bias_{side}{suffix}", None) for side in ("ih", "hh")]
    here = prefix if suffix == "_l0" else f"{prefix}{suffix[1:]}."
    found[f"{here}weight"], found[f"{here}recurrent_weight"] = entering, recurrent
    if biases[0] is not None and biases[1] is not None:
        found.update(_joined(here, biases[0], biases[1], units=recurrent.shape[1]))


def _torch_attention(found: dict[str, np.ndarray], prefix: str) -> None:
    entering, bias = found.pop(f"{prefix}in_proj_weight"), found.pop(f"{prefix}in_proj_bias", None)
    for number, name in enumerate(("query", "key", "value")):
        found[f"{prefix}{name}_weight"] = np.split(entering, 3)[number]
        if bias is not None and name != "key":  # a bias of the keys moves all scores of a step alike
            found[f"{prefix}{name}_bias"] = np.split(bias, 3)[number]
    for leaf in ("weight", "bias"):
        if f"{prefix}out_proj.{leaf}" in found:
            found[f"{prefix}output_{leaf}"] = found.pop(f"{prefix}out_proj.{leaf}")


def _joined(prefix: str, first: np.ndarray, second: np.ndarray, units: int) -> dict[str, np.ndarray]:
    """Two biases for each gate as one, but that GRU's new gate keeps both: its second one is inside the reset."""
    if len(first) == 4 * units:
        return {f"{prefix}bias": first + second}
    outside = np.concatenate([second[: 2 * units], np.zeros_like(second[2 * units :])])
    return {f"{prefix}bias": first + outside, f"{prefix}recurrent_bias": second[2 * units :]}


def keras_parts(arrays: Arrays) -> dict[str, np.ndarray]:
    """Parameters of Keras's LSTM, GRU (with `reset_after`) and MultiHeadAttention as akid's.

    `lstm/lstm_cell/kernel` becomes `lstm/kernel`; of GRU the gates z, r, n become r, z, n, and the two biases one and
    `recurrent_bias`. `att/query/kernel` (features, heads, size) becomes `att/query_weight`.
    """
    found: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        *above, leaf = name.split("/")
        inside = above[-1] if above else ""
        if inside.endswith("_cell"):
            prefix = "".join(f"{part}/" for part in above[:-1])
            found.update(_keras_gates(prefix, leaf, array) if inside.startswith("gru") else {prefix + leaf: array})
        elif attention := _keras_attention(above, leaf, array):
            found.update(attention)
        else:
            found[name] = array
    return found


def _keras_gates(prefix: str, leaf: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """The gates z, r, n as r, z, n. Raises `CheckpointError` for a bias of one row, that of another formula."""
    if leaf == "bias" and array.ndim == 1:
        raise CheckpointError(
            f"{prefix}{leaf} belongs to a Keras GRU with reset_after=False, which computes something else: akid's GRU "
            "is that of reset_after=True. Leave the layer out with `params`, or train it anew."
        )
    if array.shape[-1] % 3:
        return {prefix + leaf: array}
    update, reset, new = np.split(array, 3, axis=-1)
    ordered = np.concatenate([reset, update, new], axis=-1)
    if leaf == "bias" and array.ndim == 2:
        return _joined(prefix, ordered[0], ordered[1], units=array.shape[1] // 3)
    return {prefix + leaf: ordered}


def _keras_attention(above: list[str], leaf: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """The projection of `heads` axes as one of heads * size columns or rows; empty for anything else."""
    if not above or above[-1] not in ("query", "key", "value", "attention_output"):
        return {}
    name = above[-1].removeprefix("attention_")
    if (leaf, name) == ("bias", "key"):
        return {"/".join([*above, leaf]): array}
    if leaf == "kernel" and array.ndim == 3:
        array = array.reshape(-1, array.shape[2]) if name == "output" else array.reshape(array.shape[0], -1)
    elif leaf == "bias" and array.ndim <= 2:
        array = array.reshape(-1)
    else:
        return {}
    return {"/".join([*above[:-1], f"{name}_{'weight' if leaf == 'kernel' else 'bias'}"]): array}
