"""What a backend says of itself, and what the tests of all its sides share."""

from __future__ import annotations

from typing import ClassVar

import pytest

from akid_core.backends.contract import Backend, Network
from akid_core.ops import OPERATIONS
from akid_core.specs.precision import Precision
from akid_core.testing.cases import CASES
from akid_core.testing.group import Errors, Group
from akid_core.testing.referee import Trial


class Flags:
    """The flags of `BackendSuite`, where they are explained, and what its parts share."""

    trains: ClassVar[bool] = True
    gradients: ClassVar[bool] = True
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    layers: ClassVar[tuple[str, ...]] = tuple(CASES)
    micro_batches: ClassVar[bool] = True
    empty_batches: ClassVar[bool] = True
    brief: ClassVar[bool] = False

    forward_tolerance: ClassVar[float] = 1e-5
    gradient_tolerance: ClassVar[float] = 1e-4
    exact_tolerance: ClassVar[float] = 1e-9

    _networks: ClassVar[dict[tuple[str, str], Network]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._networks = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each layer, operation and type."""
        for name, values in (("layer", self.layers), ("operation", OPERATIONS), ("dtype", self.dtypes)):
            if name in metafunc.fixturenames:
                if name == "dtype" and self.brief:
                    values = self.dtypes[:1] if "values" in metafunc.function.__name__ else self.dtypes[-1:]
                metafunc.parametrize(name, values)

    @pytest.fixture
    def backend(self) -> Backend:
        raise NotImplementedError("a BackendSuite is about one backend: give the fixture `backend`")

    @pytest.fixture
    def trained(self) -> None:
        """For tests of what a backend that only computes forward does not have."""
        if not self.trains:
            pytest.skip("does not train")

    @pytest.fixture
    def differentiated(self, trained: None) -> None:
        if not self.gradients:
            pytest.skip("gives no gradients")

    @property
    def precision(self) -> Precision:
        """The type in which training is compared: the widest."""
        return Precision.of(self.dtypes[-1])

    def live(self, backend: Backend, group: Group, name: str, dtype: str) -> Network:
        """The plain network of a group, built once for all tests."""
        if (name, dtype) not in self._networks:
            self._networks[name, dtype] = group.network(backend, group.plain(Precision.of(dtype)))
        return self._networks[name, dtype]

    def assert_small(self, errors: Errors, dtype: str, tolerance: float) -> None:
        """Every error is within the tolerance of its type."""
        limit = self.exact_tolerance if dtype == "float64" else tolerance
        wrong = {name: error for name, error in errors.items() if not error <= limit}
        assert not wrong, f"in {dtype} more than {limit:.0e} from the referee: {wrong}"


def grouped(name: str, trials: tuple[Trial, ...]) -> Group:
    """Trials of one layer, called by its name and their number."""
    return Group(trials={f"{name}-{number}": trial for number, trial in enumerate(trials)})
