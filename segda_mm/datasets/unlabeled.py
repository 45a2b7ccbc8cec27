from __future__ import annotations

import os.path as osp
from collections.abc import Sequence

from segda_mm.errors import DataError, MissingDataError
from segda_mm.registry import DATASETS

from .base import FolderSegDataset
from .discovery import IMAGE_SUFFIXES, IMAGES, find_files


@DATASETS.register_module()
class UnlabeledImageDataset(FolderSegDataset):
    """Images without labels; no label file is ever looked for or opened.

    Data infos also have ``pseudo_label_dir``, for
    :class:`~segda_mm.datasets.transforms.LoadPseudoLabels`: None until whoever makes
    labels sets the attribute of that name.

    Args:
        images: A folder, an image, a glob pattern (``**`` for any depth), a list file
            (``*.txt``, one path a line) or a list of them, see
            :func:`~segda_mm.datasets.discovery.find_files`. ``relative_path`` begins
            below the folder, before the first wildcard, or below ``data_root``
            (without one: the folder of the list file, the common one of the paths).
        data_root: Folder that ``images`` and the paths in it are relative to.
        pseudo_label_dir: Folder of labels that ``segda label`` made of these
            images; None: there are none, or a hook makes them.
        kwargs: Further arguments of :class:`FolderSegDataset`; ``metainfo`` is not
            needed in a pair with a labelled set.
    """

    #: What belongs into the folder.
    IMAGES_EXPECTED = IMAGES
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
        folder, names = find_files(
            self.images, self.SUFFIXES, self.data_root or '', self.IMAGES_EXPECTED
        )
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
