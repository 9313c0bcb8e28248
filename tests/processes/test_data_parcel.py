"""Parcel: what is sent to processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from akid_core.data.parcel import Parcel


def test_a_parcel_shares_arrays_and_changes_stay_private() -> None:
    arrays = [np.arange(10**6), np.asfortranarray(np.eye(30)), np.arange(20)[::3], np.zeros((0, 3)), np.array(True)]
    parcel = Parcel(arrays)
    first, second = parcel.open(), parcel.open()
    for found, expected in zip(first, arrays, strict=True):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(found, expected)
    first[0][5] = -1
    assert (first[0][5], second[0][5], arrays[0][5], parcel.open()[0][5]) == (-1, 5, 5, 5)
    parcel.close()
    assert second[0][999] == 999


def test_a_parcel_leaves_files_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    np.arange(10**6).tofile(path)
    whole = np.memmap(path, np.int64, "r", offset=16, shape=(100, 50))
    views = [whole, np.asarray(whole), whole[3:, ::-2], whole.T, whole.reshape(-1)[-7:].view(np.uint8), whole[:0]]
    parcel = Parcel(views)
    assert parcel._size < 4096
    for found, expected in zip(parcel.open(), views, strict=True):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(found, expected)
    changed = np.memmap(path, np.int64, "c", shape=(4,))
    changed[0] = 77
    parcel.close()
    parcel = Parcel(changed)
    assert parcel.open()[0] == 77
    parcel.close()
