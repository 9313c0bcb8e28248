"""Checkpoints: exact, never half there, never overwritten."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import akid_core.checkpoints as package
from akid_core.checkpoints import (
    Checkpoint,
    LocalStore,
    Verified,
    committed,
    newest,
    newest_good,
    prune,
    write_checkpoint,
    write_weights,
)
from akid_core.checkpoints.manifest import COMMIT, FORMAT, Manifest
from akid_core.errors import CheckpointError, CorruptCheckpointError, NewerCheckpointError

FILES = (COMMIT, "params.safetensors", "slots.safetensors", "state.json")
PARAMS = {"conv1/weight": np.arange(12, dtype=np.float32).reshape(3, 4), "conv1/bias": np.array([-0.0, np.pi])}
SLOTS = {"momentum:conv1/weight": np.full((3, 4), 1e-40, dtype=np.float32)}
SOURCES = tuple(str(path) for path in Path(package.__file__).parent.glob("*.py"))


def write(directory: Path, step: int) -> Path:
    return write_checkpoint(directory, step, PARAMS, SLOTS, {"step": step})


def steps(directory: Path) -> list[int]:
    return [checkpoint.step for checkpoint in committed(directory)]


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def run_traced(action: Callable[[], object], event: Callable[[], object]) -> None:
    """Run `action`, calling `event` before each line of the checkpoint package that is executed."""

    def trace(frame: FrameType, kind: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in SOURCES:
            return None
        if kind == "line":
            event()
        return trace

    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(None)


def count_lines(action: Callable[[], object]) -> int:
    lines: list[None] = []
    run_traced(action, lambda: lines.append(None))
    return len(lines)


# --- round trip -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "uint8", "bool"])
def test_arrays_come_back_to_the_bit(tmp_path: Path, dtype: str) -> None:
    values = np.random.default_rng(0).integers(0, 2, size=(5, 7, 3)).astype(dtype)
    layouts = {
        "plain": values,
        "transposed": values.transpose(2, 0, 1),
        "strided": values[::2, ::-3],
        "fortran": np.asfortranarray(values),
        "number": np.asarray(values[0, 0, 0]),
        "empty": values[:0],
        "encoder/conv1/weight": values[0],
    }
    write_checkpoint(tmp_path, 0, layouts, {}, {})
    read = newest(tmp_path).params()
    assert read.keys() == layouts.keys()
    for name, array in layouts.items():
        assert same_bits(read[name], array), name


def test_special_numbers_and_foreign_byte_order(tmp_path: Path) -> None:
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, np.finfo(np.float64).max])
    write_checkpoint(tmp_path, 0, {"special": special, "big": special.astype(">f8")}, {}, {})
    read = newest(tmp_path).params()
    assert same_bits(read["special"], special)
    assert same_bits(read["big"], special)


def test_the_state_is_json_for_every_reader(tmp_path: Path) -> None:
    state = {"val": {"loss": float("nan"), "psnr": float("inf")}, "sums": np.array([-np.inf, 0.5])}
    path = write_checkpoint(tmp_path, 1, {}, {}, state)

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    text = (path / "state.json").read_text()
    assert json.loads(text, parse_constant=refuse)["val"] == {"loss": {"float": "nan"}, "psnr": {"float": "inf"}}
    read = newest(tmp_path).state
    assert math.isnan(read["val"].pop("loss"))
    assert read == {"val": {"psnr": math.inf}, "sums": [-math.inf, 0.5]}
    words = {"a": {"float": "other"}, "b": {"float": 1}, "c": {"float": "1", "int": "inf"}}
    write_checkpoint(tmp_path, 2, {}, {}, words)
    assert newest(tmp_path).state == words


def test_state_files_and_slots(tmp_path: Path) -> None:
    state = {
        "epoch": 3,
        "best": 0.1 + 0.2,
        "never": None,
        "worst": float("inf"),
        "sum": np.float32(0.1),
        "n": np.arange(3),
    }
    path = write_checkpoint(tmp_path, 7, PARAMS, SLOTS, state, {"plugin.bin": b"\x00\xff"})
    checkpoint = newest(tmp_path)
    assert (checkpoint.step, checkpoint.path, path.name) == (7, path, "step-7")
    assert checkpoint.state == {
        "epoch": 3,
        "best": 0.30000000000000004,
        "never": None,
        "worst": float("inf"),
        "sum": 0.10000000149011612,  # the float32 nearest to 0.1, exactly
        "n": [0, 1, 2],
    }
    assert same_bits(checkpoint.slots()["momentum:conv1/weight"], SLOTS["momentum:conv1/weight"])
    assert checkpoint.file("plugin.bin") == b"\x00\xff"
    with pytest.raises(CheckpointError, match=r"has no other\.bin; it holds params\.safetensors"):
        checkpoint.file("other.bin")


@pytest.mark.parametrize(
    ("state", "files", "error"),
    [({"object": object()}, {}, TypeError), ({}, {"a/b": b""}, ValueError), ({}, {"state.json": b""}, ValueError)],
)
def test_what_cannot_be_saved_leaves_nothing(tmp_path: Path, state: Any, files: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        write_checkpoint(tmp_path, 0, PARAMS, SLOTS, state, files)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert committed(nowhere) == []
    assert newest(nowhere) is None
    assert newest_good(nowhere, pytest.fail) is None


def test_order_is_by_number_and_strangers_are_left_alone(tmp_path: Path) -> None:
    for step in (9, 100, 10):
        write(tmp_path, step)
    for name in ("step-x", "step-3.0", "step-007", "other"):
        shutil.copytree(tmp_path / "step-9", tmp_path / name)
    (tmp_path / "step-5").write_text("a file, not a directory")
    assert steps(tmp_path) == [9, 10, 100]
    assert newest(tmp_path).step == 100


# --- never overwritten ----------------------------------------------------------------------------------------------


def test_a_step_written_again_gets_a_new_directory(tmp_path: Path) -> None:
    first = write(tmp_path, 4)
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    paths = [write(tmp_path, 4), write_checkpoint(tmp_path, 4, {}, {}, {"again": True})]
    assert [path.name for path in paths] == ["step-4.1", "step-4.2"]
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert newest(tmp_path).state == {"again": True}


def test_a_torn_one_blocks_nothing_and_is_named(tmp_path: Path) -> None:
    write(tmp_path, 3)
    shutil.copytree(tmp_path / "step-3", tmp_path / "step-6", ignore=shutil.ignore_patterns(COMMIT))
    said: list[str] = []
    assert newest(tmp_path).step == 3
    assert newest_good(tmp_path, said.append).step == 3
    assert len(said) == 1
    assert "step-6 is torn" in said[0]
    assert write(tmp_path, 6).name == "step-6.1"
    assert newest_good(tmp_path, pytest.fail).path.name == "step-6.1"


def test_a_store_puts_each_file_once(tmp_path: Path) -> None:
    store = LocalStore.create(tmp_path / "step-1")
    store.put("a", b"first")
    with pytest.raises(FileExistsError):
        store.put("a", b"second")
    assert (store.get("a"), store.list()) == (b"first", ["a"])
    with pytest.raises(FileExistsError):
        LocalStore.create(tmp_path / "step-1")


# --- damage ---------------------------------------------------------------------------------------------------------


def damage_cut(data: bytes) -> bytes:
    return data[:-1]


def damage_empty(data: bytes) -> bytes:
    return b""


def damage_longer(data: bytes) -> bytes:
    return data + b"\x00"


def damage_zeros(data: bytes) -> bytes:
    return bytes(len(data))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [damage_cut, damage_empty, damage_longer, damage_zeros, None])
def test_damage_is_found_named_and_passed_over(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes] | None
) -> None:
    write(tmp_path, 1)
    target = write(tmp_path, 2) / name
    if damage is None:
        target.unlink()
    else:
        target.write_bytes(damage(target.read_bytes()))
    said: list[str] = []
    assert newest_good(tmp_path, said.append).step == 1
    assert len(said) == 1
    assert "step-2" in said[0]
    if name != COMMIT:
        with pytest.raises(CorruptCheckpointError, match=f"step-2 is corrupt: {name}"):
            newest(tmp_path).verify()


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_found(tmp_path: Path, name: str) -> None:
    target = write(tmp_path, 1) / name
    intact = target.read_bytes()
    expected = Manifest.decode(intact, target) if name == COMMIT else None
    flips = range(8 * len(intact)) if name == COMMIT else range(0, 8 * len(intact), 7)
    for flip in flips:
        data = bytearray(intact)
        data[flip // 8] ^= 1 << flip % 8
        target.write_bytes(data)
        checkpoint = newest(tmp_path)
        try:
            checkpoint.verify()
        except CorruptCheckpointError:
            continue
        # The only bits that may change unseen are in the manifest's white space: it still says the same.
        assert name == COMMIT
        assert checkpoint.manifest == expected
        assert bytes(data).split() == intact.split() or chr(intact[flip // 8]).isspace()


@pytest.mark.parametrize("read", ["params", "slots"])
def test_damaged_arrays_are_never_read(tmp_path: Path, read: str) -> None:
    target = write(tmp_path, 1) / f"{read}.safetensors"
    data = bytearray(target.read_bytes())
    data[-1] ^= 1  # still a valid safetensors file, with another number in it
    target.write_bytes(data)
    with pytest.raises(CorruptCheckpointError, match="not what was written"):
        getattr(newest(tmp_path), read)()


def test_a_renamed_checkpoint_is_not_another_step(tmp_path: Path) -> None:
    write(tmp_path, 1).rename(tmp_path / "step-2")
    with pytest.raises(CorruptCheckpointError, match="step-2 is corrupt: it holds step 1"):
        newest(tmp_path).verify()


def test_where_all_are_damaged_nothing_starts_again_silently(tmp_path: Path) -> None:
    for step in (1, 2):
        (write(tmp_path, step) / "state.json").write_text("{}")
    said: list[str] = []
    with pytest.raises(CorruptCheckpointError, match=r"step-2 is corrupt.* .*step-1 is corrupt") as caught:
        newest_good(tmp_path, said.append)
    assert len(said) == 2
    assert "\n" not in str(caught.value)


def test_a_newer_format_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 1)
    with monkeypatch.context() as later:
        later.setattr("akid_core.checkpoints.manifest.FORMAT", FORMAT + 1)
        later.setattr("akid_core.checkpoints.manifest.__version__", "9.8.7")
        write(tmp_path, 2)
    with pytest.raises(
        NewerCheckpointError, match=r"step-2 was written by akid-core 9\.8\.7 in format 2; .*pip install"
    ):
        newest_good(tmp_path, pytest.fail)
    with pytest.raises(NewerCheckpointError):
        newest(tmp_path).params()


# --- a kill at any point --------------------------------------------------------------------------------------------


def killed_at(line: int, action: Callable[[], object]) -> bool:
    """Run `action` in a child that ends without a word before that line; False if it got to the end."""
    child = os.fork()
    if child == 0:
        left = line

        def event() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(9)

        try:
            run_traced(action, event)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_kill_at_any_line_of_writing_leaves_a_whole_checkpoint_or_none(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "count").mkdir()
    lines = count_lines(lambda: write(tmp_path / "count", 2))
    outcomes = []
    for line in range(lines):
        assert killed_at(line, lambda: write(tmp_path, 2))
        found = steps(tmp_path)
        assert found in ([1], [1, 2])
        newest(tmp_path).verify()
        outcomes.append(found[-1])
        again = write(tmp_path, 2)
        assert newest_good(tmp_path, lambda text: None).path == again
        for torn in tmp_path.glob("step-2*"):
            shutil.rmtree(torn)
    assert lines > 50
    assert outcomes == sorted(outcomes), "committed at one instant"
    assert set(outcomes) == {1, 2}


def test_a_kill_at_any_line_of_pruning_damages_none(tmp_path: Path) -> None:
    def fill(directory: Path) -> Path:
        for step in (1, 2, 3):
            write(directory, step)
        return directory

    whole = fill(tmp_path / "whole")
    lines = count_lines(lambda: prune(fill(tmp_path / "count"), keep=1)) - count_lines(lambda: fill(tmp_path / "fill"))
    for line in range(lines):
        directory = tmp_path / f"{line}"
        shutil.copytree(whole, directory)
        killed_at(line, lambda directory=directory: prune(directory, keep=1))
        for checkpoint in committed(directory):
            checkpoint.verify()
        assert steps(directory)[-1] == 3
        prune(directory, keep=1)
        assert [path.name for path in directory.iterdir()] == ["step-3"]
        shutil.rmtree(directory)


def test_the_order_of_syncing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a loss of power may reorder is held in order: new folders, files, names, then the commit, then its name."""
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def spy_fsync(descriptor: int) -> None:
        events.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def spy_replace(path: Path, target: Path) -> Path:
        events.append(f"rename {path.name} {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    write(tmp_path / "runs/run", 5)
    assert events[:2] == [f"sync {tmp_path.name}", "sync runs"]
    assert sorted(events[2:5]) == ["sync params.safetensors", "sync slots.safetensors", "sync state.json"]
    assert events[5:] == [
        "sync step-5",
        "sync run",
        "sync COMMIT.json.tmp",
        "rename COMMIT.json.tmp COMMIT.json",
        "sync step-5",
    ]


# --- a disk that refuses --------------------------------------------------------------------------------------------


def raised(action: Callable[[], object]) -> Exception | None:
    try:
        action()
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_an_error_at_any_line_of_writing_keeps_what_was_there(tmp_path: Path, code: int) -> None:
    write(tmp_path, 1)
    (tmp_path / "count").mkdir()
    lines = count_lines(lambda: write(tmp_path / "count", 2))
    refused = 0
    for line in range(lines):
        left = line

        def event() -> None:
            nonlocal left
            left -= 1
            if left == -1:
                raise OSError(code, os.strerror(code))

        error = raised(lambda: run_traced(lambda: write(tmp_path, 2), event))
        if isinstance(error, CheckpointError):
            refused += 1
            assert os.strerror(code) in str(error)
            assert "step-1" in str(error)
            assert "\n" not in str(error)
            assert steps(tmp_path) == [1]
        else:
            # While the bytes are made, before the disk is touched, or where the path is returned: no disk says that.
            assert isinstance(error, OSError)
            assert steps(tmp_path) in ([1], [1, 2])
        newest(tmp_path).verify()
        shutil.rmtree(tmp_path / "step-2", ignore_errors=True)
    assert refused > 30


def test_a_really_full_disk(tmp_path: Path) -> None:
    """The operating system refuses to let a file grow over a limit: the error comes from `write` itself."""
    write(tmp_path, 1)
    code = f"""
import resource, sys
import numpy as np
from pathlib import Path
from akid_core.checkpoints import write_checkpoint
from akid_core.errors import CheckpointError
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    write_checkpoint(Path({str(tmp_path)!r}), 2, {{"w": np.zeros(1 << 15)}}, {{}}, {{}})
except CheckpointError as error:
    sys.exit(str(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("The checkpoint of step 2 could not be written")
    assert "The newest one before it, step-1, is untouched" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["step-1"]


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        place = Path("/proc/akid")  # nothing can be made there, not even by root
    else:
        place = tmp_path / "readonly"
        place.mkdir(mode=0o500)
    with pytest.raises(CheckpointError, match=r"could not be written to .* There is none before it\."):
        write(place, 1)


def test_a_file_in_the_place_of_the_directory(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("not a directory")
    with pytest.raises(CheckpointError, match="could not be written"):
        write(place, 1)
    with pytest.raises(CheckpointError, match="cannot be listed"):
        committed(place)


def test_an_interrupt_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(store: LocalStore, manifest: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalStore, "commit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, 1)
    assert list(tmp_path.iterdir()) == []


# --- pruning --------------------------------------------------------------------------------------------------------


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_prune_keeps_the_latest_and_the_protected(tmp_path: Path) -> None:
    paths = [write(tmp_path, step) for step in (1, 2, 3, 4, 5)]
    assert prune(tmp_path, keep=2, protect={paths[1]}) == [paths[0], paths[2]]
    assert names(tmp_path) == {"step-2", "step-4", "step-5"}
    assert prune(tmp_path, keep=2, protect={paths[1]}) == []


def test_prune_removes_torn_ones_that_were_overtaken(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        write(tmp_path, step)
    for step in (1, 3):
        (tmp_path / f"step-{step}" / COMMIT).unlink()
    assert prune(tmp_path, keep=1) == [tmp_path / "step-1"]
    assert names(tmp_path) == {"step-2", "step-3"}


def test_prune_does_not_count_the_damaged(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4):
        write(tmp_path, step)
    for step in (2, 4):
        (tmp_path / f"step-{step}" / "state.json").write_text("{}")
    prune(tmp_path, keep=2)
    assert names(tmp_path) == {"step-1", "step-2", "step-3", "step-4"}
    prune(tmp_path, keep=1)
    assert names(tmp_path) == {"step-3", "step-4"}


def test_a_deletion_that_is_cut_short_leaves_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(directory: Path) -> None:
        (directory / "params.safetensors").unlink()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    write(tmp_path, 1)
    write(tmp_path, 2)
    monkeypatch.setattr(shutil, "rmtree", cut_short)
    with pytest.raises(CheckpointError, match="step-1 cannot be deleted: Input/output error"):
        prune(tmp_path, keep=1)
    assert steps(tmp_path) == [2]


def test_prune_reads_a_checkpoint_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    verify = Checkpoint.verify

    def spy(checkpoint: Checkpoint) -> None:
        read.append(checkpoint.path.name)
        verify(checkpoint)

    monkeypatch.setattr(Checkpoint, "verify", spy)
    verified = Verified()
    for step in range(4):
        write(tmp_path, step)
        prune(tmp_path, keep=2, verified=verified)
    assert read == ["step-0", "step-1", "step-2", "step-3"]
    (tmp_path / "step-3" / "params.safetensors").write_bytes(b"damaged since")
    write(tmp_path, 4)
    prune(tmp_path, keep=2, verified=verified)
    assert read[4:] == ["step-4", "step-3"]
    assert steps(tmp_path) == [2, 3, 4]


def test_prune_with_fewer_than_it_keeps(tmp_path: Path) -> None:
    prune(tmp_path, keep=3)
    write(tmp_path, 1)
    assert prune(tmp_path, keep=1) == []
    assert prune(tmp_path, keep=3) == []
    with pytest.raises(ValueError, match="keep must be at least 1"):
        prune(tmp_path, keep=0)


def test_the_manifest_is_readable_by_people(tmp_path: Path) -> None:
    manifest = json.loads((write(tmp_path, 1) / COMMIT).read_text())
    assert manifest["format"] == FORMAT == 1
    assert sorted(manifest["files"]) == ["params.safetensors", "slots.safetensors", "state.json"]


def test_a_checkpoint_that_is_pruned_while_it_is_read_gives_way_to_a_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 3)
    verify = Checkpoint.verify

    def overtaken(checkpoint: Checkpoint) -> None:
        if checkpoint.step == 3:
            shutil.rmtree(checkpoint.path)
            write(tmp_path, 9)
        verify(checkpoint)

    monkeypatch.setattr(Checkpoint, "verify", overtaken)
    found = newest_good(tmp_path, pytest.fail)
    assert found is not None
    assert found.step == 9


def test_weights_are_written_under_a_name_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"w\.npz is no name for weights, which are written as \.safetensors"):
        write_weights({"w": np.zeros(2)}, tmp_path / "w.npz")
