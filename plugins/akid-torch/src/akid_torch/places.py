"""Places: where parameters lie in modules, and in what order of axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from akid_core.backends.contract import Place
from akid_core.errors import DataError


@dataclass(frozen=True)
class Home:
    """One parameter: its axes in the canonical layout and as they lie, and every (module, attribute) that holds it."""

    path: str
    axes: str
    lying: str
    holders: tuple[tuple[nn.Module, str], ...]

    @classmethod
    def of(cls, path: str, axes: str, places: Iterable[tuple[nn.Module, Place]]) -> Home:
        """The home of a parameter that lies at the given places, which are laid out alike."""
        located = [(locate(module, place.path), place.axes or axes) for module, place in places]
        return cls(path, axes, located[0][1], tuple(dict.fromkeys(holder for holder, _ in located)))

    @property
    def tensor(self) -> Tensor:
        """The live tensor."""
        module, attribute = self.holders[0]
        tensor: Tensor = getattr(module, attribute)
        return tensor

    @property
    def trained(self) -> bool:
        return isinstance(self.tensor, nn.Parameter) and self.tensor.requires_grad

    def freeze(self) -> None:
        """Let it take no gradient, now and when it is placed."""
        for module, attribute in self.holders:
            getattr(module, attribute).requires_grad_(False)

    def place(self, device: torch.device, channels_last: bool) -> None:
        """Give the parameter storage that all holders share, zero at first; one that came with values keeps them."""
        held = self.tensor
        if not held.is_meta:
            return
        # `empty` gives the strides of the format even to a single channel, by which convolutions tell it.
        form = torch.channels_last if channels_last and held.dim() == 4 else torch.contiguous_format
        tensor = torch.empty(held.shape, dtype=held.dtype, device=device, memory_format=form).zero_()
        if isinstance(held, nn.Parameter):
            tensor = nn.Parameter(tensor, requires_grad=held.requires_grad)
        for module, attribute in self.holders:
            setattr(module, attribute, tensor)

    def fill(self, tensor: Tensor, value: np.ndarray) -> None:
        """Set a tensor that lies like this parameter (itself, or a slot of it) in place, from the canonical layout."""
        expected = tuple(self.canonical(tensor).shape)
        if np.shape(value) != expected:
            raise DataError(f"{self.path!r} has shape {expected}, and was given {np.shape(value)}.")
        with torch.no_grad():
            self.canonical(tensor).copy_(torch.from_numpy(np.array(value)))

    def read(self, tensor: Tensor) -> np.ndarray:
        """A copy in the canonical layout."""
        return np.array(self.canonical(tensor.detach()).cpu().numpy(), order="C")

    def canonical(self, tensor: Tensor) -> Tensor:
        """A view with the canonical order of axes."""
        if self.lying == self.axes:
            return tensor
        return tensor.permute([self.lying.index(axis) for axis in self.axes])


@contextmanager
def standing_in(pairs: Iterable[tuple[Home, Tensor]]) -> Iterator[None]:
    """Inside the block modules see other tensors in the place of their parameters, such as some of another type.

    Written where modules keep them, past `nn.Module`'s own assignment, which takes a parameter for a parameter alone.
    """
    replaced = []
    for home, tensor in pairs:
        for module, attribute in home.holders:
            table = _table(module, attribute)
            replaced.append((table, attribute, table[attribute]))
            table[attribute] = tensor
    try:
        yield
    finally:
        for table, attribute, tensor in replaced:
            table[attribute] = tensor


def _table(module: nn.Module, attribute: str) -> dict[str, Any]:
    tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers, vars(module))
    return next(table for table in tables if attribute in table)


def locate(module: nn.Module, path: str) -> tuple[nn.Module, str]:
    """The module that holds a tensor, and the attribute there: `"1.weight"`."""
    *inside, attribute = path.split(".")
    return module.get_submodule(".".join(inside)), attribute
