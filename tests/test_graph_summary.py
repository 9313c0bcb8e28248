"""The summary of a Brain, and attached modules."""

from __future__ import annotations

from textwrap import dedent

import pytest

from akid_core.errors import ConfigurationError, SpecError
from akid_core.graph import Brain, System
from akid_core.graph.attach import Attach
from akid_core.graph.summary import settings_text
from akid_core.initializers import Constant, Normal
from akid_core.layers import Accuracy, BatchNorm, Conv2d, Dense, Flatten, ReLU, SoftmaxCrossEntropy
from akid_core.specs import TensorSpec
from akid_core.specs.precision import Precision

FIELDS = {"image": TensorSpec(("N", 1, 8, 8), "float32", "NCHW"), "label": TensorSpec(("N",), "int64")}


def test_the_whole_table() -> None:
    brain = (
        Brain.sequential(
            System.sequential(Conv2d(channels=32, kernel=5, name="conv1"), BatchNorm(), name="stem"),
            Flatten(),
            Dense(units=10, name="logits"),
            Dense(units=10, name="again").on("flatten", share="logits"),
            inputs="image",
            outputs=("logits", "again"),
        )
        .with_loss(SoftmaxCrossEntropy(weight=0.5), "logits", "label")
        .with_metric(Accuracy(), "again", "label")
    )
    assert brain.summary(FIELDS) == dedent(
        """\
        block                  layer                            takes            gives                 parameters
        ---------------------------------------------------------------------------------------------------------
        image                                                                    float32[N, 1, 8, 8]
        stem/conv1             Conv2d(channels=32, kernel=5)    image            float32[N, 32, 4, 4]         832
        stem/batch_norm        BatchNorm()                      stem/conv1       float32[N, 32, 4, 4]          64
        flatten                Flatten()                        stem/batch_norm  float32[N, 512]
        logits                 Dense(units=10)                  flatten          float32[N, 10]             5,130
        again                  Dense(units=10)                  flatten          float32[N, 10]         as logits
        ---------------------------------------------------------------------------------------------------------
        softmax_cross_entropy  SoftmaxCrossEntropy(weight=0.5)  logits, label
        accuracy               Accuracy()                       again, label
        ---------------------------------------------------------------------------------------------------------
        gives logits = float32[N, 10], again = float32[N, 10]; 6,026 trained parameters, 64 of state; float32"""
    )


def test_without_labels() -> None:
    brain = Brain.sequential(ReLU(), inputs={"image": FIELDS["image"]}, precision=Precision("float64", "bfloat16"))
    table = brain.with_loss(SoftmaxCrossEntropy(), "relu", "label").summary(losses=False)
    assert table.splitlines()[3].split() == ["relu", "ReLU()", "image", "bfloat16[N,", "1,", "8,", "8]"]
    assert table.endswith("0 trained parameters, 0 of state; float64/bfloat16/float32")


def test_settings_as_python() -> None:
    layer = Conv2d(channels=3, kernel=(3, 1), weight_init=Normal(stddev=0.1), bias_init=Constant(value=1), name="c")
    text = settings_text(layer)
    assert text == "Conv2d(channels=3, kernel=(3, 1), weight_init=Normal(stddev=0.1), bias_init=Constant(value=1))"
    attached = Attach(target="a:B", arguments={"sizes": [1], "deep": {"x": None}}, out=("N", 2))
    assert "arguments={'sizes': (1,), 'deep': {'x': None}}" in settings_text(attached)


def test_what_an_attached_module_holds_is_not_counted_and_that_is_said() -> None:
    body = Attach(name="body", target="fractions:Fraction", out=("N", 2))
    text = Brain.sequential(body, inputs={"x": TensorSpec(("N", 2))}).summary({})
    assert next(line for line in text.splitlines() if line.startswith("body")).endswith("  its own")
    assert "beside those of attached modules, 0 trained parameters" in text


# --- attached modules: `fractions:Fraction` stands for any class that can be imported ---


class Module:
    """Something that is made elsewhere."""

    def __init__(self) -> None:
        self.weights = [1.0]


def test_a_module_by_import_path() -> None:
    attach = Attach(target="fractions:Fraction", arguments={"numerator": 1, "denominator": 2})
    assert attach.make() == 0.5
    assert not attach.live_only


def test_each_network_gets_its_own_module() -> None:
    module = Module()
    attach = Attach(target=module)
    made = attach.make()
    assert attach.live_only
    assert type(made) is Module
    assert made is not module
    assert made.weights == module.weights
    assert made.weights is not module.weights


def test_the_output_of_a_module() -> None:
    image, row = FIELDS["image"], TensorSpec(("N", 4), "float64")
    assert Attach(target="a:B").outputs(image) == image
    assert Attach(target="a:B", out=row).outputs(image, image) == TensorSpec(("N", 4), "float32")
    assert Attach(target="a:B", out=TensorSpec(("N",), "int64")).outputs(image).dtype == "int64"
    assert Attach(target="a:B", out=["N", 4]) == Attach(target="a:B", out=("N", 4))  # type: ignore[arg-type]


def test_a_module_in_a_brain() -> None:
    brain = Brain.sequential(Flatten(), Attach(target="a:B", out=("N", 3)), Dense(units=2), inputs="image")
    graph = brain.resolve(FIELDS)
    assert graph.params["dense/weight"].shape == (3, 2)
    assert graph.by_path["attach"].params == ()
    with pytest.raises(SpecError, match="Block 'attach' .* takes at least 1 input"):
        Brain.sequential(Attach(target="a:B"), inputs=()).resolve()


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        ("nowhere.at_all:B", {}, "the target nowhere.at_all:B does not import: No module named 'nowhere'"),
        (
            "fractions:Fractoin",
            {},
            "the target fractions:Fractoin does not import: module 'fractions' has no attribute",
        ),
        ("fractions:Fraction", {"top": 1}, "fractions:Fraction does not take {'top': 1}: .*unexpected keyword"),
        (
            "fractions:Fraction",
            {"numerator": "x"},
            "fractions:Fraction does not take {'numerator': 'x'}: Invalid literal",
        ),
    ],
)
def test_modules_that_cannot_be_made(target: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Attach(target=target, arguments=arguments).make()


@pytest.mark.parametrize("target", ["", "torch.nn.Linear", "torch.nn:", ":Linear"])
def test_targets_that_are_none(target: str) -> None:
    with pytest.raises(ValueError, match="target must be an import path such as 'torch.nn:Linear'"):
        Attach(target=target)


def test_arguments_are_for_import_paths() -> None:
    with pytest.raises(ValueError, match="this one is made already"):
        Attach(target=Module(), arguments={"a": 1})
