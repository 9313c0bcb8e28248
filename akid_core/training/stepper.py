"""Stepper: a Brain with feedback, step by step; what it carries is kept from each call to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from akid_core.backends.contract import Arrays, Network
from akid_core.backends.plan import Execution
from akid_core.errors import DataError, UnknownNameError, suggest
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Line
from akid_core.specs.tensor import TensorSpec

if TYPE_CHECKING:
    from akid_core.training.kid import Kid

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


class Stepper:
    """Runs a Kid's Brain on one stretch of each sequence after the other: `stepper = kid.stepper(); y = stepper(x)`.

    A stretch may be one step, as in generation, or many; an `Unroll` begins with what it ended with in the call before,
    whatever it does in training, and so does what is delayed outside. The parameters are those with which the Kid
    predicted when the Stepper was made.

    `carried`: by name what the next call takes, each (rows, …); empty before the first call, which takes the initial
    values. It may be kept and set, so that several continuations begin at one place.
    """

    def __init__(self, kid: Kid) -> None:
        self._kid = kid
        with kid.averaged():
            self._params = kid.network.read()
        self._networks: dict[Shapes, Network] = {}
        self.carried: Arrays = {}

    def __call__(self, inputs: np.ndarray | Mapping[str, np.ndarray]) -> Any:
        """The outputs for the next stretch, in the form of `kid.predict`.

        `inputs`: (rows, …), or a mapping by the names of the Brain's inputs. Raises `DataError` for another number of
        rows than is carried.
        """
        fields = self._named(inputs)
        network = self._network(fields)
        graph, rows = network.graph, len(next(iter(fields.values())))
        self._check(graph.lines)
        for name, line in graph.lines.items():
            fields[name] = self.carried[name] if name in self.carried else self._initial(line, rows)
            if len(fields[name]) != rows:
                raise DataError(
                    f"{len(fields[name])} sequences are under way, and {rows} rows were given: give one row for each, "
                    "or begin anew with stepper.reset()."
                )
        newest = [line.newest for line in graph.lines.values()]
        values = network.values(fields, [*graph.outputs.values(), *newest])
        outputs = dict(zip(graph.outputs, values, strict=False))
        self.carried = dict(zip(graph.lines, values[len(outputs) :], strict=True))
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def _check(self, lines: Mapping[str, Line]) -> None:
        """Raise `UnknownNameError` or `DataError` where what is carried is not what the next step takes."""
        for name, values in self.carried.items():
            if name not in lines:
                raise UnknownNameError(
                    f"Nothing that is carried is called {name!r}.{suggest(name, lines)} There are: "
                    f"{', '.join(lines) or 'none'}."
                )
            if np.shape(values)[1:] != lines[name].spec.row:
                raise DataError(f"{name!r} is {lines[name].spec}, and was set to an array {np.shape(values)}.")
        missing = [name for name in lines if name not in self.carried]
        if self.carried and missing:
            raise DataError(f"carried lacks {missing[0]!r}: set all of {', '.join(lines)}, or begin anew with reset().")

    def reset(self) -> None:
        """Begin anew, with the initial values."""
        self.carried = {}

    def _named(self, inputs: Any) -> dict[str, np.ndarray]:
        names = self._kid.config.brain.input_names
        if not isinstance(inputs, Mapping):
            if len(names) != 1:
                raise DataError(f"This brain has several inputs ({', '.join(names)}): give a mapping by name.")
            inputs = {names[0]: inputs}
        return {name: np.asarray(values) for name, values in inputs.items()}

    def _network(self, fields: Mapping[str, np.ndarray]) -> Network:
        """The network for stretches of these sizes."""
        key = tuple((name, values.shape[1:]) for name, values in fields.items())
        if key not in self._networks:
            self._networks[key] = self._live(fields)
        return self._networks[key]

    def _live(self, fields: Mapping[str, np.ndarray]) -> Network:
        kid = self._kid
        specs = {}
        for name, values in fields.items():
            known = kid.graph.inputs.get(name)
            dtype, axes = (known.dtype, known.axes) if known is not None else (str(values.dtype), "")
            specs[name] = TensorSpec(("N", *values.shape[1:]), dtype, axes if len(axes) == values.ndim else "")
        graph = _of_any_length(kid.config.brain).resolve(specs, losses=False, stepwise=True)
        asked = replace(Execution(), device=kid.config.execution.device, threads=kid.config.execution.threads)
        network = kid.backend.network(graph, kid.backend.plan(asked, graph), kid.config.seed)
        network.place(asked.device)
        network.fill({path: value for path, value in self._params.items() if path in network})
        return network

    def _initial(self, line: Line, rows: int) -> np.ndarray:
        value = self._params[line.initial] if isinstance(line.initial, str) else line.initial
        return np.broadcast_to(np.asarray(value, line.spec.dtype), (rows, *line.spec.row))


def _of_any_length(brain: Brain) -> Brain:
    """The Brain for stretches: a size that it states along T is that of the whole sequences that it was trained on."""
    if not brain.input_specs:
        return brain
    stated = {}
    for name, spec in brain.input_specs.items():
        letters = spec.axes or " " * spec.rank
        sizes = ("T" if letter == "T" else size for letter, size in zip(letters, spec.shape, strict=True))
        stated[name] = replace(spec, shape=tuple(sizes))
    return replace(brain, inputs=stated)
