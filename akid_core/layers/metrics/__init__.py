"""Metrics: figures over many batches, see `akid_core.specs.layer.Metric`."""
