"""What the Kids of the core compose and learn: by hand where numbers are few, and what they refuse."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akid_core import SGD, Adam, Brain, Kid, Phase, Practice, Sensors, Start, sensors
from akid_core import layers as L
from akid_core.bundled.zoo.gan import conv_gan
from akid_core.checkpoints import read_weights
from akid_core.data.augmenter import Augmenter
from akid_core.errors import (
    CheckpointError,
    ConfigurationError,
    DataError,
    RunDirectoryError,
    SpecError,
    UnknownNameError,
)
from akid_core.graph import System
from akid_core.initializers import Constant
from akid_core.kids import Autoencoder, Denoise, Distill, Gan
from akid_core.testing.kids import classifier

RANDOM = np.random.default_rng(3)
IMAGES = RANDOM.uniform(size=(20, 1, 2, 3)).astype(np.float32)
PARTS = ("generator", "discriminator")


def scalar(name: str, value: float) -> L.Dense:
    """A block that multiplies a number by one that it learns."""
    return L.Dense(name=name, units=1, bias=False, weight_init=Constant(value=value))


def gan(brain: Brain | None = None, **settings: Any) -> Gan:
    """Numbers about 2 as pictures: the generator multiplies noise by 0.5, the discriminator its input by -0.3."""
    own = {name: settings.pop(name) for name in [*settings] if hasattr(Gan.Settings(), name)}
    image = (2 + RANDOM.normal(size=(8, 1))).astype(np.float32)
    said = {
        "brain": brain or Brain.sequential(scalar("generator", 0.5), scalar("discriminator", -0.3), inputs="noise"),
        "sensors": sensors(train={"image": image, "label": image}, batch_size=4),
        "optimizer": SGD(learning_rate=0.1),
        "practice": Practice(steps=2),
        "backend": "numpy",
        "settings": Gan.Settings(**{"latent": (1,), **own}),
    }
    return Gan(**{**said, **settings})


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


# -- gan


@pytest.mark.parametrize("every", [1, 2])
def test_two_steps_of_a_gan_by_hand(every: int) -> None:
    kid = gan(smooth=0.9, every=every)
    w, v = 0.5, -0.3
    for number in range(2):
        fields = kid.train_sensor.batch(0, number).fields
        real, z = fields["image"].astype(float), fields["noise"].astype(float)
        # -0.9 log s(v x) - 0.1 log(1 - s(v x)) - log(1 - s(v w z)), by v
        v -= 0.1 * (np.mean((sigmoid(v * real) - 0.9) * real) + np.mean(sigmoid(v * w * z) * w * z))
        if number % every == 0:  # -log s(v w z), by w, with the discriminator that has moved
            w -= 0.1 * np.mean((sigmoid(v * w * z) - 1) * v * z)
    kid.practice()
    assert kid.network["discriminator/weight"].item() == pytest.approx(v, rel=1e-5)
    assert kid.network["generator/weight"].item() == pytest.approx(w, rel=1e-5)


def test_each_part_of_a_gan_has_an_optimizer_of_its_own() -> None:
    kid = gan(generator_optimizer=SGD(learning_rate=0.0), discriminator_optimizer=Adam(learning_rate=0.1))
    kid.practice()
    assert kid.network["generator/weight"].item() == 0.5
    assert kid.network["discriminator/weight"].item() != pytest.approx(-0.3, abs=0.05)
    assert kid.described.optimizer == SGD(learning_rate=0.1)  # as it was said


def test_a_gan_predicts_from_noise_alone() -> None:
    kid = gan()
    z = np.array([[2.0], [-1.0]], np.float32)
    np.testing.assert_allclose(kid.predict({"noise": z}), 0.5 * z)
    np.testing.assert_allclose(kid.predict(z), 0.5 * z)
    np.testing.assert_allclose(kid.predict({"noise": z, "image": z}), 0.5 * z)  # what no output needs is passed over
    with pytest.raises(DataError, match="'noise' is missing; this brain takes 'noise'"):
        kid.predict({"image": z})


def test_validation_of_a_gan_is_the_same_each_time() -> None:
    data = {"image": IMAGES[:, 0, 0, :1]}
    kid = gan(sensors=sensors(train=data, val=data, batch_size=4))
    first = kid.validate()
    assert first == kid.validate() != {}
    assert first["loss"] == pytest.approx(first["real"] + first["fake"] + first["fool"])


def test_the_discriminator_may_name_its_picture_and_both_may_take_a_label() -> None:
    made = System.graph(
        L.Concat(name="both").on("noise", "label"), scalar("out", 1.0).on("both"), inputs=("noise", "label")
    )
    seen = System.graph(L.Concat(name="both").on("x", "y"), scalar("out", 1.0).on("both"), inputs=("x", "y"))
    brain = Brain.graph(
        replace(made, name="maker").on("noise", "label"),
        replace(seen, name="judge").on("picture", "label"),
        inputs=("noise", "label", "picture"),
    )
    data = {"picture": IMAGES[:, 0, 0, :1], "label": IMAGES[:, 0, 1, :1]}
    kid = gan(brain, generator="maker", discriminator="judge", sensors=sensors(train=data, batch_size=5))
    taken = {path: [str(value) for value in call.inputs] for path, call in kid.graph.by_path.items()}
    assert taken["judge/both"] == ["picture", "label"]
    assert taken["judge_of_fake/both"] == ["maker/out", "label"]
    assert kid.graph.by_path["judge_of_fake/out"].owner == "judge/out"
    assert kid.practice().status == "done"
    assert kid.predict({"noise": np.ones((2, 1)), "label": np.ones((2, 1))}).shape == (2, 1)


def test_the_noise_is_as_the_brain_states_it_and_a_network_of_the_zoo_learns() -> None:
    kid = gan(
        conv_gan(size=4, latent=5, width=2),
        latent=None,
        sensors=sensors(train={"image": RANDOM.uniform(size=(8, 1, 4, 4)).astype("float32")}, batch_size=4),
    )
    assert kid.train_sensor.spec["noise"].row == (5,)
    assert kid.practice().status == "done"
    assert kid.predict(np.zeros((3, 5), np.float32)).shape == (3, 1, 4, 4)


def test_other_losses_teach_the_generator() -> None:
    brain = Brain.sequential(scalar("generator", 0.5), scalar("discriminator", -0.3), inputs="noise")
    kid = gan(brain.with_loss(L.MeanSquaredError(), "generator", "label"))
    assert [turn.losses for turn in kid.regime.turns(kid.graph.trained, list(kid.graph.loss_layers))] == [
        ("real", "fake"),
        ("mean_squared_error", "fool"),
    ]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"generator": "generater"},
            UnknownNameError,
            r"kid.gan.generator: the Brain has no block 'generater'. Did you mean 'generator'\? Its blocks: generator, "
            "discriminator",
        ),
        ({"discriminator": "critic"}, UnknownNameError, "kid.gan.discriminator: the Brain has no block 'critic'"),
        ({"optimizer": [Phase()]}, ConfigurationError, "kid.gan.generator_optimizer and kid.gan.disc"),
        (
            {"brain": Brain.sequential(scalar("discriminator", 1.0), scalar("generator", 1.0), inputs="image")},
            ConfigurationError,
            "'generator' takes 'discriminator' first, and a generator takes noise",
        ),
        (
            {"brain": Brain.graph(*(scalar(part, 1.0).on("image") for part in PARTS), inputs="image")},
            ConfigurationError,
            "both take 'image' first",
        ),
        (
            {
                "brain": Brain.sequential(
                    scalar("generator", 1.0),
                    scalar("discriminator", 1.0),
                    L.ReLU(name="label_fool"),
                    inputs="noise",
                )
            },
            ConfigurationError,
            "'label_fool' is to be added, and the Brain has one called so already",
        ),
        ({"settings": Distill.Settings(teacher=Path("x"))}, ConfigurationError, "of Gan are Gan.Settings.* got Dis"),
    ],
)
def test_what_no_gan_can_be_made_of(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gan(**change)


def test_noise_that_the_batch_has_already() -> None:
    data = {"image": IMAGES[:, 0, 0, :1], "noise": IMAGES[:, 0, 0, :1]}
    with pytest.raises(ConfigurationError, match="it would add the field 'noise', which a batch has already"):
        gan(sensors=sensors(train=data, batch_size=4)).practice()


@pytest.mark.parametrize("wrong", [{"smooth": 0.0}, {"smooth": 1.1}, {"every": 0}, {"generator": "discriminator"}])
def test_settings_of_a_gan_that_mean_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="label of a real|number of steps|two blocks"):
        Gan.Settings(**wrong)


# -- autoencoder and denoise


def reconstructing(cls: type[Kid], **settings: Any) -> Any:
    blocks = (L.Flatten(), L.Dense(units=6, name="scores"), L.Sigmoid(), L.Reshape(shape=(1, 2, 3), name="again"))
    said = {
        "brain": Brain.sequential(*blocks, inputs="image", outputs="again"),
        "sensors": sensors(train={"image": IMAGES}, val={"image": IMAGES}, batch_size=5),
        "optimizer": Adam(learning_rate=0.05),
        "practice": Practice(epochs=3),
        "backend": "numpy",
    }
    return cls(**{**said, **settings})


def test_an_autoencoder_compares_its_output_with_its_input() -> None:
    kid = reconstructing(Autoencoder)
    expected = np.mean((kid.predict(IMAGES) - IMAGES) ** 2)
    assert kid.validate()["loss"] == pytest.approx(expected, rel=1e-5)
    assert kid.practice().val["loss"] < expected


def test_a_loss_of_logits_takes_the_value_that_is_named() -> None:
    own = Autoencoder.Settings(loss=L.BinaryCrossEntropy(), reconstruction="scores")
    kid = reconstructing(Autoencoder, settings=own, brain=Brain.sequential(
        L.Dense(units=6, name="scores"), L.Sigmoid(name="again"), inputs="image", outputs="again"
    ), sensors=sensors(train={"image": IMAGES.reshape(20, 6)}, batch_size=5))  # fmt: skip
    flat = IMAGES.reshape(20, 6)
    again = kid.predict(flat)
    expected = -np.mean(flat * np.log(again) + (1 - flat) * np.log(1 - again))
    assert kid.validate("train")["loss"] == pytest.approx(expected, rel=1e-4)


class Darken(Augmenter):
    """Each picture times a number of its own."""

    def apply(self, fields: Any, random: Any) -> Any:
        dark = random.uniform()[:, None, None, None].astype("float32")
        return {name: fields[name] * dark for name in self.fields}


def test_denoise_gives_the_brain_the_spoilt_and_the_loss_the_clean() -> None:
    kid = reconstructing(Denoise, settings=Denoise.Settings(spoil=(Darken(),)))
    fields = kid.train_sensor.batch(0, 0).fields
    known = {row.tobytes() for row in IMAGES}
    assert all(row.tobytes() in known for row in fields["clean"])
    dark = fields["image"] / fields["clean"]
    assert np.ptp(dark, axis=(1, 2, 3)).max() < 1e-5
    assert len(np.unique(np.round(dark[:, 0, 0, 0], 5))) == 5
    assert [str(value) for value in kid.graph.losses[0].inputs] == ["again", "clean"]
    assert kid.practice().val == kid.validate()


def test_rows_to_predict_for_are_not_spoilt() -> None:
    plain = {"sensors": Sensors(source=sensors(train={"image": IMAGES}).source, batch_size=5, augment=(Darken(),))}
    kid = reconstructing(Denoise, settings=Denoise.Settings(spoil=(Darken(),)), **plain)
    np.testing.assert_array_equal(kid.prepare(IMAGES)["image"], IMAGES)
    assert kid.predict(kid.prepare(IMAGES)).shape == IMAGES.shape


def test_nothing_to_spoil_with() -> None:
    with pytest.raises(ValueError, match="spoil needs an augmenter"):
        Denoise.Settings(spoil=())
    with pytest.raises(ConfigurationError, match=r"Denoise needs 'spoil': say settings=Denoise.Settings\(spoil=...\)"):
        reconstructing(Denoise)


# -- distill


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """The run of a classifier that normalises and drops out."""
    blocks = (L.Dense(units=9), L.BatchNorm(), L.Dropout(rate=0.5), L.Tanh(), L.Dense(units=3, name="logits"))
    brain = Brain.sequential(*blocks, inputs="x").with_loss(L.SoftmaxCrossEntropy(), "logits", "y")
    Kid(**{**classifier(), "brain": brain.with_metric(L.Accuracy(), "logits", "y")}).practice(run_dir=tmp_path / "big")
    return tmp_path / "big"


def student(teacher: Path, own: dict[str, Any] | None = None, **settings: Any) -> Distill:
    return Distill(**{**classifier(), "settings": Distill.Settings(teacher=teacher, **own or {}), **settings})


def weights(run: Path) -> Path:
    """The file with the weights of a run of six steps."""
    return run / "checkpoints" / "step-6" / "params.safetensors"


def settled(kid: Kid) -> Any:
    """The settings of a Kid with the teacher's Brain."""
    return kid.config.kid.settings


