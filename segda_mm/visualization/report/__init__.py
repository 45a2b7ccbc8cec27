"""The report of runs: one HTML file that needs nothing else."""

from segda_mm.visualization.report.page import Picture, data_uri, write_page
from segda_mm.visualization.report.runs import Run, read_run

__all__ = ['Picture', 'Run', 'data_uri', 'read_run', 'write_page']
