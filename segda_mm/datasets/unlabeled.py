from __future__ import annotations

import glob
import itertools
import os
import os.path as osp
from collections.abc import Sequence

from segda_mm.errors import DataError, MissingDataError
from segda_mm.registry import DATASETS

from .base import FolderSegDataset, list_files
from .formats.subsets import read_name_list

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.ppm')
IMAGE_SUFFIXES += tuple(suffix.upper() for suffix in IMAGE_SUFFIXES)


@DATASETS.register_module()
class UnlabeledImageDataset(FolderSegDataset):
    """Images without labels; no label file is ever looked for or opened.

    Data infos also have ``pseudo_label_dir``, for
    :class:`~segda_mm.datasets.transforms.LoadPseudoLabels`: None until whoever makes
    labels sets the attribute of that name.

    Args:
        images: A folder, a glob pattern (``**`` for any depth), a list file
            (``*.txt``, one path a line) or a list of paths. ``relative_path`` begins
            below the folder, before the first wildcard, or below ``data_root``
            (without one: the folder of the list file, the common one of the paths).
        data_root: Folder that ``images`` and the paths in it are relative to.
        pseudo_label_dir: Folder of labels that ``segda label`` made of these
            images; None: there are none, or a hook makes them.
        kwargs: Further arguments of :class:`FolderSegDataset`; ``metainfo`` is not
            needed in a pair with a labelled set.
    """

    #: What belongs into the folder.
    IMAGES_EXPECTED = 'images (.png, .jpg, .bmp, .tif, .webp or .ppm)'
    SUFFIXES: Sequence[str] = IMAGE_SUFFIXES

    def __init__(
        self,
        images: str | Sequence[str],
        data_root: str = '',
        pseudo_label_dir: str | None = None,
        **kwargs,
    ) -> None:
        self.images = images
        self.pseudo_label_dir = pseudo_label_dir
        super().__init__(data_root=data_root, data_prefix={'img_path': ''}, **kwargs)

    def get_data_info(self, idx: int) -> dict:
        """Get a data info, with the present ``pseudo_label_dir``."""
        info = super().get_data_info(idx)
        info['pseudo_label_dir'] = self.pseudo_label_dir
        return info

    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Find the images; see :meth:`FolderSegDataset.scan`."""
        folder, names = self._find()
        labels = self.pseudo_label_dir
        if labels is not None and not osp.isdir(labels):
            raise MissingDataError(
                'folder of pseudo labels does not exist',
                folder=labels,
                expected='one PNG for every image, as segda label writes them',
            )
        details = self.describe_names(names)
        by_stem = {}
        problems, samples = [], []
        for name in self.choose_names(names, folder):
            info = {**self.data_info(folder, name), **details.get(name, {})}
            other = by_stem.setdefault(osp.splitext(name)[0], name)
            if not osp.isfile(info['img_path']):
                what = 'image does not exist'
                remedy = 'Restore it, or take it off the list given as images='
            elif other != name:
                what = f'would share its pseudo label with {other!r}'
                remedy = f'Rename one of the two, or list {name!r} in exclude='
            else:
                samples.append(info)
                continue
            file = info['img_path']
            problems.append(DataError(what, file=file, remedy=remedy, name=name))
        return samples, problems

    def describe_names(self, names: Sequence[str]) -> dict[str, dict]:
        """Further entries of the data infos, by the names of their images."""
        return {}

    def _find(self) -> tuple[str, list[str]]:
        """Folder of the images, and their names below it."""
        if not isinstance(self.images, (str, os.PathLike)):
            return self._from_paths(list(self.images), self.data_root)
        images = osp.join(self.data_root, self.images)
        if glob.has_magic(images):
            return self._from_pattern(images)
        if images.lower().endswith('.txt'):
            return self._from_paths(
                read_name_list(images), self.data_root or osp.dirname(images)
            )
        return images, list_files(images, self.SUFFIXES, self.IMAGES_EXPECTED)

    def _from_pattern(self, pattern: str) -> tuple[str, list[str]]:
        parts = pattern.split('/')
        fixed = itertools.takewhile(lambda part: not glob.has_magic(part), parts)
        folder = '/'.join(fixed) or ('/' if pattern.startswith('/') else '.')
        names = [
            osp.relpath(path, folder).replace(os.sep, '/')
            for path in glob.glob(pattern, recursive=True)
            if path.endswith(tuple(self.SUFFIXES)) and osp.isfile(path)
        ]
        if not names:
            raise MissingDataError(
                f'no image matches images={pattern!r}',
                folder=folder,
                expected=self.IMAGES_EXPECTED,
            )
        return folder, sorted(names)

    def _from_paths(self, paths: list[str], root: str) -> tuple[str, list[str]]:
        if not paths:
            raise MissingDataError('the list given as images= is empty', folder=root)
        paths = [osp.abspath(osp.join(root, path)) for path in paths]
        folder = osp.abspath(root)
        if not root or any(osp.commonpath([folder, path]) != folder for path in paths):
            folder = osp.commonpath([osp.dirname(path) for path in paths])
        names = {osp.relpath(path, folder).replace(os.sep, '/') for path in paths}
        return folder, sorted(names)
