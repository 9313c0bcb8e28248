"""The picture engine: chains give the bits of their augmenters one by one, compiled or not, whatever comes in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.config.components import decode, encode
from akid_core.data import Augmenter, Chain, Draws, sensors
from akid_core.plugins import default_manager
from akid_datasets.augmenters.brightness import Brightness
from akid_datasets.augmenters.contrast import Contrast
from akid_datasets.augmenters.crop import Crop
from akid_datasets.augmenters.flip import Flip
from akid_datasets.augmenters.grey import Grey
from akid_datasets.augmenters.normalize import Normalize
from akid_datasets.augmenters.pad import Pad
from akid_datasets.augmenters.rescale import Rescale
from akid_datasets.augmenters.shift import Shift
from akid_datasets.pictures import running
from akid_datasets.pictures.engine import Move, Pointwise, together
from akid_datasets.pictures.looking_up import Change, as_table
from akid_datasets.pictures.window import Window

KERNELS = ["0"] + ["1"] * (running.compiled())


@contextmanager
def kernel(setting: str):  # type: ignore[no-untyped-def]
    """With or without numba; hypothesis allows no fixture that does this for each example."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(running.VARIABLE, setting)
        yield


def draws(chain: Sequence[Augmenter], rows: int) -> list[tuple[Augmenter, Draws]]:
    return [(augmenter, Draws(3, f"{number}", 1, np.arange(rows))) for number, augmenter in enumerate(chain)]


def folded(chain: Sequence[Augmenter], pictures: np.ndarray) -> np.ndarray:
    return together(draws(chain, len(pictures)), {"image": pictures})["image"]


def one_by_one(chain: Sequence[Augmenter], pictures: np.ndarray) -> np.ndarray:
    for augmenter, random in draws(chain, len(pictures)):
        pictures = augmenter.apply({"image": pictures}, random)["image"]
    return pictures


def plainly(chain: Sequence[Augmenter], pictures: np.ndarray) -> np.ndarray:
    """The same without windows, tables and kernels: picture by picture, and by arithmetic on all pixels."""
    for augmenter, random in draws(chain, len(pictures)):
        if isinstance(augmenter, Pointwise):
            seen = augmenter.seen(pictures) if augmenter.sees else None
            pictures = augmenter.change(pictures, random, seen)
        else:
            assert isinstance(augmenter, Move)
            pictures = plainly_moved(augmenter, random, pictures)
    return pictures


