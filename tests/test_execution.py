"""What is asked of the execution: what is said of it, what is kept of it, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from akid_core import Execution
from akid_core.checkpoints import newest
from akid_core.errors import ConfigurationError

COMPILE = "execution.compile is declined: the numpy backend runs one operation after the other and compiles nothing."

STEPS = """
def step(program):
    return program.objective()

LIMIT = 3
"""


def test_what_is_declined_is_said_once_and_recorded(toy: Any) -> None:
    asked = ["--set", "execution={compile: true, recompute: [hidden], deterministic: true}"]
    first = toy.practice("run", *asked, "--max-steps", 3)
    assert first.code == 0
    assert first.err.count(f"akid: {COMPILE}\n") == 1
    again = toy.practice("run", *asked, "--resume")
    assert again.err.count(f"akid: {COMPILE}\n") == 1
    assert "another plan" not in again.err
    state = newest(toy.folder / "run/checkpoints").state  # type: ignore[union-attr]
    assert state["notes"] == state["plan"]["notes"]
    assert state["notes"][0] == COMPILE
    assert (state["plan"]["deterministic"], state["plan"]["compile"]) == (True, False)


def test_another_plan_is_told(toy: Any) -> None:
    toy.practice("run", "--max-steps", 3)
    changed = toy.practice("run", "--resume", "--set", "execution.micro_batches=2")
    assert (
        "The run goes on under another plan, so its last bits may differ: plan.micro_batches was 1 and is now 2."
        in (changed.err)
    )


def test_deterministic_and_micro_batches_in_yaml(toy: Any) -> None:
    whole = toy.practice("whole", "--set", "execution.deterministic=true", "--json").json
    parts = toy.practice("parts", "--set", "execution={deterministic: true, micro_batches: 1}", "--json").json
    assert whole["train"] == parts["train"]
    wrong = toy.akid("check", toy.yaml, "--set", "execution.micro_batches=0")
    assert wrong.code == 78
    assert "execution.micro_batches must be at least 1, got 0" in wrong.err


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            "{numby: 'steps:step'}",
            "execution.step has a function for 'numby', which is no backend. Did you mean 'numpy'?",
        ),
        (
            "{numpy: 'nowhere:step'}",
            "execution.step: 'nowhere:step' does not import: No module named 'nowhere'. A file",
        ),
        (
            "{numpy: 'steps:stepp'}",
            "execution.step: 'steps' has no function 'stepp'. Did you mean 'step'? It has: step.",
        ),
        ("{numpy: 'steps:LIMIT'}", "execution.step: 'steps:LIMIT' is no function, but of the type int."),
        ("{numpy: 'steps:step'}", "execution.step has a function for numpy, whose train program cannot be replaced"),
        ("{numpy: steps}", "execution.step takes import paths such as 'mine:step', got 'steps'"),
    ],
)
def test_step_functions_that_cannot_be(step: str, message: str, toy: Any) -> None:
    (toy.folder / "steps.py").write_text(STEPS)
    toy.describe("plugins: [./toy_parts.py]", "plugins: [./toy_parts.py, ./steps.py]")
    said = toy.practice("run", "--set", f"execution.step={step}")
    assert said.code == 78
    assert message in said.err
    assert not (toy.folder / "run").exists()


def test_a_step_function_for_another_backend_leaves_this_one_alone(toy: Any) -> None:
    assert toy.practice("run", "--set", "execution.step={elsewhere: 'nowhere:step'}").code == 0


def test_a_step_function_is_known_by_its_path() -> None:
    assert Execution(step={"torch": test_a_step_function_is_known_by_its_path}).step == {
        "torch": f"{__name__}:test_a_step_function_is_known_by_its_path"
    }
    with pytest.raises(ValueError, match=r"<lambda> is defined inside a function, so no other process can name it"):
        Execution(step={"torch": lambda program: None})


def test_a_move_of_a_stored_run_forgets_what_was_asked_of_its_own_backend(toy: Any, tmp_path: Path) -> None:
    from akid_core.training.stored import kid_of_run

    toy.practice("run", "--set", "execution.micro_batches=2", "--max-steps", 2)
    kid, _ = kid_of_run(toy.folder / "run")
    assert kid.plan.micro_batches == 2
    with pytest.raises(ConfigurationError):
        kid_of_run(toy.folder / "run", backend="nowhere")
