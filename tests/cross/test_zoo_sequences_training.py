"""The zoo's language models learn a text by heart and go on with it; its other networks take a step on each backend."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core.bundled.zoo.autoencoder import conv_autoencoder, dense_autoencoder
from akid_core.bundled.zoo.elman import char_elman
from akid_core.bundled.zoo.gan import conv_gan
from akid_core.bundled.zoo.gpt import char_gpt
from akid_core.bundled.zoo.lstm_lm import char_lstm
from akid_core.bundled.zoo.unet import unet
from akid_core.bundled.zoo.vit import vit
from akid_core.kids import Gan

pytest.importorskip("torch")
pytest.importorskip("tensorflow")
pytest.importorskip("akid_datasets")

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
LINE = "call me ishmael; "
SIZES = {"characters": 16, "length": 8}
MODELS = {
    "gpt": char_gpt(**SIZES, width=16, depth=1, heads=2),
    "lstm": char_lstm(**SIZES, embedding=8, units=16, carry=True),
    "elman": char_elman(**SIZES, embedding=8, units=16, bptt=4, carry=True),
}


def kid(brain: akid.Brain, backend: str, path: Path, steps: int) -> akid.Kid:
    from akid_datasets.sources.text import Text

    path.write_text(LINE * 60)
    streams = 8 if any(isinstance(block, akid.Unroll) for block in brain.blocks.values()) else None
    return akid.Kid(
        brain=brain,
        sensors=akid.sensors(Text(path=path, length=SIZES["length"], streams=streams), batch_size=8),
        optimizer=akid.Adam(learning_rate=0.03),
        practice=akid.Practice(steps=steps),
        backend=backend,
    )


@pytest.mark.parametrize("model", MODELS)
def test_a_text_is_learnt_and_gone_on_with(model: str, tmp_path: Path) -> None:
    made = kid(MODELS[model], "torch", tmp_path / "line.txt", steps=150)
    made.practice()
    assert made.validate("train")["perplexity"] < 2  # windows begin without a past
    again = example().written(made, LINE * 2 + "call", characters=30, temperature=0.1, seed=0)
    assert again == (LINE * 5)[: len(again)]


def example() -> Any:
    """The program that writes text."""
    path = Path(__file__).parents[2] / "examples" / "generate_text.py"
    spec = importlib.util.spec_from_file_location("generate_text", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("model", MODELS)
def test_backends_take_the_same_steps(model: str, tmp_path: Path) -> None:
    losses = {}
    for backend in ("numpy", "torch", "tensorflow"):
        made = kid(MODELS[model], backend, tmp_path / "line.txt", steps=3)
        made.practice()
        losses[backend] = made.validate("train")["loss"]
    np.testing.assert_allclose(list(losses.values()), losses["numpy"], rtol=1e-4)


RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((8, 1, 8, 8), dtype=np.float32)


@BACKENDS
@pytest.mark.parametrize(
    ("brain", "more"),
    [
        (vit(classes=3, channels=1, size=8, width=8, depth=1, heads=2), {"label": np.arange(8) % 3}),
        (unet(size=8, depth=2, width=4), {"mask": IMAGES}),
        (
            dense_autoencoder(size=8, hidden=(8,), code=4).with_loss(
                akid.layers.MeanSquaredError(), "rebuilt", "image"
            ),
            {},
        ),
        (conv_autoencoder(size=8, width=4, code=4).with_loss(akid.layers.MeanSquaredError(), "rebuilt", "image"), {}),
    ],
    ids=["vit", "unet", "dense_autoencoder", "conv_autoencoder"],
)
def test_images_are_learnt(backend: str, brain: akid.Brain, more: dict[str, np.ndarray]) -> None:
    made = akid.Kid(
        brain=brain,
        sensors=akid.sensors(train={"image": IMAGES, **more}, batch_size=8),
        optimizer=akid.Adam(learning_rate=0.01),
        practice=akid.Practice(steps=10),
        backend=backend,
    )
    before = made.validate("train")["loss"]
    made.practice()
    assert made.validate("train")["loss"] < before


def test_the_gan_learns_alike_everywhere() -> None:
    found, noise = [], RANDOM.normal(size=(3, 6)).astype(np.float32)
    for backend in ("numpy", "torch", "tensorflow"):
        made = Gan(
            brain=conv_gan(size=8, latent=6, width=4),
            sensors=akid.sensors(train={"image": IMAGES}, batch_size=8),
            optimizer=akid.Adam(learning_rate=1e-3),
            practice=akid.Practice(steps=4),
            backend=backend,
        )
        made.practice()
        found.append(made.predict({"noise": noise}))
    assert found[0].shape == (3, 1, 8, 8)
    for images in found[1:]:
        np.testing.assert_allclose(images, found[0], rtol=0, atol=1e-4)
