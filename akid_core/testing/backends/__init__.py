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
from akid_core.testing.backends.training import TrainingTests

__all__ = ["BackendSuite"]


class BackendSuite(OperationTests, LayerTests, NetworkTests, TrainingTests, ExecutionTests, Flags):
    __doc__ = Flags.__doc__
