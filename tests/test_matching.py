"""Which arrays of a file fit which parameters, and what is said of the rest."""

from __future__ import annotations

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.contract import Network
from akid_core.backends.matching import Match, fitting, match
from akid_core.backends.meaning import Meaning
from akid_core.backends.unpack import keras_parts, torch_parts
from akid_core.errors import CheckpointError, UnknownNameError

OURS = {
    "conv1/weight": np.zeros((4, 3, 2, 5), np.float32),
    "conv1/bias": np.zeros(4, np.float32),
    "norm/scale": np.zeros(4, np.float32),
    "norm/mean": np.zeros(4, np.float32),
    "logits/weight": np.zeros((6, 2), np.float32),
    "logits/bias": np.zeros(2, np.float32),
}
MEANINGS = {"conv1/weight": Meaning(axes="OIHW"), "logits/weight": Meaning(axes="IO")}
DRAWN = {path: np.random.default_rng(len(path)).normal(size=value.shape) for path, value in OURS.items()}


def same(found: Match) -> bool:
    return all(np.array_equal(value, DRAWN[path].astype(np.float32)) for path, value in found.taken.items())


def test_all_of_it_by_its_own_names() -> None:
    found = match(OURS, DRAWN)
    assert same(found)
    assert list(found.taken) == list(OURS)
    assert {value.dtype for value in found.taken.values()} == {np.dtype(np.float32)}
    assert (found.missing, found.misfits, found.unasked, found.unused) == ({}, (), (), ())
    assert found.report == (
        "taken are 6 of 6 parameters (146 values): conv1/weight, conv1/bias, norm/scale, norm/mean, logits/weight, "
        "logits/bias"
    )


def test_a_state_dict_of_torch_with_names_for_blocks_and_parameters() -> None:
    theirs = {
        "features.0.weight": DRAWN["conv1/weight"],  # OIHW, as here
        "features.0.bias": DRAWN["conv1/bias"],
        "norm.weight": DRAWN["norm/scale"],
        "norm.running_mean": DRAWN["norm/mean"],
        "norm.num_batches_tracked": np.array(7),
        "fc.weight": DRAWN["logits/weight"].T,  # [out, in]
        "offset": DRAWN["logits/bias"],
    }
    names = {"conv1": "features.0", "logits": "fc", "logits/bias": "offset"}
    found = match(OURS, theirs, names=names, layout="torch", meanings=MEANINGS)
    assert same(found)
    assert list(found.taken) == list(OURS)
    assert found.names["conv1/weight"] == "features.0.weight"
    assert found.unused == ("norm.num_batches_tracked",)


def test_weights_of_keras() -> None:
    theirs = {
        "conv1/kernel": DRAWN["conv1/weight"].transpose(2, 3, 1, 0),  # HWIO
        "conv1/bias": DRAWN["conv1/bias"],
        "norm/gamma": DRAWN["norm/scale"],
        "norm/moving_mean": DRAWN["norm/mean"],
        "logits/kernel": DRAWN["logits/weight"],  # [in, out], as here
        "logits/bias": DRAWN["logits/bias"],
    }
    found = match(OURS, theirs, layout="keras", meanings=MEANINGS)
    assert same(found)
    assert list(found.taken) == list(OURS)


def test_a_kernel_over_sequences_of_keras() -> None:
    kernel = np.arange(27.0).reshape(3, 3, 3)  # of any other order it would fit as well
    found = match(
        {"conv/weight": np.zeros((3, 3, 3))},
        {"conv/kernel": kernel.transpose(2, 1, 0)},  # (length, in, out)
        layout="keras",
        meanings={"conv/weight": Meaning(axes="OIL")},
    )
    assert np.array_equal(found.taken["conv/weight"], kernel)


def test_a_convolution_of_keras_with_a_group_for_each_channel() -> None:
    kernel = np.arange(12.0).reshape(2, 3, 2)  # (length, channel, which of its outputs)
    meanings = {"conv/weight": Meaning(axes="OIL", depthwise=True)}
    found = match({"conv/weight": np.zeros((6, 1, 2))}, {"conv/kernel": kernel}, layout="keras", meanings=meanings)
    assert found.taken["conv/weight"][:, 0].tolist() == [[0, 6], [1, 7], [2, 8], [3, 9], [4, 10], [5, 11]]
    grouped = kernel.reshape(2, 1, 6)  # as Keras has the same convolution where it is one of three groups
    found = match({"conv/weight": np.zeros((6, 1, 2))}, {"conv/kernel": grouped}, layout="keras", meanings=meanings)
    assert found.taken["conv/weight"][:, 0].tolist() == [[0, 6], [1, 7], [2, 8], [3, 9], [4, 10], [5, 11]]


def test_keras_names_are_said_as_keras_has_them() -> None:
    ours = {"table/weight": np.zeros((3, 2)), "relu/slope": np.zeros(2), "head/weight": np.zeros((2, 2))}
    theirs = {
        "my_table/embeddings": np.ones((3, 2)), "relu/alpha": np.ones((1, 2))[0], "head/kernel": np.ones((2, 2)),
    }  # fmt: skip
    found = match(ours, theirs, layout="keras")
    assert (found.missing, found.unused) == ({"table/weight": "table/kernel"}, ("my_table/embeddings",))
    found = match(ours, theirs, names={"table": "my_table"}, layout="keras")
    assert found.names["table/weight"] == "my_table/embeddings"
    assert not match(ours, theirs, names={"table/weight": "my_table/embeddings"}, layout="keras").missing


