"""Samplers beyond shuffling: by class, by weight, in streams, and again and again."""

from akid_core.data.samplers.repeated import Repeated
from akid_core.data.samplers.stratified import Stratified
from akid_core.data.samplers.streams import Streams
from akid_core.data.samplers.weighted import Weighted

__all__ = ["Repeated", "Stratified", "Streams", "Weighted"]