def test_what_a_student_minimises_by_hand(teacher: Path) -> None:
    kid = student(teacher, {"temperature": 3.0, "share": 0.8})
    batch, params = kid.train_sensor.batch(0, 0), read_weights(weights(teacher))
    hidden = batch.fields["x"] @ params["dense/weight"] + params["dense/bias"]
    hidden = (hidden - params["batch_norm/mean"]) / np.sqrt(params["batch_norm/variance"] + 1e-5)
    hidden = np.tanh(hidden * params["batch_norm/scale"] + params["batch_norm/shift"])
    theirs = hidden @ params["logits/weight"] + params["logits/bias"]
    mine = kid.predict(batch.fields["x"])

    def logs(logits: np.ndarray) -> Any:
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    soft = 9 * np.sum(np.exp(logs(theirs / 3)) * (logs(theirs / 3) - logs(mine / 3)))
    hard = -np.sum(logs(mine)[np.arange(len(mine)), batch.fields["y"]])
    sums = {path: parts["sum"] for path, parts in kid.network.measure(batch).items()}
    assert sums == pytest.approx({"softmax_cross_entropy": hard, "soft": soft}, rel=1e-4)
    assert [loss.weight for loss in kid.graph.loss_layers.values()] == pytest.approx([0.2, 0.8])