def test_what_only_looks_like_a_recurrent_layer_of_torch_stays_as_it_is() -> None:
    array = np.zeros((8, 2))
    assert torch_parts({"rnn.weight_hh_l0": array}) == {"rnn.weight_hh_l0": array}


def test_the_other_gru_of_keras_is_refused() -> None:
    with pytest.raises(CheckpointError, match="reset_after=False"):
        keras_parts({"gru/gru_cell/kernel": np.zeros((2, 12)), "gru/gru_cell/bias": np.zeros(12)})


def test_a_part_of_it() -> None:
    theirs = {**DRAWN, "extra/weight": np.zeros(1)}
    del theirs["norm/mean"]
    found = match(OURS, theirs, params=("conv1/*", "norm/*"))
    assert list(found.taken) == ["conv1/weight", "conv1/bias", "norm/scale"]
    assert found.missing == {"norm/mean": "norm/mean"}
    assert found.unasked == ("logits/weight", "logits/bias")
    assert found.unused == ("extra/weight", "logits/bias", "logits/weight")
    assert "not there, and left as they were: norm/mean; not asked for: logits/weight, logits/bias" in found.report
    assert found.faults() == ""
    assert found.faults(complete=True).startswith("'norm/mean' is missing. 'extra/weight' is unknown here.")


def test_other_shapes_and_kinds_are_named_and_a_part_is_offered() -> None:
    theirs = {
        **DRAWN,
        "logits/weight": np.zeros((6, 100)),
        "logits/bias": np.zeros(2, np.int64),
        "logits_2/weight": np.zeros((6, 2)),
    }
    found = match(OURS, theirs)
    with pytest.raises(CheckpointError) as caught:
        fitting(found, "old.safetensors")
    assert str(caught.value) == (
        "old.safetensors does not fit this network: 'logits/weight' is float32[6, 2] here and float64[6, 100] there. "
        "Did you mean 'logits_2/weight'? 'logits/bias' is float32[2] here and int64[2] there. Did you mean "
        "'logits_2/weight'? To take what fits, ask for params=[conv1/*, norm/*]."
    )


def test_a_file_of_something_else() -> None:
    with pytest.raises(
        CheckpointError, match=r"none of its arrays has the name of a parameter here\. Did you mean 'con"
    ):
        fitting(match(OURS, {"conv_1/weight": np.zeros(3)}), "x.safetensors")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"params": ("cnv1/*",)}, r"params has 'cnv1/\*', which matches no parameter. Did you mean 'conv1/\*'"),
        (
            {"names": {"logit": "fc"}},
            "names has 'logit', which is neither a parameter nor a block here. Did you mean 'log",
        ),
        (
            {"names": {"conv1": "conv_1"}},
            "names says that 'conv1' is 'conv_1' there, and nothing is called so. Did you me",
        ),
    ],
)
def test_names_that_lead_nowhere(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        match(OURS, DRAWN, **settings)  # type: ignore[arg-type]


def test_a_network_takes_what_fits_or_nothing() -> None:
    x = np.zeros((4, 3), np.float32)
    brain = akid.Brain.sequential(L.Dense(units=5, name="hidden"), L.Dense(units=2, name="logits"), inputs="image")
    brain = brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    data = akid.sensors(train=(x, np.zeros(4, np.int64)), batch_size=4)
    kid = akid.Kid(brain=brain, sensors=data, backend="numpy")
    network: Network = kid.network
    before = network.read()
    with pytest.raises(CheckpointError, match=r"'hidden/bias' is float32\[5\] here and float64\[7\] there"):
        network.load({"hidden/weight": np.ones((3, 5)), "hidden/bias": np.ones(7)})
    np.testing.assert_array_equal(network["hidden/weight"], before["hidden/weight"])
    found = network.load(
        {"a.weight": np.arange(15.0).reshape(5, 3)}, params=["hidden/*"], names={"hidden": "a"}, layout="torch"
    )
    assert list(found.taken) == ["hidden/weight"]
    np.testing.assert_array_equal(network["hidden/weight"], np.arange(15).reshape(5, 3).T)
    np.testing.assert_array_equal(network["logits/weight"], before["logits/weight"])


def test_a_layout_that_there_is_not() -> None:
    message = r"There is no layout 'pytorch'\. Did you mean 'torch'\? There are: akid, torch, keras\."
    with pytest.raises(UnknownNameError, match=message):
        match(OURS, DRAWN, layout="pytorch")


def test_what_is_missing_has_the_nearest_name_that_nothing_took() -> None:
    theirs = {name.replace("logits", "logit"): value for name, value in DRAWN.items()}
    found = match(OURS, theirs)
    assert (
        "left as they were: logits/weight ('logit/weight' there?), logits/bias ('logit/bias' there?);" in found.report
    )
    theirs["conv1/bias"] = np.zeros(7)
    with pytest.raises(CheckpointError, match="Not there at all: logits/weight, logits/bias"):
        fitting(match(OURS, theirs), "It")


def test_names_of_torch_ask_for_its_layout() -> None:
    theirs = {name.replace("/", "."): value for name, value in DRAWN.items()}
    with pytest.raises(CheckpointError, match="Names with dots are those of torch: say layout='torch'"):
        fitting(match(OURS, theirs), "It")


def test_a_block_that_is_called_otherwise_has_the_nearest_name() -> None:
    theirs = {"features.0.weight": DRAWN["conv1/weight"]}
    with pytest.raises(UnknownNameError, match=r"nothing is called so\. Did you mean 'features\.0'\?"):
        match(OURS, theirs, names={"conv1": "featurs.0"}, layout="torch")
