"""The small GPT and the vision transformer against the library transformers: random weights copied over, one output."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core.backends.plan import Execution
from akid_core.bundled.zoo.gpt import char_gpt
from akid_core.bundled.zoo.vit import vit
from akid_core.graph import Brain
from akid_core.plugins import default_manager

torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")
transformers = pytest.importorskip("transformers")

Weights = dict[str, np.ndarray]
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
WIDTH, HEADS, DEPTH = 12, 3, 2


def outputs(brain: Brain, backend: str, weights: Weights, **fields: np.ndarray) -> np.ndarray:
    """What the brain gives, live on a backend, with exactly these weights."""
    graph = brain.resolve(losses=False)
    assert set(weights) == set(graph.params)
    made = default_manager().registry.get("backend", backend)()
    live = made.network(graph, made.plan(Execution(), graph), 0)
    live.place("cpu")
    live.fill(weights)
    [found] = live.values(fields, list(graph.outputs.values()))
    return np.asarray(found)


def drawn(model: Any) -> tuple[Any, Weights]:
    """The model to be evaluated with weights that all count, those of norms and biases too, and these as arrays."""
    random = np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.data = torch.tensor(random.normal(0.0, 0.3, parameter.shape), dtype=torch.float32)
    return model.eval(), {name: value.numpy() for name, value in model.state_dict().items()}


@BACKENDS
@pytest.mark.parametrize("tied", [False, True])
def test_gpt2(backend: str, tied: bool) -> None:
    config = transformers.GPT2Config(
        vocab_size=11, n_positions=7, n_embd=WIDTH, n_layer=DEPTH, n_head=HEADS, tie_word_embeddings=tied,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    model, theirs = drawn(transformers.GPT2LMHeadModel(config))
    brain = char_gpt(characters=11, length=7, width=WIDTH, depth=DEPTH, heads=HEADS)

    weights = {
        "embedding/weight": theirs["transformer.wte.weight"],
        "positions/weight": theirs["transformer.wpe.weight"],
        "norm/scale": theirs["transformer.ln_f.weight"],
        "norm/shift": theirs["transformer.ln_f.bias"],
        "logits/weight": theirs["lm_head.weight"].T,
    }
    for number in range(DEPTH):
        ours, their = f"block{number + 1}", f"transformer.h.{number}"
        for name, into in (("norm1", "ln_1"), ("norm2", "ln_2")):
            weights[f"{ours}/{name}/scale"] = theirs[f"{their}.{into}.weight"]
            weights[f"{ours}/{name}/shift"] = theirs[f"{their}.{into}.bias"]
        for name, into in (("dense1/", "mlp.c_fc"), ("dense2/", "mlp.c_proj"), ("attention/output_", "attn.c_proj")):
            weights[f"{ours}/{name}weight"] = theirs[f"{their}.{into}.weight"]
            weights[f"{ours}/{name}bias"] = theirs[f"{their}.{into}.bias"]
        matrices = np.split(theirs[f"{their}.attn.c_attn.weight"], 3, axis=1)
        biases = np.split(theirs[f"{their}.attn.c_attn.bias"], 3)
        for name, matrix, bias in zip(("query", "key", "value"), matrices, biases, strict=True):
            weights[f"{ours}/attention/{name}_weight"] = matrix
            weights |= (
                {f"{ours}/attention/{name}_bias": bias} if name != "key" else {}
            )  # one of the keys counts nothing

    text = np.random.default_rng(1).integers(0, 11, (3, 7))
    with torch.no_grad():
        wanted = model(torch.tensor(text)).logits.numpy()
    np.testing.assert_allclose(outputs(brain, backend, weights, text=text), wanted, rtol=1e-4, atol=1e-4)


@BACKENDS
def test_vit(backend: str) -> None:
    config = transformers.ViTConfig(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, intermediate_size=20, image_size=8,
        patch_size=4, num_labels=5, layer_norm_eps=1e-5,
    )  # fmt: skip
    model, theirs = drawn(transformers.ViTForImageClassification(config))
    brain = vit(classes=5, size=8, patch=4, width=WIDTH, depth=DEPTH, heads=HEADS, hidden=20)

    positions = theirs["vit.embeddings.position_embeddings"][0].copy()
    positions[0] += theirs["vit.embeddings.cls_token"][0, 0]  # the class token is only ever added to its position
    weights = {
        "patches/weight": theirs["vit.embeddings.patch_embeddings.projection.weight"],
        "patches/bias": theirs["vit.embeddings.patch_embeddings.projection.bias"],
        "positions/weight": positions,
        "norm/scale": theirs["vit.layernorm.weight"],
        "norm/shift": theirs["vit.layernorm.bias"],
        "logits/weight": theirs["classifier.weight"].T,
        "logits/bias": theirs["classifier.bias"],
    }
    projections = {f"attention/{name}_": f"attention.{name[0]}_proj" for name in ("query", "key", "value", "output")}
    for number in range(DEPTH):
        ours, their = f"block{number + 1}", f"vit.layers.{number}"
        for name, into in (("norm1", "layernorm_before"), ("norm2", "layernorm_after")):
            weights[f"{ours}/{name}/scale"] = theirs[f"{their}.{into}.weight"]
            weights[f"{ours}/{name}/shift"] = theirs[f"{their}.{into}.bias"]
        for name, into in ({"dense1/": "mlp.fc1", "dense2/": "mlp.fc2"} | projections).items():
            weights[f"{ours}/{name}weight"] = theirs[f"{their}.{into}.weight"].T
            weights |= {f"{ours}/{name}bias": theirs[f"{their}.{into}.bias"]} if "key" not in name else {}

    images = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
    with torch.no_grad():
        wanted = model(torch.tensor(images)).logits.numpy()
    np.testing.assert_allclose(outputs(brain, backend, weights, image=images), wanted, rtol=1e-4, atol=1e-4)
