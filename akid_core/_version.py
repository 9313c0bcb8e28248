"""The one version of every akid distribution."""

__version__ = "0.1.0"
