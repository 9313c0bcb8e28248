"""Part: what has arrived of a file so far, kept for the next attempt."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Origin:
    """Where a part came from: the address, its strong validator (ETag or date) if any, and all the file's bytes."""

    url: str = ""
    validator: str = ""
    total: int | None = None


@dataclass(frozen=True)
class Part:
    """A folder of its own beside the final file, so that nothing unfinished ever bears a name that somebody reads."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def _record(self) -> Path:
        return self.folder / "origin.json"

    def origin(self) -> Origin:
        """Where the bytes came from; without an address where there are none, or none that can be continued."""
        try:
            return Origin(**json.loads(self._record.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Origin()

    def size(self) -> int:
        """How many bytes can be continued."""
        return self.data.stat().st_size if self.data.is_file() and self.origin().url else 0

    def begin(self, origin: Origin) -> None:
        """Forget what there is and start anew with bytes of `origin`."""
        self._record.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data.write_bytes(b"")
        self._record.write_text(json.dumps(asdict(origin)), encoding="utf-8")

    def tidy(self) -> None:
        """Remove what a killed process left besides the part."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.iterdir():
            if path not in (self.data, self._record):
                path.unlink()

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
