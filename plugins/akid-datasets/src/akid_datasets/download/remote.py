"""RemoteFile: where a file is to be had, and which bytes it must have."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from akid_core.data.place import OFFLINE
from akid_core.errors import ConfigurationError

PACKED = (".gz", ".bz2", ".xz")
"""Suffixes of files that are one other file, compressed."""

_NAME = re.compile(r"[^/\\]*[^/\\.][^/\\]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")


def offline() -> bool:
    """Whether `AKID_OFFLINE` forbids downloads."""
    return os.environ.get(OFFLINE, "").strip().lower() not in ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set.

    `urls` are tried in turn: the canonical address, then mirrors; none where a licence wants the user to get it.
    `digest` is "sha256:…" or "md5:…" of the file as it is downloaded, `raw_digest` of what it unpacks to: other packers
    make other bytes of one content, so a file found on this machine, packed or not, may fit either. `size` is in bytes.
    Raises `ConfigurationError` for a name with a folder in it, a digest or an address of another form.
    """

    name: str
    urls: tuple[str, ...]
    digest: str
    size: int | None = None
    raw_digest: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"The file '{self.name}' must have a name without a folder.")
        for digest in (self.digest, *filter(None, [self.raw_digest])):
            if not _DIGEST.fullmatch(digest):
                raise ConfigurationError(
                    f"The digest '{digest}' of '{self.name}' is neither 'sha256:' with 64 nor 'md5:' with 32 "
                    "hexadecimal digits in lower case."
                )
        for url in self.urls:
            if not url.startswith(("http://", "https://")):
                raise ConfigurationError(f"The address '{url}' of '{self.name}' is not an http or https URL.")

    @property
    def names(self) -> tuple[str, ...]:
        """What the file may be called on this machine: also as it is unpacked, where it is known what it unpacks to."""
        path = PurePath(self.name)
        unpacked = path.suffix in PACKED and bool(self.raw_digest)
        return (self.name, path.stem) if unpacked else (self.name,)

    def by_hand(self, folder: Path) -> str:
        """How to provide the file without akid: which bytes, where to put them, where they are to be had."""
        wanted = self.wanted(folder)
        return f"{wanted}; it is to be had from {' or '.join(self.urls)}." if self.urls else f"{wanted}."

    def wanted(self, folder: Path) -> str:
        """The same without where they are to be had, and without a full stop."""
        size = f"{self.size:,} bytes, " if self.size is not None else ""
        raw = "".join(f", or unpacked as '{name}' ({self.raw_digest})," for name in self.names[1:])
        return f"Put '{self.name}' ({size}{self.digest}){raw} into {folder}"
