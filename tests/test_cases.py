"""The kit has cases for everything that a backend is tested with."""

from __future__ import annotations

from akid_core.ops import OPERATIONS
from akid_core.plugins import default_manager
from akid_core.testing.cases import CASES
from akid_core.testing.cases.operations import OPERATION_TRIALS


def test_every_layer_of_the_core_has_a_case() -> None:
    infos = default_manager().registry.infos("layer")
    core = {item.info.name for item in infos if item.provider.built_in} - {"attach"}
    assert set(CASES) == core, "give it a Trial in akid_core/testing/cases"


def test_every_operation_has_a_case() -> None:
    assert list(OPERATION_TRIALS) == list(OPERATIONS)


def test_a_case_says_what_it_is_about_and_has_five_rows() -> None:
    for name, trials in CASES.items():
        for trial in trials:
            assert trial.layer.component() == name
            assert trial.batch == 5
            assert trial.inputs is None or all(len(value) == 5 for value in trial.inputs)
