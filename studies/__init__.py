"""Experiments: runs over seeds, and the pages of results that they make."""
