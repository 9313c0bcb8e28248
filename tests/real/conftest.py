"""The full sets lie where `fetch.py` put them, not in a folder of the test's own."""

import pytest


@pytest.fixture
def own_data_dir() -> None:
    """Overrides the fixture of all other tests."""
