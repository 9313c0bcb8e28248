"""Plans: how a backend settles what it is asked for."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from akid_core.backends.contract import Backend
from akid_core.backends.plan import Execution, Plan
from akid_core.errors import ConfigurationError
from akid_core.optimizers import SGD
from akid_core.plugins import default_manager
from akid_core.testing.backends.brains import images, live, span, vectors
from akid_core.testing.backends.flags import Flags
from akid_core.testing.group import errors


class ExecutionTests(Flags):
    """What `Backend.plan` promises."""

    def test_a_plan_is_settled_by_fixed_rules(self, backend: Backend) -> None:
        graph = images(self.precision)
        plan = backend.plan(Execution(), graph)
        assert plan == backend.plan(Execution(), graph)
        assert plan.backend == backend.name
        assert plan.versions == backend.versions()
        assert plan.versions

    def test_a_plan_is_stored_as_json(self, backend: Backend) -> None:
        plan = backend.plan(Execution(), images(self.precision))
        assert Plan(**json.loads(json.dumps(plan.to_json()))) == plan

    def test_a_settled_plan_settles_the_same(self, backend: Backend) -> None:
        graph = images(self.precision)
        plan = backend.plan(Execution(bundle=3), graph)
        assert plan.bundle == 3
        asked = Execution(device=plan.device, threads=plan.threads, bundle=3, layout=plan.layout, fused=plan.fused)
        assert backend.plan(asked, graph) == plan

    def test_an_unknown_device_is_refused(self, backend: Backend) -> None:
        with pytest.raises(ConfigurationError, match="no-such-device"):
            backend.plan(Execution(device="no-such-device"), images(self.precision))

    def test_an_unknown_type_is_refused(self, backend: Backend) -> None:
        graph = images(self.precision)
        with pytest.raises(ConfigurationError, match="float7"):
            backend.plan(Execution(), replace(graph, precision=replace(graph.precision, compute="float7")))

    def test_a_new_backend_settles_the_same(self, backend: Backend) -> None:
        """An instance holds no state of a run."""
        graph = images(self.precision)
        live(backend, graph, SGD()) if self.trains else backend.network(graph, backend.plan(Execution(), graph), 0)
        assert type(backend)(default_manager().registry).plan(Execution(), graph) == backend.plan(Execution(), graph)

    def test_micro_batches_give_the_gradient_of_the_whole(self, backend: Backend, trained: None) -> None:
        if not self.micro_batches:
            pytest.skip("computes every batch at once")
        graph = vectors(self.precision)
        whole = live(backend, graph, SGD(momentum=0.9))
        parts = live(backend, graph, SGD(momentum=0.9), Execution(micro_batches=4))
        results = [each.trainer.run(span(graph, 0, 2), np.full(2, 0.1)) for each in (whole, parts)]
        found, wanted = (
            {"objective": result.objective, **each.everything, "loss": np.array(list(result.measures["loss"].values()))}
            for result, each in zip(reversed(results), (parts, whole), strict=True)
        )
        self.assert_small(errors(found, wanted), self.dtypes[-1], self.gradient_tolerance)
