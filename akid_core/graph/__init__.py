"""Graphs: blocks wired together, and what becomes of them when every name and spec is settled."""
