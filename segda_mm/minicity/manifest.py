"""Remembers with which settings a folder was written."""

import json
from pathlib import Path

from segda_mm.files import atomic_file

FILE_NAME = 'minicity.json'
WORLD_VERSION = 1
"""Raise it whenever the same seed gives other pictures."""


class Manifest:
    """The file ``minicity.json`` at the root of a written data set.

    Args:
        root (str or Path): Folder of the data set.
        settings (dict): JSON values that decide what the files contain.
    """

    def __init__(self, root, settings):
        self.path = Path(root) / FILE_NAME
        self.settings = dict(world_version=WORLD_VERSION, **settings)

    def claim(self):
        """Take the folder for these settings.

        Raises:
            ValueError: If the folder holds other files, or frames that were
                written with other settings.
        """
        root = self.path.parent
        if self.path.exists():
            found = json.loads(self.path.read_text())['settings']
            other = [
                f'{key} is {found.get(key)!r} there and {value!r} here'
                for key, value in self.settings.items()
                if found.get(key) != value
            ]
            if other:
                raise ValueError(
                    f'{root} already holds a miniature world with other '
                    f'settings ({"; ".join(other)}). Choose another output '
                    'folder, or delete this one to write it anew.'
                )
        elif root.exists() and any(
            path.suffix != '.unfinished' for path in root.iterdir()
        ):
            raise ValueError(
                f'{root} is not empty and has no {FILE_NAME}, so it was not '
                'written by the miniature world. Choose an empty folder, so '
                'that no other data set is touched.'
            )
        else:
            self._write(complete=False)

    def complete(self):
        """Note that every file is there."""
        self._write(complete=True)

    def _write(self, complete):
        content = dict(settings=self.settings, complete=complete)
        with atomic_file(self.path) as unfinished:
            unfinished.write_text(json.dumps(content, indent=2) + '\n')
