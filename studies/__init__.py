"""Comparisons of methods over seeds, and measurements of speed, for maintainers."""
