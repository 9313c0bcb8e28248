"""Replay: find the block that made a loss infinite or not a number.

Training keeps nothing for this case. The steps since the newest checkpoint (or since the beginning) are taken again,
which gives the same values to the bit, and at the failing step every value of the network is looked at in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from akid_core.data.batch import Batch
from akid_core.data.source import Source
from akid_core.errors import CheckpointError, NonFiniteError
from akid_core.graph.resolved import Call, Value
from akid_core.specs.layer import Loss

if TYPE_CHECKING:
    from akid_core.training.run import Run


_ADVICE = " A lower learning rate, clip_norm, or a look at the data usually helps."

_LOOK = " Is that what the block takes? If so, a lower learning rate or clip_norm usually helps."


def raise_non_finite(run: Run, step: int) -> NoReturn:
    """Raise `NonFiniteError` naming the step and the block; leaves the Kid as it was before that step."""
    try:
        since = run.keeper.rewind()
    except CheckpointError as error:
        raise NonFiniteError(f"Step {step} is not finite; which block is to blame remains open. {error}") from error
    for index in range(since, step):
        run.take(run.train.span(index, 1))
    run.state.step = step
    rates = ", ".join(f"{rate:g}" for rate in run.learning_rates(max(step - 1, since), 1)[0])
    cause, advice = _cause(run, step)
    raise NonFiniteError(
        f"Step {step} is not finite: {cause} (replayed from step {since}; learning rate {rates}).{advice}"
    )


def _cause(run: Run, step: int) -> tuple[str, str]:
    """What is to blame, and what usually helps where that is not plain."""
    network = run.strategy.network
    broken = [path for path, value in network.read().items() if not np.isfinite(value).all()]
    if broken:
        block = broken[0].rpartition("/")[0]
        return f"block {block!r}, whose parameter {broken[0]!r} the update of step {step - 1} spoilt", _ADVICE
    batch = run.train.span(step, 1).batch(0)
    for field, values in batch.fields.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            row = run.train.source.row_name(int(batch.rows[_first_bad(values)]))
            return f"field {field!r} of the data holds such a value already, in {row} of the source", ""
    calls = run.graph.calls + run.graph.losses
    targets = [Value(call.path, output) for call in calls for output in range(len(call.out_specs))]
    fields = {**batch.fields, Batch.WEIGHTS: batch.weights}
    for target, value in zip(targets, network.values(fields, targets, training=True, step=step), strict=True):
        if not np.isfinite(value).all():
            blamed = f"block {target.source!r} is the first whose output is infinite or not a number"
            call = run.graph.by_path[target.source]
            if label := _wrong_label(call, batch, run.train.source):
                return f"{blamed}: {label}", ""
            taken = _taken(call, value, batch, run.train.source)
            return (f"{blamed}, where {taken}", _LOOK) if taken else (blamed, _ADVICE)
    return "every block's output is finite, so the sum of the losses overflowed", _ADVICE


def _first_bad(values: np.ndarray) -> int:
    """The first row of (n, …) that holds a value that is not finite."""
    return int(np.argmin(np.isfinite(values).reshape(len(values), -1).all(axis=1)))


def _taken(call: Call, value: np.ndarray, batch: Batch, rows: Source) -> str:
    """In words, the labels or indices of the data that a block took where its output is not a number."""
    inputs = zip(call.inputs, call.in_specs, strict=True)
    chosen = call.inputs[1:] if isinstance(call.layer, Loss) else [each for each, spec in inputs if not spec.floating]
    bad, told = np.isnan(value), []
    for source in dict.fromkeys(each.source for each in chosen if each.source in batch.fields):
        field = batch.fields[source]
        there = bad.any(axis=tuple(range(field.ndim, bad.ndim)))
        if there.any():
            place = np.unravel_index(np.argmax(there), there.shape)
            text = np.array2string(np.asarray(field[place]), threshold=8)
            told.append(f"{source!r} in {rows.row_name(int(batch.rows[place[0]]))} of the source is {text}")
    return " and ".join(told)


def _wrong_label(call: Call, batch: Batch, rows: Source) -> str:
    """In words, the first label of a loss over classes that names none of them; empty if there is no such label."""
    if len(call.in_specs) < 2 or call.in_specs[1].rank != call.in_specs[0].rank - 1:
        return ""
    classes = call.in_specs[0].shape[-1]
    labels, *mask = (batch.fields.get(value.source) for value in call.inputs[1:3])
    if classes == 1 or not isinstance(classes, int) or labels is None or labels.dtype.kind not in "iu":
        return ""
    wrong = ((labels < 0) | (labels >= classes)) & (labels != getattr(call.layer, "ignore_index", None))
    for counts in (batch.weights, *mask):
        if counts is not None:
            wrong &= (counts != 0).reshape(*counts.shape, *(1,) * (wrong.ndim - counts.ndim))
    if not wrong.any():
        return ""
    first = np.unravel_index(np.argmax(wrong), wrong.shape)
    row = rows.row_name(int(batch.rows[first[0]]))
    place = f"{call.inputs[1].source!r} in {row} of the source is {labels[first]}"
    return f"{place}, and the scores have {classes} classes, 0 to {classes - 1}"