def test_a_teacher_stays_as_it_is_and_evaluates(teacher: Path) -> None:
    kid = student(teacher)
    kid.practice()
    for path, value in read_weights(weights(teacher)).items():
        np.testing.assert_array_equal(kid.network[f"teacher/{path}"], value, err_msg=path)
    assert all(call.evaluates == call.path.startswith("teacher/") for call in kid.graph.calls)
    assert not kid.graph.metrics  # those of the teacher are its own


def test_a_run_goes_on_where_the_teacher_is_no_more(toy: Any) -> None:
    toy.describe("name: loss, ", "")
    small = ("--set", "kid={distill: {teacher: big}}", "--set", "brain.blocks.hidden.units=3")
    assert toy.practice("big").code == 0
    assert toy.practice("whole", *small).code == 0
    assert toy.practice("parts", *small, "--max-steps", 5).code == 0
    shutil.rmtree("big")
    assert toy.akid("practice", "parts/config.yaml", "--run-dir", "parts", "--resume").code == 0
    whole, parts = (
        read_weights(Path(run, "checkpoints", "step-12", "params.safetensors")) for run in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    assert "teacher/norm/mean" in whole
    for path, value in whole.items():
        np.testing.assert_array_equal(parts[path], value, err_msg=path)
    assert toy.akid("validate", "parts").out == toy.akid("validate", "whole").out.replace("whole", "parts")
    np.save("x.npy", np.zeros((2, 2), np.float32))
    assert toy.akid("predict", "parts", "--input", "x.npy").out == toy.akid("predict", "whole", "--input", "x.npy").out


def test_what_is_checked_and_shown_is_what_is_practised(toy: Any) -> None:
    toy.describe("name: loss, ", "")
    kid = ("--set", "kid={distill: {teacher: big}}")
    said = toy.akid("check", toy.yaml, *kid)
    assert said.code == 78
    assert "akid: kid.distill.teacher: big is no run directory" in said.err
    assert "Practise the teacher first, with --run-dir big" in said.err
    assert toy.practice("big", "--max-steps", 1).code == 0
    assert toy.akid("check", toy.yaml, *kid).code == 0
    shown = toy.akid("show", toy.yaml, *kid).out
    assert "teacher/hidden" in shown
    assert "Distillation(temperature=4.0, weight=0.9)" in shown or "Distillation(weight=0.9)" in shown
    wrong = toy.akid("check", toy.yaml, "--set", "kid={distill: {teacher: big, temprature: 2}}")
    assert "kid.distill.temprature: unknown key 'temprature'. Did you mean 'temperature'?" in wrong.err
    wrong = toy.akid("check", toy.yaml, "--set", "kid=distil")
    assert "kid: " in wrong.err
    assert "Did you mean 'distill'?" in wrong.err
    wrong = toy.akid("check", toy.yaml, "--set", "kid={distill: {}, gan: {}}")
    assert "kid: expected a kid, as name or {name: {setting: value}}, got a mapping with the keys distill" in wrong.err
    assert "kid.distill: needs 'teacher'." in toy.akid("check", toy.yaml, "--set", "kid=distill").err


def test_a_student_without_labels(teacher: Path) -> None:
    said = classifier()
    kid = student(teacher, {"share": 1.0}, brain=replace(said["brain"], losses=()), train={"x": said["train"]["x"]})
    before = kid.validate("train")["loss"]
    assert kid.practice().status == "done"
    assert kid.validate("train")["loss"] < before


def test_a_file_of_weights_and_a_brain_are_a_teacher(teacher: Path) -> None:
    of_run = student(teacher)
    of_file = student(weights(teacher), {"brain": settled(of_run).brain})
    for path, value in of_run.network.read().items():
        np.testing.assert_array_equal(of_file.network[path], value, err_msg=path)


def test_weights_of_ones_own_come_first(teacher: Path, tmp_path: Path) -> None:
    Kid(**classifier()).practice(run_dir=tmp_path / "small")
    kid = student(teacher, practice=Practice(steps=1, start=Start(path=tmp_path / "small"), freeze=("hidden/*",)))
    kid.practice()
    np.testing.assert_array_equal(
        kid.network["hidden/weight"], read_weights(weights(tmp_path / "small"))["hidden/weight"]
    )
    assert sum(note.count("practice.start: ") for note in kid.notes) == 2


@pytest.mark.parametrize(
    ("own", "error", "message"),
    [
        ({"share": 0.0}, ValueError, "share is the part"),
        ({"temperature": 0.0}, ValueError, "temperature must be above 0"),
        ({"teacher_logits": "logit"}, UnknownNameError, "Did you mean 'logits'"),
        ({"logits": "logit"}, UnknownNameError, "Did you mean 'logits'"),
        ({"logits": "hidden"}, SpecError, r"'soft' \(Distillation\) with hidden = .*N, 4.*, teacher = .*N, 3"),
    ],
)
def test_what_cannot_be_distilled(teacher: Path, own: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _ = student(teacher, own).graph


def test_a_teacher_of_other_inputs(teacher: Path, tmp_path: Path) -> None:
    said = classifier()
    brain = replace(said["brain"], inputs="X")
    train = {"X": said["train"]["x"], "y": said["train"]["y"]}
    message = r"kid.distill.teacher: the teacher takes 'x', and the Brain does not. Did you mean 'X'\? Its inputs: X."
    with pytest.raises(UnknownNameError, match=message):
        student(teacher, brain=brain, train=train)
    wide = {"x": np.zeros((50, 7), np.float32), "y": said["train"]["y"]}
    with pytest.raises(CheckpointError, match=r"practice.start: .*'teacher/dense/weight' is float32\[7, 9\] here and"):
        _ = student(teacher, train=wide).network
    with pytest.raises(ConfigurationError, match=r"nowhere is no run directory.*Practise the teacher first"):
        student(tmp_path / "nowhere")


def test_a_teacher_must_be_complete(teacher: Path) -> None:
    brain = settled(student(teacher)).brain
    larger = replace(brain, nodes=(*brain.nodes, L.Dense(units=3, name="further").on("logits")))
    with pytest.raises(CheckpointError, match=r"does not hold all that is wanted.*further/weight, further/bias"):
        _ = student(weights(teacher), {"brain": larger}).network


def test_another_teacher_is_another_run(teacher: Path, tmp_path: Path) -> None:
    student(teacher).practice(run_dir=tmp_path / "run", max_steps=2)
    with pytest.raises(RunDirectoryError, match="kid.*temperature"):
        student(teacher, {"temperature": 9.0}).practice(run_dir=tmp_path / "run", resume=True)
