"""Counter-based randomness: known answers from plain integers, and the statistics that its users rely on."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.random import derive_key, elements, host_bits, host_normal, host_uniform, mix, row_bits

WORD = 0xFFFFFFFF
words = st.integers(-(2**31), 2**31 - 1)
OPS = NumpyOps()


def signed(word: int) -> int:
    word &= WORD
    return word - (1 << 32) if word >> 31 else word


def mix_by_hand(word: int) -> int:
    """The hash in Python's unbounded integers, on unsigned words (so that shifts are logical by themselves)."""
    word &= WORD
    word = ((word ^ (word >> 16)) * 0x7FEB352D) & WORD
    word = ((word ^ (word >> 15)) * 0x846CA68B) & WORD
    return word ^ (word >> 16)


def row_bits_by_hand(key: tuple[int, int], step: int, row: int, element: int) -> int:
    start = mix_by_hand(step * 0x9E3779B9 + key[0])
    first = mix_by_hand((row & WORD) ^ start)
    second = mix_by_hand(first + key[1])
    return mix_by_hand(mix_by_hand(first + element * 0x9E3779B9) ^ second)


def bits(key: tuple[int, int], step: int, rows: np.ndarray, row_shape: tuple[int, ...]) -> np.ndarray:
    """What dropout draws: uint32 of shape (rows, *row_shape)."""
    arguments = (np.array([step], np.int32), rows.astype(np.int32), elements(row_shape))
    tensors = [OPS.asarray(argument, "int32") for argument in arguments]
    return row_bits(OPS, key, *tensors).data.view(np.uint32)


def test_the_hash_step_by_step() -> None:
    # 1 -> times 0x7feb352d is itself -> xor its upper 17 bits (0xffd6) -> times 0x846ca68b -> xor its upper half.
    assert 0x7FEB352D ^ 0xFFD6 == 0x7FEBCAFB
    assert 0x7FEBCAFB * 0x846CA68B % 2**32 == 0x6889F849
    answer = 0x6889F849 ^ 0x6889
    np.testing.assert_array_equal(mix(np, np.array([0, 1], np.int32)).view(np.uint32), [0, answer])
    assert mix_by_hand(1) == answer


@given(words)
def test_mix_equals_integers(word: int) -> None:
    assert int(mix(np, np.array([word], np.int32))[0]) == signed(mix_by_hand(word))


@given(key=st.tuples(words, words), step=st.integers(0, 2**31 - 1), row=words, element=st.integers(0, 2**31 - 1))
def test_row_bits_equal_integers(key: tuple[int, int], step: int, row: int, element: int) -> None:
    drawn = row_bits(np, key, np.array([step], np.int32), np.array([row], np.int32), np.array([element], np.int32))
    assert drawn.shape == (1, 1)
    assert int(drawn[0, 0]) == signed(row_bits_by_hand(key, step, row, element))


def test_row_bits_on_the_tape_equal_those_of_numpy() -> None:
    key, rows = derive_key(3, "mask", "drop"), np.arange(7, 11, dtype=np.int32)
    host = row_bits(np, key, np.array([5], np.int32), rows, elements((2, 3)))
    np.testing.assert_array_equal(bits(key, 5, rows, (2, 3)), host.view(np.uint32))
    assert host.shape == (4, 2, 3)
    assert int(host[1, 1, 0]) == signed(row_bits_by_hand(key, 5, 8, 3))


@given(key=st.tuples(words, words), counter=st.integers(0, 2**63 - 1), stream=st.integers(0, 1000))
def test_host_bits_equal_integers(key: tuple[int, int], counter: int, stream: int) -> None:
    # The high word of the counter takes the place of the row, the stream that of the step.
    expected = row_bits_by_hand(key, stream, counter >> 32, counter & WORD)
    assert int(host_bits(key, np.array([counter]), stream)[0]) == expected


