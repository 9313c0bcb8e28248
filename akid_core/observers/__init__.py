"""Observers: what shows the inside of a run while it practises."""
