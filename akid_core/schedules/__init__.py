"""Schedules: how the learning rate changes."""

from akid_core.schedules.base import Horizon, Schedule
from akid_core.schedules.constant import Constant
from akid_core.schedules.cosine import Cosine
from akid_core.schedules.decay import Exponential, StepDecay
from akid_core.schedules.one_cycle import OneCycle
from akid_core.schedules.plateau import Plateau

__all__ = ["Constant", "Cosine", "Exponential", "Horizon", "OneCycle", "Plateau", "Schedule", "StepDecay"]