def test_a_key_is_the_digest_of_its_parts() -> None:
    digest = hashlib.blake2b(b'[0, "init", "conv1/weight"]', digest_size=8).digest()
    assert [word & WORD for word in derive_key(0, "init", "conv1/weight")] == list(np.frombuffer(digest, "<u4"))
    assert derive_key(1, "23") != derive_key(12, "3")
    assert derive_key("1") != derive_key(1)
    assert derive_key(np.int64(7), "init") == derive_key(7, "init")
    with pytest.raises(TypeError):
        derive_key(np.float32(1.5))  # type: ignore[arg-type]


def test_uniform_has_53_bits_in_the_unit_interval() -> None:
    key = derive_key(0, "uniform")
    values = host_uniform(key, np.arange(200_000))
    assert values.dtype == np.float64
    assert values.min() >= 0
    assert values.max() < 1
    np.testing.assert_array_equal(values * 2**53, np.floor(values * 2**53))
    high, low = row_bits_by_hand(key, 0, 0, 9), row_bits_by_hand(key, 1, 0, 9)
    assert values[9] == (high * 2**21 + (low >> 11)) / 2**53
    assert values.mean() == pytest.approx(1 / 2, abs=5 / np.sqrt(12 * 200_000))


def test_normal_has_the_moments_of_a_normal() -> None:
    values = host_normal(derive_key(0, "normal"), np.arange(400_000))
    moments = [np.mean(values**power) for power in (1, 2, 3, 4)]
    # Standard errors of the moments of a standard normal: sqrt(1, 2, 15, 96) / sqrt(n).
    for moment, expected, variance in zip(moments, (0, 1, 0, 3), (1, 2, 15, 96), strict=True):
        assert moment == pytest.approx(expected, abs=5 * np.sqrt(variance / values.size))
    assert np.isfinite(values).all()


def chi_square(drawn: np.ndarray, shift: int) -> float:
    """How evenly 8 of the bits are spread, in standard deviations of the chi-square statistic."""
    counts = np.bincount((drawn.ravel() >> shift) & 0xFF, minlength=256)
    expected = drawn.size / 256
    return (float(np.sum((counts - expected) ** 2 / expected)) - 255) / np.sqrt(2 * 255)


@pytest.mark.parametrize("shift", [0, 8, 16, 24])
def test_every_byte_is_uniform(shift: int) -> None:
    drawn = bits(derive_key(0, "mask", "drop"), 0, np.arange(256), (512,))
    assert abs(chi_square(drawn, shift)) < 5


@pytest.mark.parametrize("along", ["row", "step", "element", "path", "seed"])
def test_neighbours_are_not_correlated(along: str) -> None:
    """Bits that differ by one in one respect agree in half of the places, and their xor is uniform."""
    rows, key = np.arange(256), derive_key(0, "mask", "drop")
    first = bits(key, 0, rows, (513,))
    other = {
        "row": lambda: bits(key, 0, rows + 1, (513,)),
        "step": lambda: bits(key, 1, rows, (513,)),
        "element": lambda: np.roll(first, 1, axis=1),
        "path": lambda: bits(derive_key(0, "mask", "drop_2"), 0, rows, (513,)),
        "seed": lambda: bits(derive_key(1, "mask", "drop"), 0, rows, (513,)),
    }[along]()
    changed = np.ascontiguousarray(first[:, 1:] ^ other[:, 1:])
    flips = np.unpackbits(changed.view(np.uint8)).mean()
    assert flips == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(changed.size * 32))
    for shift in (0, 12, 24):
        assert abs(chi_square(changed, shift)) < 5


def test_no_word_repeats_more_often_than_chance() -> None:
    drawn = bits(derive_key(0, "mask", "drop"), 0, np.arange(512), (512,)).ravel()
    # Birthday rule: n^2 / 2^33 = 8 pairs expected among 2^18 words.
    assert drawn.size - np.unique(drawn).size < 8 + 5 * np.sqrt(8)
