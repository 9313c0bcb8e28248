"""Exporters: what a network predicts, in formats that live without akid."""
