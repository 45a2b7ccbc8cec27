"""The sub-commands of ``segda``, one a file; see :mod:`segda_cli.main`."""
