"""SIGKILL at random instants, also inside a save: the resumed run equals an undisturbed one to the bit."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from akid_core.testing.kill import differences, killed_practice, practise

pytest.importorskip("akid_datasets")

STEPS = 34
ARGUMENTS = ["digits", "--max-epochs", "2", "--set", "practice.checkpoint_every=3"]


@pytest.fixture(scope="module", params=["numpy", "torch", "tensorflow"])
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    backend: str = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    run_dir = tmp_path_factory.mktemp(backend)
    practise(run_dir, [*ARGUMENTS, "--backend", backend])
    return backend, run_dir


@pytest.mark.parametrize(
    ("seed", "moment"), [(1, "anywhere"), (2, "save"), (3, "anywhere"), (4, "save"), (5, "anywhere")]
)
def test_a_killed_run_resumes_to_the_same_bits(
    seed: int, moment: str, undisturbed: tuple[str, Path], tmp_path: Path
) -> None:
    backend, whole = undisturbed
    arguments = [*ARGUMENTS, "--backend", backend]
    kill = killed_practice(tmp_path, arguments, moment, seed, STEPS)  # type: ignore[arg-type]
    result = practise(tmp_path, arguments, resume=True)
    assert result["step"] == STEPS
    assert differences(tmp_path, whole) == [], kill
