"""The format of a checkpoint: directory names, file names, and the manifest in `COMMIT.json`.

The manifest is `{"format", "akid", "step", "files": {name: sha256}, "digest"}`. Its own `digest` covers the rest, so
that all of a checkpoint is covered. Rule for all later formats: `format`, `akid` and `digest` keep their meaning.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from akid_core._version import __version__
from akid_core.errors import CorruptCheckpointError, NewerCheckpointError

FORMAT = 1
COMMIT = "COMMIT.json"
PARAMS, SLOTS, STATE = "params.safetensors", "slots.safetensors", "state.json"

_NAME = re.compile(r"step-(0|[1-9]\d*)(?:\.([1-9]\d*))?")


def directory_name(step: int, attempt: int) -> str:
    """`step-N`, or `step-N.1`, … where earlier attempts at step N exist."""
    return f"step-{step}.{attempt}" if attempt else f"step-{step}"


def parse_name(name: str) -> tuple[int, int] | None:
    """Step and attempt of a checkpoint directory; None for a name of another form."""
    match = _NAME.fullmatch(name)
    return (int(match[1]), int(match[2] or 0)) if match else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a committed checkpoint consists of: the SHA-256 of each file by name."""

    step: int
    files: Mapping[str, str]

    def encode(self) -> bytes:
        body = {"format": FORMAT, "akid": __version__, "step": self.step, "files": dict(self.files)}
        return json.dumps(body | {"digest": _digest(body)}, indent=1).encode()

    @classmethod
    def decode(cls, data: bytes, path: Path) -> Manifest:
        """Read the manifest of the checkpoint at `path`.

        Raises `CorruptCheckpointError` where bytes were changed, `NewerCheckpointError` for a later format.
        """
        try:
            body: dict[str, Any] = json.loads(data)
            intact = body.pop("digest") == _digest(body)
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise CorruptCheckpointError(f"Checkpoint {path} is corrupt: its {COMMIT} cannot be read.") from error
        if not intact:
            raise CorruptCheckpointError(
                f"Checkpoint {path} is corrupt: its {COMMIT} was changed after it was written."
            )
        if body["format"] > FORMAT:
            raise NewerCheckpointError(
                f"Checkpoint {path} was written by akid-core {body['akid']} in format {body['format']}; this is "
                f"akid-core {__version__}, which reads formats up to {FORMAT}. Upgrade: `pip install -U akid-core`."
            )
        return cls(step=body["step"], files=body["files"])


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
