"""Typed errors: each says what was asked, where, what would be valid, and the way out.

On the command line an `AkidError` is one paragraph and ends the program with its `exit_code`; in Python it is an
ordinary exception. `suggest` is the one place that looks for the nearest known name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_DONE, EXIT_FAILURE, EXIT_USAGE, EXIT_TRY_AGAIN = 0, 1, 2, 75
EXIT_CONFIGURATION, EXIT_INTERRUPTED, EXIT_PREEMPTED = 78, 130, 143


class AkidError(Exception):
    """Any failure that akid can explain."""

    exit_code = EXIT_FAILURE


def whole(error: BaseException) -> str:
    """What an error says, and its notes: fragments, such as "in block 'a'", as one sentence, and whole sentences."""
    said, notes = str(error), getattr(error, "__notes__", ())
    fragments = [note for note in notes if note[:1].islower() and not note.endswith(".")]
    sentences = [note for note in notes if note not in fragments]
    if fragments:
        said += "" if not said or said.endswith((".", "!", "?")) else "."
        sentences = [f"It happened {', '.join(fragments)}.", *sentences]
    return " ".join(filter(None, [said, *sentences]))


class AkidWarning(UserWarning):
    """Something that a run copes with and its owner should know; on the command line, one line."""


class UsageError(AkidError):
    """The command line or a call was used in a way that cannot work."""

    exit_code = EXIT_USAGE


class ConfigurationError(AkidError):
    """A description (YAML, a Brain, settings) is wrong; nothing was run."""

    exit_code = EXIT_CONFIGURATION


class UnknownNameError(ConfigurationError):
    """A name that nobody provides; lists the known ones and how to install more."""


class UnknownOperationError(UnknownNameError, AttributeError):
    """An operation that is not among the portable ones."""


class GraphError(ConfigurationError):
    """A network that does not fit together."""


class DuplicateNameError(GraphError):
    """Two blocks of one System share a name."""


class AmbiguousNameError(GraphError):
    """A name that fits several blocks."""


class CycleError(GraphError):
    """Blocks that wait for each other without a delay."""


class SpecError(GraphError):
    """Inputs whose shapes, types or number a block does not take."""


class OpenSizeError(SpecError, ValueError):
    """Sizes beside the batch that are not known before a brain runs, where a block must know them."""


class PluginError(AkidError):
    """A plugin that could not be used."""

    exit_code = EXIT_CONFIGURATION


class PluginImportError(PluginError):
    """A plugin, or the target of a component, that does not import."""


class PluginConflictError(PluginError):
    """Two distributions provide one key."""


class PluginVersionError(PluginError):
    """A plugin made for another version of akid-core."""


class DataError(AkidError):
    """Data that is missing, empty, or not what its Source promised."""


class MissingFilesError(DataError):
    """Files of a data set that are not on this machine, where downloads are forbidden; `files` are their names."""

    def __init__(self, message: str, files: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.files = tuple(files)


class CheckpointError(AkidError):
    """A checkpoint that cannot be written or read."""


class CorruptCheckpointError(CheckpointError):
    """A checkpoint whose bytes are not those that were committed."""


class NewerCheckpointError(CheckpointError):
    """A checkpoint written by a later version of akid-core."""


class RunDirectoryError(ConfigurationError):
    """A run directory that is used, missing, or belongs to another Brain."""


class NonFiniteError(AkidError):
    """A loss or parameter became infinite or not a number."""


class TryAgainError(AkidError):
    """A failure outside the run (a peer, a file system): starting again may help."""

    exit_code = EXIT_TRY_AGAIN


_ELSEWHERE = {
    "cross_entropy": "softmax_cross_entropy",
    "linear": "dense",
    "lr": "learning_rate",
    "mse": "mean_squared_error",
    "out_channels": "channels",
    "out_features": "units",
    "filters": "channels",
    "kernel_size": "kernel",
    "strides": "stride",
    "p": "rate",
    "num_embeddings": "entries",
    "embedding_dim": "units",
    "num_groups": "groups",
    "swish": "silu",
    "dim": "axis",
    "cat": "concat",
    "gather": "take",
    "permute": "permute_dims",
    "transpose": "permute_dims",
    "eps": "epsilon",
    "wd": "weight_decay",
    "tf": "tensorflow",
    "pytorch": "torch",
}
"""What newcomers call things, having met them in other frameworks."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest of `known`, or an empty string."""
    near = closest(name, known)
    return f" Did you mean '{near}'?" if near else ""


def closest(name: str, known: Iterable[str]) -> str:
    """The nearest of `known`, or an empty string."""
    lowered = {candidate.lower(): candidate for candidate in known}
    elsewhere = _ELSEWHERE.get(name.lower(), "")
    near = [elsewhere] if elsewhere in lowered else difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[near[0]] if near else ""
