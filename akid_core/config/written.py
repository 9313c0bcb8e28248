"""Text that knows where each part of it was written: what a template gives."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Self


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text of one origin: how many characters, and the file and line of the first of them.

    `runs`: the text lies in the file as it is, so that its line breaks are those of the file; else all of it comes from
    one line, such as the value of an expression. `file` is empty for text that was computed. `caller`: the place of the
    outermost expression that put the text where it is.
    """

    length: int
    file: str = ""
    line: int = 0
    runs: bool = False
    caller: tuple[str, int] | None = None

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}"
        if self.caller in (None, (self.file, self.line)):
            return place
        file, line = self.caller or ("", 0)
        return f"{place} (from {f'{file}, ' if file != self.file else ''}line {line})"


class Text(str):
    """A string with the origins of its parts; compares, counts and behaves as any other string.

    What makes a new string of it gives a plain one, but for those methods here that keep the origins.
    """

    pieces: tuple[Piece, ...]
    _starts: tuple[int, ...]

    def __new__(cls, text: str, pieces: Iterable[Piece] = ()) -> Self:
        self = super().__new__(cls, text)
        self.pieces = tuple(piece for piece in pieces if piece.length)
        self._starts = (0, *accumulate(piece.length for piece in self.pieces))
        return self

    def __str__(self) -> str:
        return self

    @classmethod
    def join_all(cls, parts: Iterable[str]) -> Text:
        """The parts one after the other."""
        parts = list(parts)
        return cls("".join(parts), (piece for part in parts for piece in pieces_of(part)))

    def place(self, index: int) -> str:
        """Where the character at `index` was written: `resnet.yaml.j2, line 7`; the nearest known place before it."""
        index = min(index, len(self) - 1)
        pieces = chain(self.cut(index, index + 1).pieces, self._before(index), self.pieces)
        return next((str(piece) for piece in pieces if piece.file), "line 1")

    def put(self, file: str, line: int) -> Text:
        """The same text where an expression at a place prints it: what was computed comes from there."""
        here = (file, line)
        return Text(
            self,
            (replace(piece, caller=here) if piece.file else Piece(piece.length, file, line) for piece in self.pieces),
        )

    def cut(self, start: int, stop: int) -> Text:
        """The characters from `start` up to `stop`."""
        pieces = []
        for number in range(max(bisect_right(self._starts, start) - 1, 0), len(self.pieces)):
            piece, begin, end = self.pieces[number], self._starts[number], self._starts[number + 1]
            if begin >= stop:
                break
            low, high = max(begin, start), min(end, stop)
            moved = self.count("\n", begin, low) if piece.runs else 0
            pieces.append(replace(piece, length=high - low, line=piece.line + moved))
        return Text(self[start:stop], pieces)

    def _before(self, index: int) -> Iterator[Piece]:
        """The pieces before a place, each at its end, the nearest first."""
        for end in reversed(self._starts[1 : bisect_right(self._starts, index)]):
            yield from self.cut(end - 1, end).pieces

    def changed(self, text: str) -> str:
        """What a function made of this text; with origins where it took a part, or left the line breaks in place."""
        if (start := self.find(text)) >= 0:
            return self.cut(start, start + len(text))
        if text.count("\n") != self.count("\n"):
            return text
        parts, begin = list[Text](), 0
        for new, old in zip(text.split("\n"), self.split("\n"), strict=True):
            end = begin + len(old)
            kept = len(old) if new.endswith(old) else 0
            added = len(new) - kept
            [origin] = self.cut(begin, begin + 1).pieces or (Piece(1),)
            parts += [Text(new[:added], [replace(origin, length=added)]), self.cut(end - kept, end + 1)]
            begin = end + 1
        return Text.join_all(parts)


def pieces_of(text: str) -> tuple[Piece, ...]:
    """The origins of a string; of a plain one, a single unknown one."""
    return text.pieces if isinstance(text, Text) else (Piece(len(text)),)