def plainly_moved(augmenter: Move, random: Draws, pictures: np.ndarray) -> np.ndarray:
    height, width = pictures.shape[-2:]
    if isinstance(augmenter, Flip):
        axis = -2 if augmenter.direction == "vertical" else -1
        turned = random.uniform() < augmenter.chance
        return np.stack([np.flip(one, axis) if turn else one for one, turn in zip(pictures, turned, strict=True)])
    pad: tuple[int, int] | int = augmenter.pad if isinstance(augmenter, Crop) else augmenter.pixels
    above, left = pad if isinstance(pad, tuple) else (pad, pad)
    fill = 0.0 if isinstance(augmenter, Shift) else augmenter.fill
    framed = [np.pad(one, [(0, 0)] * (one.ndim - 2) + [(above, above), (left, left)]) for one in pictures]
    outside = np.pad(np.zeros((height, width), bool), [(above, above), (left, left)], constant_values=True)
    for one in framed:
        one[..., outside] = np.reshape(fill, (-1, *(1,) * (one.ndim - 2))) if isinstance(fill, tuple) else fill
    if isinstance(augmenter, Pad):
        return np.stack(framed)
    size = getattr(augmenter, "size", None) or (height, width)
    high, wide = size if isinstance(size, tuple) else (size, size)
    room = (height + 2 * above - high, width + 2 * left - wide)
    if isinstance(augmenter, Crop) and augmenter.centre:
        places = [np.full(len(pictures), one // 2) for one in room]
    else:
        places = [random.integers(0, one + 1, stream) for stream, one in enumerate(room)]
    parts = zip(framed, *places, strict=True)
    return np.stack([one[..., top : top + high, start : start + wide] for one, top, start in parts])


small = st.integers(0, 4)
fills = st.sampled_from([0.0, 0.0, 7.0])
moves = st.one_of(
    st.builds(Crop, size=st.tuples(st.integers(1, 6), st.integers(1, 6)), pad=st.just(6), fill=fills),
    st.builds(Crop, size=st.just((2, 3)), pad=st.just((3, 3)), centre=st.booleans()),
    st.builds(Crop, pad=st.tuples(st.integers(1, 4), small), fill=fills),
    st.builds(Pad, pixels=st.tuples(small, small), fill=fills),
    st.builds(Flip, direction=st.sampled_from(["horizontal", "vertical"]), chance=st.sampled_from([0.5, 0.5, 1.0])),
    st.builds(Shift, pixels=st.integers(1, 3)),
)
shades = st.one_of(
    st.builds(Brightness, strength=st.floats(0, 1)),
    st.builds(Contrast, strength=st.floats(0, 1), around=st.sampled_from([0.5, 0.25, "mean"])),
    st.builds(Rescale, low=st.floats(-1, 0)),
    st.builds(Normalize, mean=st.floats(0, 1), std=st.floats(0.1, 1)),
)
sizes = st.tuples(st.sampled_from([1, 2, 5]), st.sampled_from([1, 3, 4]), st.integers(1, 40), st.integers(1, 40))


def pictures_of(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    random = np.random.default_rng(sum(shape))
    return (random.random(shape) * (255 if dtype is np.uint8 else 1)).astype(dtype)


@pytest.mark.parametrize("setting", KERNELS)
@settings(max_examples=150, deadline=None)
@given(
    chain=st.lists(st.one_of(moves, shades), min_size=1, max_size=6),
    size=sizes,
    dtype=st.sampled_from([np.uint8, np.uint8, np.float32]),
)
def test_chains_give_the_bits_of_plain_arithmetic(
    setting: str, chain: list[Augmenter], size: tuple[int, ...], dtype: type
) -> None:
    pictures = pictures_of(size, dtype)
    with kernel(setting):
        result = folded(chain, pictures)
        again = one_by_one(chain, pictures)
    expected = plainly(chain, pictures)
    np.testing.assert_array_equal(result, expected, strict=True)
    np.testing.assert_array_equal(again, expected, strict=True)
    assert not np.shares_memory(result, pictures)


@pytest.mark.parametrize("setting", KERNELS)
@pytest.mark.parametrize(
    "dtype", [bool, np.uint8, np.int16, np.float16, np.float32, np.int64, np.float64, np.complex128]
)
@pytest.mark.parametrize("row", [(9, 7), (1, 9, 7), (4, 9, 7), (2, 3, 9, 7)], ids=str)
def test_moves_take_any_type_and_any_number_of_axes(setting: str, dtype: type, row: tuple[int, ...]) -> None:
    chain = [Flip(), Crop(size=(6, 7), pad=2, fill=1.0), Flip(direction="vertical")]
    for rows in (6, 1, 0):
        pictures = (100 * pictures_of((6, *row), np.float32)[:rows]).astype(dtype)
        with kernel(setting):
            result = folded(chain, pictures)
        expected = plainly(chain, pictures) if rows else np.empty((0, *row[:-2], 6, 7), dtype)
        np.testing.assert_array_equal(result, expected, strict=True)


CIFAR = [Crop(pad=4), Flip(), Brightness(), Contrast(), Normalize(statistics="cifar10")]


@pytest.mark.parametrize("setting", KERNELS)
@pytest.mark.parametrize(
    "view",
    [
        lambda it: it[:, :, ::2, ::-1],
        lambda it: it.transpose(0, 1, 3, 2),
        lambda it: np.moveaxis(np.ascontiguousarray(np.moveaxis(it, 1, -1)), -1, 1),
        lambda it: np.broadcast_to(it[:1], it.shape),
        lambda it: np.frombuffer(it.tobytes(), np.uint8).reshape(it.shape),
        lambda it: it[:0],
    ],
    ids=["steps", "transposed", "channels last", "broadcast", "read-only", "no rows"],
)
def test_pictures_may_lie_in_any_order(setting: str, view: Callable[[np.ndarray], np.ndarray]) -> None:
    pictures = view(pictures_of((7, 3, 40, 38), np.uint8))
    with kernel(setting):
        result = folded(CIFAR, pictures)
    expected = plainly(CIFAR, pictures) if len(pictures) else np.empty(pictures.shape, np.float32)
    np.testing.assert_array_equal(result, expected, strict=True)


class Counted:
    """What the passes did: whether there was a window, and how many changes of values there were."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.passes: list[tuple[bool, int]] = []
        patch.setattr("akid_datasets.pictures.engine.run", self)

    def __call__(self, pictures: np.ndarray, window: Window | None, changes: Sequence[Change]) -> np.ndarray:
        self.passes.append((window is not None, len(changes)))
        return running.run(pictures, window, changes)


MEAN = Contrast(around="mean")


@pytest.mark.parametrize(
    ("chain", "passes"),
    [
        (CIFAR, [(True, 3)]),
        ([Crop(size=20), Normalize(statistics="cifar10")], [(True, 1)]),
        ([Pad(), Flip(), Crop(size=20), Crop(size=9), Flip()], [(True, 0)]),
        ([Brightness(), Contrast()], [(False, 2)]),
        ([Flip(), MEAN, Rescale()], [(True, 0), (False, 2)]),  # the mean is seen of finished pictures
        ([Brightness(), MEAN, MEAN], [(False, 1)] * 3),
        ([Brightness(), Crop(pad=4)], [(False, 1), (True, 0)]),  # the frame is not made lighter
        ([Shift(), Shift(), Flip(), Pad()], [(True, 0)] * 3),  # what was shifted out does not come back
        ([Pad(fill=1), Crop(pad=2)], [(True, 0)] * 2),  # two fills
    ],
)
def test_what_folds(chain: list[Augmenter], passes: list[tuple[bool, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    pictures = pictures_of((5, 3, 32, 30), np.uint8)
    result = folded(chain, pictures)
    assert counted.passes == passes
    np.testing.assert_array_equal(result, plainly(chain, pictures), strict=True)


def test_tables_are_no_larger_than_they_must_be() -> None:
    parts = draws(CIFAR[2:], 5)
    changes = [partial(augmenter.change, random=random, seen=None) for augmenter, random in parts]
    assert [as_table(changes[:count], 4).shape for count in (1, 2, 3)] == [(5, 1, 256), (5, 1, 256), (5, 3, 256)]
    assert as_table(changes[2:], 4).shape == (1, 3, 256)
    assert as_table(changes[2:], 3) is None


def test_a_sensor_folds_what_follows_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    train = {"image": pictures_of((20, 3, 32, 32), np.uint8), "label": np.arange(20) % 4}
    colour = Chain(name="colour", augment=(Brightness(), Contrast()))
    augment = (Crop(pad=4), Flip(), Grey(chance=0.5), colour, Normalize(statistics="cifar10"))
    sensor = sensors(train=train, batch_size=8, augment=augment).sensor("train", 0, None)
    assert sensor is not None
    batch = sensor.batch(0, 0)
    assert counted.passes == [(True, 0), (False, 3)]  # grey, which mixes channels, lies between them
    assert batch.fields["image"].dtype == np.float32
    counted.passes.clear()
    evaluated = sensor.evaluation_batch(0).fields["image"]
    assert counted.passes == [(False, 1)]
    np.testing.assert_array_equal(evaluated, plainly([augment[-1]], train["image"][:8]), strict=True)


def test_yaml_says_the_same() -> None:
    registry = default_manager().registry
    described = [
        {"crop": {"size": [28, 24], "pad": 2, "fill": [1, 2, 3]}},
        {"flip": {"direction": "vertical"}},
        {"contrast": {"around": "mean"}},
        {"contrast": {"around": 0.25, "strength": 0.1}},
        {"normalize": {"statistics": "cifar100"}},
        {"normalize": {"mean": [0.5, 0.5, 0.5], "std": 0.25}},
    ]
    made = [decode("augmenter", one, registry) for one in described]
    assert made == [
        Crop(size=(28, 24), pad=2, fill=(1, 2, 3)),
        Flip(direction="vertical"),
        Contrast(around="mean"),
        Contrast(around=0.25, strength=0.1),
        Normalize(statistics="cifar100"),
        Normalize(mean=(0.5, 0.5, 0.5), std=0.25),
    ]
    assert [encode(one, registry) for one in made] == described


SCRIPT = """
import sys
{before}
import numpy as np
from akid_core.data import Draws
from akid_datasets.augmenters.flip import Flip
from akid_datasets.pictures.running import compiled
pictures = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
print(compiled(), Flip(chance=1).apply({{"image": pictures}}, Draws(0, "f", 0, np.arange(2)))["image"].ravel().tolist())
"""


FLIPPED = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16, 23, 22, 21, 20]


def said(before: str, **environment: str) -> str:
    script = SCRIPT.format(before=before)
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_without_numba() -> None:
    assert said("sys.modules['numba'] = None") == f"False {FLIPPED}"
    assert said("", AKID_NUMBA="0") == f"False {FLIPPED}"


@pytest.mark.skipif(KERNELS == ["0"], reason="numba is not installed")
def test_the_kernel_is_used_when_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    def used() -> bool:
        return running._kernel(np.empty(1 << 25, np.uint8)) is not None

    for setting, expected in (("0", [False] * 3), ("1", [True] * 3), (None, [False, True, True])):
        monkeypatch.setattr(running._Work, "values", 0)
        monkeypatch.delenv(running.VARIABLE, raising=False)
        if setting is not None:
            monkeypatch.setenv(running.VARIABLE, setting)
        assert [used() for _ in range(3)] == expected


@pytest.mark.skipif(KERNELS == ["0"], reason="numba is not installed")
def test_the_kernel_is_kept_where_that_is_possible(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert said("", AKID_NUMBA="1", NUMBA_CACHE_DIR=str(kept)) == f"True {FLIPPED}"
    assert [*kept.rglob("*.nbi")]
    nowhere = "from numba.core import caching; caching.CacheImpl._locator_classes = []"
    assert said(nowhere, AKID_NUMBA="1") == f"True {FLIPPED}"
