"""Unusual layers of akid's first generation, each defined once and run on every backend."""
