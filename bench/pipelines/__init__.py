"""The task of `bench/pipeline.py`, and how other libraries do it."""
