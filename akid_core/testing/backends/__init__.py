"""A test suite for a backend: subclass it, say which, and switch flags.

::

    class TestMine(BackendSuite):
        trains = False

        @pytest.fixture
        def backend(self):
            return MyBackend()

NumPy in float64 is the referee of values, gradients and steps.
"""

from akid_core.testing.backends.execution import ExecutionTests
from akid_core.testing.backends.flags import Flags
from akid_core.testing.backends.layers import LayerTests
from akid_core.testing.backends.networks import NetworkTests
from akid_core.testing.backends.operations import OperationTests
from akid_core.testing.backends.phases import PhaseTests

__all__ = ["BackendSuite"]


class BackendSuite(OperationTests, LayerTests, NetworkTests, PhaseTests, ExecutionTests, Flags):
    """Fill the fixture `backend`; a flag says where a backend does less.

    `trains`: it has a train program (`Backend.trainer`). `gradients`: that program gives gradients. `dtypes`: the
    types that it computes in. `layers`: the names of the layers that are tested, by default all of the core.
    `micro_batches`, `empty_batches`: whether it can compute a batch in parts, and one without rows. `brief`:
    values are compared in the first type alone and all else in the last, for a backend that is slow to build.
    The tolerances are ratios of norms: of values and gradients in float32, and of everything in float64.
    """
