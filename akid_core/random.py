"""Randomness as a counter function: the bits depend only on what they belong to.

A key is two 32-bit words from a cryptographic digest of (seed, what it is for). The words of an element are an integer
hash of key, step, row and element, in wrapping 32-bit arithmetic that NumPy, torch and TensorFlow compute alike, to
the bit. The mixing function has the form of a xor-shift-multiply finalizer (the constants are from the search by
C. Wellons, "Prospecting for hash functions", 2018, public domain).

Functions with a first argument `ops` take any portable operations; NumPy itself serves on the host.
"""

from __future__ import annotations

import hashlib
import json
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

_GOLDEN = -1640531527  # 2^32 / golden ratio, as a signed word: spreads consecutive counters
_FIRST, _SECOND = 0x7FEB352D, 0x846CA68B - (1 << 32)
_UNSIGNED_GOLDEN, _UNSIGNED_SECOND = 0x9E3779B9, 0x846CA68B

Key = tuple[int, int]


def derive_key(*parts: str | int) -> Key:
    """Two signed 32-bit words for the given parts, such as `derive_key(seed, "dropout", path)`."""
    text = json.dumps(parts, default=operator.index)  # a seed may be an integer of NumPy
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (
        int.from_bytes(digest[:4], "little", signed=True),
        int.from_bytes(digest[4:], "little", signed=True),
    )


def derive_word(*parts: str | int) -> int:
    """The same 64 bits as one integer, 0 or more; a seed for what the parts name."""
    first, second = derive_key(*parts)
    return (first & 0xFFFFFFFF) << 32 | second & 0xFFFFFFFF


def mix(ops: Any, words: Any) -> Any:
    """Hash each int32 word; the shifts are logical (masked, since a signed shift keeps the sign)."""
    words = ops.bitwise_xor(words, ops.bitwise_and(ops.bitwise_right_shift(words, 16), 0xFFFF)) * _FIRST
    words = ops.bitwise_xor(words, ops.bitwise_and(ops.bitwise_right_shift(words, 15), 0x1FFFF)) * _SECOND
    return ops.bitwise_xor(words, ops.bitwise_and(ops.bitwise_right_shift(words, 16), 0xFFFF))


def row_bits(ops: Any, key: Key, step: Any, rows: Any, elements: Any) -> Any:
    """Random words, int32 of shape (rows, *elements).

    `step`: int32 of shape (1,). `rows`: int32 of shape (n,), the number of each row. `elements`: int32 of any shape,
    the canonical index of each element within its row.
    """
    start = mix(ops, step * _GOLDEN + key[0])
    first = mix(ops, ops.bitwise_xor(rows, start))
    second = mix(ops, first + key[1])
    spread = (-1,) + (1,) * len(elements.shape)
    first, second = ops.reshape(first, spread), ops.reshape(second, spread)
    return mix(ops, ops.bitwise_xor(mix(ops, first + elements * _GOLDEN), second))


def elements(row_shape: tuple[int, ...]) -> np.ndarray:
    """The canonical index of each element of a row: int32 of shape `row_shape`."""
    return np.arange(math.prod(row_shape), dtype=np.int32).reshape(row_shape)


def host_bits(key: Key, counters: np.ndarray, stream: int = 0) -> np.ndarray:
    """Random words for `counters` (any integers up to 2^63): uint32 of the same shape."""
    counters = np.atleast_1d(np.asarray(counters, dtype=np.int64))
    return keyed_bits([key], counters.reshape(-1), [stream]).reshape(counters.shape)


def keyed_bits(keys: Sequence[Key], counters: np.ndarray, streams: Sequence[int]) -> np.ndarray:
    """Random words of several keys and streams for `counters` (n,) int64: uint32 (keys, streams, n)."""
    key_first, key_second = np.array(keys, dtype=np.int64).astype(np.uint32).T.reshape(2, -1, 1, 1)
    low, high = counters.astype(np.uint32), (counters >> 32).astype(np.uint32)
    if (high == high[:1]).all():
        high = high[:1]  # as in most batches: what all have in common is hashed once
    start = _host_mix(np.array(streams, dtype=np.uint32)[:, np.newaxis] * _UNSIGNED_GOLDEN + key_first)
    first = _host_mix(high ^ start)
    second = _host_mix(first + key_second)
    return _host_mix(_host_mix(first + low * _UNSIGNED_GOLDEN) ^ second)


def spread_bits(key: Key, counters: np.ndarray, stream: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random words for the elements of rows: uint32 of shape (n, *shape) for `counters` (n,)."""
    words = keyed_bits([key], counters, [2 * stream, 2 * stream + 1])
    first, second = words.reshape(2, -1, *(1,) * len(shape))
    numbers = elements(shape).view(np.uint32)
    return _host_mix(_host_mix(first + numbers * _UNSIGNED_GOLDEN) ^ second)


def _host_mix(words: np.ndarray) -> np.ndarray:
    """`mix` of uint32 words, in their place: unsigned shifts are logical by themselves."""
    words ^= words >> 16
    words *= _FIRST
    words ^= words >> 15
    words *= _UNSIGNED_SECOND
    words ^= words >> 16
    return words


def fractions(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Random words as numbers in [0, 1): float64 with the 32 bits of `high` and then 21 of `low`."""
    numbers: np.ndarray = (high.astype(np.uint64) << 21 | low >> 11) * 2.0**-53
    return numbers


def host_uniform(key: Key, counters: np.ndarray, stream: int = 0) -> np.ndarray:
    """Uniform numbers in [0, 1) for `counters`: float64 with 53 random bits, of the same shape."""
    return fractions(host_bits(key, counters, 2 * stream), host_bits(key, counters, 2 * stream + 1))


def host_normal(key: Key, counters: np.ndarray, stream: int = 0) -> np.ndarray:
    """Standard normal numbers for `counters` by the Box-Muller transform: float64 of the same shape."""
    radius: np.ndarray = np.sqrt(-2.0 * np.log1p(-host_uniform(key, counters, 2 * stream)))
    return radius * np.cos(2.0 * np.pi * host_uniform(key, counters, 2 * stream + 1))
