"""Window: what part of each picture is looked at, and which way round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Fill = float | tuple[float, ...]
"""A value for what lies outside of a picture, or one for each channel."""


@dataclass(frozen=True, slots=True)
class Window:
    """Lines `top` to `top + height` and columns `left` to `left + width` of each of n pictures, then turned round.

    `top`, `left`: (n,) int64; negative, or too large, where the window reaches over the edge: there it shows `fill`.
    `upside_down`, `mirrored`: (n,) bool, whether the lines and the columns of what it shows change their order.
    `fills`: it may reach over the edge. `drops`: it may leave out a part of the picture.
    """

    height: int
    width: int
    top: np.ndarray
    left: np.ndarray
    upside_down: np.ndarray
    mirrored: np.ndarray
    fill: Fill = 0.0
    fills: bool = False
    drops: bool = False

    @classmethod
    def whole(cls, rows: int, height: int, width: int) -> Window:
        """The pictures as they are."""
        zeros, never = np.zeros(rows, np.int64), np.zeros(rows, bool)
        return cls(height, width, zeros, zeros, never, never)

    def then(self, after: Window) -> Window | None:
        """The one window that shows what `after` shows of what this one shows; None where none does."""
        if after.fills and (self.drops or (self.fills and self.fill != after.fill)):
            return None  # the later window shows its fill in places where the picture goes on, or two fills
        return Window(
            height=after.height,
            width=after.width,
            top=self.top + _seen(after.top, after.height, self.height, self.upside_down),
            left=self.left + _seen(after.left, after.width, self.width, self.mirrored),
            upside_down=self.upside_down ^ after.upside_down,
            mirrored=self.mirrored ^ after.mirrored,
            fill=after.fill if after.fills else self.fill,
            fills=self.fills or after.fills,
            drops=self.drops or after.drops,
        )


def _seen(start: np.ndarray, length: int, whole: int, turned: np.ndarray) -> np.ndarray:
    """Where a stretch of `length` begins, counted in the order from before `whole` lines were turned round."""
    return np.where(turned, whole - length - start, start)
