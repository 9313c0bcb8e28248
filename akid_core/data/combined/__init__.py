"""Sources made of other sources: a part of one, splits cut out of one, several mixed, several side by side."""

from akid_core.data.combined.held_out import HeldOut
from akid_core.data.combined.mixed import Mixed
from akid_core.data.combined.subset import Subset
from akid_core.data.combined.zipped import Zipped

__all__ = ["HeldOut", "Mixed", "Subset", "Zipped"]
