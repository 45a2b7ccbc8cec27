"""What the labelled and the unlabelled data sets have in common."""

from __future__ import annotations

import os
import os.path as osp
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from mmseg.datasets import BaseSegDataset
from PIL import Image

from segda_mm.errors import DataError, MissingDataError

from .formats.subsets import choose, draw_share, read_name_list


def list_files(
    folder: str, suffixes: Sequence[str], expected: str, recursive: bool = True
) -> list[str]:
    """List the files under ``folder`` that end in one of ``suffixes``.

    Hidden files and folders are skipped.

    Returns:
        Sorted paths relative to ``folder``, with forward slashes.

    Raises:
        MissingDataError: The folder does not exist or has no such file.
    """
    if not osp.isdir(folder):
        raise MissingDataError(
            'folder does not exist', folder=folder, expected=expected
        )
    found = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [
            name for name in folders if recursive and not name.startswith('.')
        ]
        found.extend(
            osp.relpath(osp.join(parent, name), folder).replace(os.sep, '/')
            for name in files
            if name.endswith(tuple(suffixes)) and not name.startswith('.')
        )
    if not found:
        raise MissingDataError(
            'folder holds no file that ends in ' + ' or '.join(suffixes),
            folder=folder,
            expected=expected,
        )
    return sorted(found)


def image_problem(path: str, name: str) -> DataError | None:
    """Say why an image cannot be read, or None when it can.

    Args:
        path: The image file; it is decoded as a whole.
        name: Its name in subset and exclusion lists.
    """
    remedy = (
        f'Download or write it again, or list {name!r} in the file given as exclude='
    )
    try:
        with Image.open(path) as image:
            image.load()
    except FileNotFoundError:
        return DataError('image does not exist', file=path, remedy=remedy, name=name)
    except (OSError, SyntaxError, ValueError) as error:
        return DataError(
            f'image cannot be decoded ({error})', file=path, remedy=remedy, name=name
        )
    return None


class FolderSegDataset(BaseSegDataset):
    """Base of data sets whose samples are the files of a folder.

    Every data info has ``img_path``, ``relative_path`` (the image's path
    below its folder, with forward slashes: the name used in lists) and
    ``label_table``.

    Args:
        subset: Which images to use: None for all, the path of a list file
            (one ``relative_path`` a line), or ``dict(size=500, seed=0)``.
        exclude: Path of a list file of images to leave out, before the
            subset is drawn.
        share: ``dict(fraction=0.4, seed=0)`` takes that part of what is left,
            drawn by seed; of two fractions with one seed, the smaller part is
            contained in the larger. None takes all.
        kwargs: Arguments of :class:`mmseg.datasets.BaseSegDataset`.

    The paths of list files are relative to the working directory.
    """

    #: Name of the label table (see ``label_files.label_table``), if labelled.
    LABEL_TABLE: str | None = None

    def __init__(
        self,
        subset: str | Mapping[str, int] | None = None,
        exclude: str | None = None,
        share: Mapping | None = None,
        **kwargs,
    ) -> None:
        self.subset = subset
        self.exclude = exclude
        self.share = share
        super().__init__(**kwargs)

    @abstractmethod
    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Find the samples on disk without opening an image or a label.

        Returns:
            The data infos of the complete samples, and the problems of the
            others.
        """

    def load_data_list(self) -> list[dict]:
        """Load the samples, or raise the first problem of :meth:`scan`."""
        samples, problems = self.scan()
        if problems:
            first = problems[0]
            more = (
                f' ({len(problems) - 1} more like this; '
                'tools/check_data.py CONFIG lists them all)'
                if len(problems) > 1
                else ''
            )
            raise DataError(
                first.what + more, file=first.file, remedy=first.remedy, name=first.name
            )
        return samples

    def prepare_data(self, idx: int) -> dict:
        """Run the pipeline; a failure due to the image names the image."""
        try:
            return super().prepare_data(idx)
        except DataError:
            raise
        except Exception as error:
            info = self.get_data_info(idx)
            problem = image_problem(info['img_path'], info['relative_path'])
            if problem is None:
                raise
            raise problem from error

    def choose_names(self, names: Sequence[str], folder: str) -> list[str]:
        """Apply ``exclude``, ``subset`` and ``share`` to the sorted names."""
        if self.exclude is not None:
            excluded = set(read_name_list(self.exclude))
            names = [name for name in names if name not in excluded]
            if not names:
                raise DataError(
                    f'excludes every image of {folder}',
                    file=self.exclude,
                    remedy='Give another list as exclude=',
                )
        return draw_share(choose(names, self.subset, folder), self.share)

    def data_info(self, folder: str, name: str) -> dict:
        """Make the part of a data info that every data set has."""
        return {
            'img_path': osp.join(folder, name),
            'relative_path': name,
            'label_table': self.LABEL_TABLE,
            'label_map': self.label_map,
            'reduce_zero_label': False,
            'seg_fields': [],
        }
