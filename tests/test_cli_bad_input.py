"""Bad input to the command line: one paragraph that tells the way out, the right exit code, and nothing left behind."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from akid_core.errors import ConfigurationError, DataError, SpecError, UnknownNameError, UsageError
from akid_core.testing.plugin import MakeDist
from akid_core.training.kid import Kid

LOSSES = "  losses: [{softmax_cross_entropy: {name: loss, inputs: [logits, label]}}]\n"


def refuse(toy, *arguments: object, code: int, said: str) -> None:
    """The command ends with the code and one paragraph, and has made no file."""
    before = sorted(path.name for path in toy.folder.iterdir())
    heard = toy.akid(*arguments)
    assert heard.code == code
    assert heard.err.startswith("akid: ")
    assert len(heard.err.splitlines()) == 1
    assert said in heard.err
    assert sorted(path.name for path in toy.folder.iterdir()) == before


# --- descriptions ---


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("optimizer:", "optimiser:", "line 16, optimiser: unknown key 'optimiser'. Did you mean 'optimizer'? Valid: "),
        ("learning_rate", "learn_rate", "line 16, optimizer.adam.learn_rate: unknown key 'learn_rate'. Did you mean"),
        ("losses", "loses", "line 14, brain.loses: unknown key 'loses'. Did you mean 'losses'? Valid: "),
        ("units: 6", "unit: 6", "line 9, brain.blocks[0].dense.unit: unknown key 'unit'. Did you mean 'units'?"),
        ("units: 6", "units: six", "line 9, brain.blocks[0].dense.units: expected an integer, got 'six'."),
        ("units: 6", "units: -6", "line 9, brain.blocks[0].dense: units must be at least 1, got -6."),
        ("batch_size: 16", 'batch_size: "16"', "line 4, sensors.batch_size: expected an integer, got '16'."),
        ("batch_size: 16", "batch_size: 0", "line 4, sensors: batch_size must be at least 1, got 0."),
        ("dense: {name: hidden", "dens: {name: hidden", "line 9, brain.blocks[0]: There is no layer 'dens'. Did you"),
        (
            "source: clouds",
            "source: cloud",
            "line 4, sensors.source: There is no source 'cloud'. Did you mean 'clouds'",
        ),
        ("wobble", "wobbel", "line 4, sensors.augment[0]: There is no augmenter 'wobbel'. Did you mean 'wobble'?"),
        ("0.05", "{plato: {initial: 1}}", "There is no schedule 'plato'. Did you mean 'plateau'?"),
        ("epochs: 3", "epochs: 3, steps: 4", "line 17, practice: say exactly one of epochs and steps."),
        ("epochs: 3,", "", "line 17, practice: say exactly one of epochs and steps."),
        ("log_every: 3", "log_every: 3 days", "line 17, practice: log_every must be a number of steps, 'epoch', "),
        ("log_every: 3", "keep: 0", "line 17, practice: keep must be at least 1 checkpoint, got 0."),
        ("log_every: 3", "best: {mode: maximum}", "practice.best.mode: expected one of 'min', 'max', got 'maximum'."),
        ("akid: 1\n", "", "toy.yaml: the key 'akid' is missing; begin with akid: 1, the schema's version."),
        ("akid: 1", "akid: 2", "toy.yaml, line 1, akid: schema version 2 is not known here"),
        ("akid: 1", "akid: true", "toy.yaml, line 1, akid: schema version True is not known here"),
        (
            "backend: numpy",
            "backend: numpy\nbackend: numpy",
            "line 3: the key 'backend' stands here for the second time",
        ),
        ("backend: numpy", "backend: numpy\n  x: 1", "line 3, column 4: this is not YAML: "),
        ("backend: numpy", "backend: [numpy]", "line 2, backend: expected text or null, got ['numpy']."),
        ("backend: numpy", "providers: [a]", "line 2, providers: expected a mapping, got ['a']."),
        (
            "backend: numpy",
            "observers: [progres]",
            "line 2, observers[0]: There is no observer 'progres'. Did you mean",
        ),
        (
            "[./toy_parts.py]",
            "toy_parts.py",
            "line 3, plugins: expected a list of modules and files, such as ./mine.py.",
        ),
        ("optimizer: {adam: {learning_rate: 0.05}}\n", "", "toy.yaml: needs 'optimizer'. Valid: brain, sensors, "),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_key(old: str, new: str, said: str, toy) -> None:
    toy.describe(old, new)
    for command in (["practice", "--run-dir", "run"], ["check"]):
        refuse(toy, command[0], "toy.yaml", *command[1:], code=78, said=said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "[logits, label]}}]\n  m",
            "[logits, lable]}}]\n  m",
            "Block 'loss' takes 'lable', which is not in the Brain. Did",
        ),
        ("outputs: logits", "outputs: logit", "takes 'logit', which is not in the Brain. Did you mean 'logits'?"),
        (
            "- {dropout: {name: drop, rate: 0.3}}",
            "- {conv2d: {name: conv, channels: 2, kernel: 3}}",
            "Block 'conv' (Conv2d)",
        ),
        (LOSSES, "", "A brain without a loss has nothing to learn from: add one"),
        ("log_every: 3", "best: {metric: acuracy}", "practice.best.metric is 'acuracy', but validation gives loss, "),
        ("log_every: 3", "best: {}, validate_every: never", "practice.best watches validation, but practice.validate_"),
        (
            "0.05",
            "{plateau: {initial: 0.1, metric: acuracy}}",
            "The schedule plateau watches 'acuracy', but validation",
        ),
        ("backend: numpy", "backend: nmpy", "There is no backend 'nmpy'. Did you mean 'numpy'?"),
        ("clouds,", "{clouds: {size: 15}},", "The batch_size of 16 is larger than an epoch over the source 'clouds'"),
        ("./toy_parts.py", "./toy_part.py", "toy_part.py does not import: FileNotFoundError: there is no file "),
    ],
)
def test_what_does_not_fit_together(old: str, new: str, said: str, toy) -> None:
    toy.describe(old, new)
    for command in (["practice", "--run-dir", "run"], ["check"]):
        refuse(toy, command[0], "toy.yaml", *command[1:], code=78, said=said)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("device: cuda:0", "execution.device is 'cuda:0', but the numpy backend knows 'cpu' alone."),
        ("strategy: ddp", "There is no strategy 'ddp' for numpy. Known: single."),
        ("threads: 0", "execution.threads must be at least 1, got 0."),
    ],
)
def test_an_execution_that_cannot_be(setting: str, said: str, toy) -> None:
    toy.describe("backend: numpy", f"backend: numpy\nexecution: {{{setting}}}")
    refuse(toy, "practice", "toy.yaml", "--run-dir", "run", code=78, said=said)


def test_an_empty_source(toy) -> None:
    toy.describe("clouds,", "{clouds: {size: 0}},")
    refuse(toy, "practice", "toy.yaml", "--run-dir", "run", code=1, said="The source 'clouds' has no rows to train on")


@pytest.mark.parametrize("text", ["", "- 1\n", "just text\n"])
def test_a_file_that_is_no_mapping(text: str, toy) -> None:
    toy.yaml.write_text(text)
    refuse(toy, "practice", "toy.yaml", code=78, said="toy.yaml: expected a mapping (key: value), got ")


def test_a_file_that_is_no_text(toy) -> None:
    toy.yaml.write_bytes(b"\xff\xfe\x00")
    refuse(toy, "practice", "toy.yaml", code=78, said="toy.yaml is not text in UTF-8")


@pytest.mark.parametrize(
    ("override", "code", "said"),
    [
        ("optimizer.learn_rate=3", 78, "--set optimizer.learn_rate=3, optimizer.adam.learn_rate: unknown key"),
        ("optimizer.learning_rate=fast", 78, "--set optimizer.learning_rate=fast, optimizer.adam.learning_rate: "),
        ("nonsense", 2, "--set nonsense: write key.key=value, for example optimizer.learning_rate=0.1."),
        ("brain.blocks.hiden.units=3", 2, "there is no 'hiden' in brain.blocks. Did you mean 'hidden'?"),
        ("seed.value=3", 2, "--set seed.value=3"),
        (
            "practice.epochs=-1",
            78,
            "--set practice.epochs=-1, practice: epochs and steps must not be negative, got -1.",
        ),
        ("akid=2", 78, "--set akid=2, akid: schema version 2 is not known here"),
        ("plugins=[./none.py]", 78, "none.py does not import"),
    ],
)
def test_overrides(override: str, code: int, said: str, toy) -> None:
    toy.describe("backend: numpy", "backend: numpy\nseed: 1")
    refuse(toy, "practice", "toy.yaml", "--run-dir", "run", "--set", override, code=code, said=said)


# --- names ---


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "There is no recipe 'nothing'."),
        ("./nothing.yaml", "nothing.yaml cannot be read: No such file or directory."),
        ("nothing.yaml", "nothing.yaml cannot be read: No such file or directory."),
        ("./", "./ cannot be read: Is a directory."),
    ],
)
def test_an_unknown_description(name: str, said: str, toy) -> None:
    for command in ("practice", "check", "show"):
        refuse(toy, command, name, code=78, said=said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("source: clouds", "source: digits", "There is no source 'digits'. Install it: pip install akid-datasets."),
        ("backend: numpy", "backend: torch", "There is no backend 'torch'. Install it: pip install akid-torch."),
        ("backend: numpy", "backend: tensorflow", "Install it: pip install 'akid-tf[cpu]'."),
    ],
)
def test_a_missing_plugin_is_named_with_its_command(
    old: str, new: str, said: str, toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKID_DISABLE_PLUGINS", "akid-datasets,akid-torch,akid-tf")
    toy.describe(old, new)
    refuse(toy, "practice", "toy.yaml", "--run-dir", "run", code=78, said=said)


def test_a_recipe_of_a_distribution(toy, make_dist: MakeDist) -> None:
    plugin = """
        from akid_core.plugin_api import RecipeInfo, hookimpl

        @hookimpl
        def akid_recipes():
            yield RecipeInfo(name="toys", target="akid_toys:toys.yaml", summary="two clouds")
    """
    modules = {
        "akid_toys/__init__.py": "",
        "akid_toys/plugin.py": plugin,
        "akid_toys/toys.yaml": "akid: 1\nbrian: {}\n",
    }
    make_dist("akid-toys", modules=modules, entry_points={"toys": "akid_toys.plugin"})
    refuse(toy, "check", "toys", code=78, said="recipe toys, line 2, brian: unknown key 'brian'. Did you mean 'brain'?")
    refuse(toy, "check", "toy", code=78, said="There is no recipe 'toy'. Did you mean 'toys'?")
    assert "two clouds" in toy.akid("zoo").out
    assert "toys" in [row["name"] for row in json.loads(toy.akid("zoo", "--json").out)]


# --- runs ---


def test_an_unknown_split(toy) -> None:
    toy.practice("run", "--max-steps", 1)
    said = toy.akid("validate", "run", "--split", "tset")
    assert said.code == 2
    assert "invalid choice: 'tset'" in said.err
    with pytest.raises(UsageError, match=r"no split 'tset'\. Did you mean 'test'\? Splits: train, val, test"):
        Kid.from_yaml(toy.yaml).validate("tset")


@pytest.fixture
def run(toy):
    toy.practice("run", "--max-steps", 1)
    return toy


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((3, 5)), "Input 'image' has shape (3, 5); float32[N, 2] is wanted, N being the rows."),
        (np.zeros(2), "Input 'image' has shape (2,)"),
        (np.float32(1), "Input 'image' has shape ()"),
        (np.array([["a", "b"]]), "Input 'image' is of type <U1; float32[N, 2] is wanted."),
        (np.array([[None, None]]), "x.npy cannot be read as .npy or .npz: Object arrays cannot be loaded"),
    ],
)
def test_an_array_that_does_not_fit(values: np.ndarray, said: str, run) -> None:
    np.save("x.npy", values)
    refuse(run, "predict", "run", "--input", "x.npy", "--output", "y.npy", code=1, said=said)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.npy", b"", "x.npy cannot be read as .npy or .npz: No data left in file."),
        ("x.npy", b"no array", "x.npy cannot be read as .npy or .npz: "),
        ("x.npz", b"PK\x03\x04 cut short", "x.npz cannot be read as .npy or .npz: File is not a zip file."),
        ("x.npy", None, "x.npy cannot be read as .npy or .npz: No such file or directory."),
    ],
)
def test_a_file_that_is_no_array(name: str, data: bytes | None, said: str, run) -> None:
    if data is not None:
        (run.folder / name).write_bytes(data)
    refuse(run, "predict", "run", "--input", name, "--output", "y.npy", code=1, said=said)


def test_arrays_by_the_wrong_name(run) -> None:
    np.savez("x.npz", imag=np.zeros((2, 2)))
    said = "'imag' is not an input of this brain. Did you mean 'image'? It takes 'image'."
    refuse(run, "predict", "run", "--input", "x.npz", code=1, said=said)


def test_outputs_that_cannot_be_written(run) -> None:
    np.save("x.npy", np.zeros((2, 2)))
    said = "x.npy/y.npy cannot be written: Not a directory."
    refuse(run, "predict", "run", "--input", "x.npy", "--output", "x.npy/y.npy", code=1, said=said)


def test_data_that_breaks_its_promise_while_practising(toy) -> None:
    parts = toy.folder / "toy_parts.py"
    parts.write_text(parts.read_text().replace('return {"image": image,', 'return {"image": image[:, :1],'))
    said = toy.practice("run", "--json")
    assert said.code == 1
    message = said.err.splitlines()[-1]
    assert "promises the field 'image' as float32[N, 2], but gave float32[16, 1] for 16 rows." in message
    assert "It happened while reading step 0 (epoch 0, positions 0 to 15)." in message
    assert message == f"akid: {said.json['error']}"
    assert not [thread for thread in threading.enumerate() if thread.name == "akid-prefetch"]


# --- the same in Python ---


@pytest.mark.parametrize(
    ("override", "error"),
    [
        ("optimizer.learn_rate=1", ConfigurationError),
        ("backend=nmpy", UnknownNameError),
        ("brain.blocks=[{conv2d: {name: logits, channels: 2, kernel: 3}}]", SpecError),
        ("sensors.source={clouds: {size: 0}}", DataError),
        ("practice.best={metric: acuracy}", ConfigurationError),
    ],
)
def test_typed_errors(override: str, error: type[Exception], toy) -> None:
    with pytest.raises(error):
        Kid.from_yaml(toy.yaml, [override]).practice(run_dir="run")
    assert not (toy.folder / "run").exists()


def test_a_brain_without_a_loss_still_predicts(toy) -> None:
    toy.describe(LOSSES, "")
    assert Kid.from_yaml(toy.yaml).predict(np.zeros((3, 2), np.float32)).shape == (3, 2)
