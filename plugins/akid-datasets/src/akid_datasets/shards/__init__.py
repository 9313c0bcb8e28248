"""Shards: tar archives of rows, read from any place."""
