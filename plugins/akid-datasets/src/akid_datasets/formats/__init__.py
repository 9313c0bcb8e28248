"""Formats: strict readers of the files that data sets come in; each error names the file, and the row or byte."""
