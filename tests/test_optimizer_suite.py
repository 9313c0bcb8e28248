"""The optimizer suite on every optimizer of the core, with what all of them have switched on as well."""

from __future__ import annotations

from typing import Any

import pytest

from akid_core.optimizers import SGD, Optimizer, Regularizer
from akid_core.plugins import default_manager
from akid_core.testing.optimizers import OptimizerSuite

REGISTRY = default_manager().registry
CORE = [item.info.name for item in REGISTRY.infos("optimizer") if item.provider.built_in]


class TestOptimizers(OptimizerSuite):
    @pytest.fixture(params=CORE)
    def optimizer(self, request: Any) -> Optimizer:
        made: Optimizer = REGISTRY.get("optimizer", request.param)(learning_rate=0.02)
        return made


class TestAllSettings(OptimizerSuite):
    @pytest.fixture
    def optimizer(self) -> Optimizer:
        regularizers = (Regularizer(l1=0.01, l2=0.02), Regularizer(params=("hidden/*",), max_norm=0.5))
        return SGD(
            momentum=0.9,
            nesterov=True,
            weight_decay=0.1,
            clip_norm=1.0,
            clip_value=0.5,
            regularizers=regularizers,
            average=0.9,
        )
