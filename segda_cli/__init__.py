"""Command lines, beside the package that they call: `--help` imports nothing of it.

Importing any part of ``segda_mm`` registers all of it, and torch comes with it.
"""
