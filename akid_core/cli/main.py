"""The program `akid`: finds the sub-command, calls it, and turns errors into one paragraph and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from akid_core._version import __version__
from akid_core.cli.output import table
from akid_core.errors import (
    EXIT_DONE,
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    AkidError,
    AkidWarning,
    UnknownNameError,
    UsageError,
    whole,
)
from akid_core.plugins import default_manager


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `akid` with the given arguments (those of the process by default) and return its exit code.

    An `AkidError` is one paragraph on standard error; with AKID_TRACEBACK=1 it is the whole traceback.
    """
    try:
        with _told_warnings():
            code = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()  # so that a reader who left is noticed here
        return code
    except SystemExit as stop:  # how argparse ends after --help and wrong usage
        return _code(stop.code)
    except KeyboardInterrupt:
        print("akid: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read the output has seen enough; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except AkidError as error:
        if os.environ.get("AKID_TRACEBACK", "") not in ("", "0"):
            traceback.print_exc()
        else:
            print("akid:", whole(error), file=sys.stderr)
        return error.exit_code


def _run(arguments: list[str]) -> int:
    if arguments and not arguments[0].startswith("-"):
        return _command(arguments[0])(arguments[1:])
    parser = argparse.ArgumentParser(prog="akid", usage="akid [--help] [--version] COMMAND …", add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.version:
        print(f"akid {__version__}")
    elif asked.help:
        print(_help(parser.usage or ""))
    else:
        raise UsageError(f"which command? One of {', '.join(default_manager().registry.names('command'))}.")
    return EXIT_DONE


@contextmanager
def _told_warnings() -> Iterator[None]:
    """Inside, every `AkidWarning` is one line on standard error, once."""
    told: set[str] = set()
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, AkidWarning):
                others(message, category, filename, lineno, file, line)
            elif str(message) not in told:
                told.add(str(message))
                print(f"akid: {message}", file=sys.stderr)

        warnings.simplefilter("always", AkidWarning)
        warnings.showwarning = show
        yield


def _code(code: object) -> int:
    """The exit code that Python itself would give `sys.exit(code)`."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
        return EXIT_FAILURE
    return code if isinstance(code, int) else EXIT_DONE


def _command(name: str) -> Callable[[list[str]], int]:
    """The function of a sub-command; its module is imported here and not before."""
    try:
        command: Callable[[list[str]], int] = default_manager().registry.get("command", name)
    except UnknownNameError as error:
        raise UsageError(f"{error} More: akid --help.") from None
    return command


def _help(usage: str) -> str:
    commands = [(f"  {item.info.name}", item.info.summary) for item in default_manager().registry.infos("command")]
    return "\n".join(
        [
            f"usage: {usage}",
            "",
            "One network, declared once as named blocks, on PyTorch, TensorFlow or NumPy; every part a plugin.",
            "",
            table(("commands:", ""), commands),
            "",
            "Each command explains itself: akid COMMAND --help. To begin: akid practice digits",
        ]
    )
