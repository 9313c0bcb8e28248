"""One by one: functions that change a single row, for all rows of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Fields, Specs
from akid_core.errors import DataError
from akid_core.specs import TensorSpec

Change = Callable[[dict[str, np.ndarray], int], Mapping[str, np.ndarray]]
"""Makes of the fields of one row, by name, the changed ones; the integer is a seed of its own."""


@dataclass(frozen=True, kw_only=True)
class Gives:
    """What a function makes of a field: the shape of a row, and a type; None: as it was."""

    shape: tuple[int, ...] | None = None
    dtype: str | None = None


def check_gives(gives: Mapping[str, Gives], spec: Specs) -> None:
    """Raise `ValueError` where a new field is not said in full."""
    for name, given in gives.items():
        if name not in spec and (given.shape is None or given.dtype is None):
            raise ValueError(f"the new field '{name}' needs a shape and a dtype, got {given}")


def given_specs(gives: Mapping[str, Gives], spec: Specs) -> Specs:
    """All fields afterwards."""
    changed = dict(spec)
    for name, given in gives.items():
        before = spec.get(name, TensorSpec(("N",)))
        row = before.shape[1:] if given.shape is None else given.shape
        axes = before.axes if len(row) + 1 == before.rank else ""
        changed[name] = TensorSpec(("N", *row), given.dtype or before.dtype, axes)
    return changed


def one_by_one(
    change: Change, fields: Fields, names: Sequence[str], gives: Mapping[str, Gives], random: Draws, who: str
) -> Fields:
    """The fields that `change` makes of the rows of `names`, each row handed over as a copy.

    Raises `DataError` where a row is not what was said; an error of the function names its position.
    """
    promised = {name: _promised(name, fields, gives) for name in dict.fromkeys((*names, *gives))}
    result = {name: np.empty((len(random), *shape), dtype) for name, (shape, dtype) in promised.items()}
    for row, (seed, position) in enumerate(zip(random.seeds(), random.positions, strict=True)):
        given = {name: fields[name][row].copy() for name in names}
        try:
            changed = change(given, int(seed))
        except Exception as error:
            error.add_note(f"while '{who}' changed the row at position {position} of epoch {random.epoch}")
            raise
        if not isinstance(changed, Mapping):
            raise DataError(
                f"'{who}' at position {position} of epoch {random.epoch} gave a {type(changed).__name__}; it gives a "
                f"dictionary of the fields that it changes."
            )
        made = {**given, **changed}
        for name in {**made, **result}:
            _check(made, name, promised, f"'{who}' at position {position} of epoch {random.epoch}")
            result[name][row] = made[name]
    return result


def _promised(name: str, fields: Fields, gives: Mapping[str, Gives]) -> tuple[tuple[int, ...], np.dtype]:
    """The shape of a row and the type of a field afterwards."""
    given = gives.get(name, Gives())
    shape = fields[name].shape[1:] if given.shape is None else tuple(given.shape)
    return shape, fields[name].dtype if given.dtype is None else np.dtype(given.dtype)


def _check(
    made: Mapping[str, np.ndarray], name: str, promised: Mapping[str, tuple[tuple[int, ...], np.dtype]], where: str
) -> None:
    if name not in promised:
        raise DataError(f"{where} gave the field '{name}': say with `gives` what its shape and dtype are.")
    shape, dtype = promised[name]
    values = np.asarray(made[name]) if name in made else None
    if values is None or (values.shape, values.dtype) != (shape, dtype):
        found = "nothing" if values is None else f"{values.dtype}{list(values.shape)}"
        raise DataError(
            f"{where} gave {found} for the field '{name}', which should be {dtype}{list(shape)}; convert it in the "
            "function, or say with `gives` what comes out."
        )
