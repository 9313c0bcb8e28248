"""Losses: for each row a value and how much the row counts, see `akid_core.specs.layer.Loss`."""
