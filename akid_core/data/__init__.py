"""Data: batches as a pure function of their place, from a Source or from arrays."""

from akid_core.data.added import Copy, Latent
from akid_core.data.arrays import ArraySource
from akid_core.data.augmenter import Augmenter, Chain, Fitted, Mixer
from akid_core.data.batch import Batch, Span
from akid_core.data.combined import HeldOut, Mixed, Subset, Zipped
from akid_core.data.draws import Draws
from akid_core.data.reading import Reading
from akid_core.data.sampler import Sampler, Sequential, Shuffled
from akid_core.data.samplers import Repeated, Stratified, Streams, Weighted
from akid_core.data.sensor import Sensor
from akid_core.data.sensors import Sensors, sensors
from akid_core.data.source import Source
from akid_core.data.windowed import Windowed

__all__ = [
    "ArraySource",
    "Augmenter",
    "Batch",
    "Chain",
    "Copy",
    "Draws",
    "Fitted",
    "HeldOut",
    "Latent",
    "Mixed",
    "Mixer",
    "Reading",
    "Repeated",
    "Sampler",
    "Sensor",
    "Sensors",
    "Sequential",
    "Shuffled",
    "Source",
    "Span",
    "Stratified",
    "Streams",
    "Subset",
    "Weighted",
    "Windowed",
    "Zipped",
    "sensors",
]
