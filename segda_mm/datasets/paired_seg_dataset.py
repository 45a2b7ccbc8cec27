from __future__ import annotations

import os.path as osp
from collections.abc import Sequence

from segda_mm.errors import DataError

from .base import FolderSegDataset, list_files


class PairedSegDataset(FolderSegDataset):
    """A folder of images and a folder of label files of the same names.

    A sample exists when its image or its label file does; a sample without
    the other one is an error when the data set is made, unless it is listed
    in ``exclude``. Labels are read by
    :class:`~segda_mm.datasets.transforms.LoadLabelIds`.

    A data set of this kind declares ``METAINFO``, ``LABEL_TABLE`` and where
    its files lie; the arguments override the latter.

    Args:
        data_root: The folder that ``data_prefix`` is relative to.
        data_prefix: ``dict(img_path=..., seg_map_path=...)``, the two folders.
        img_suffix: Ending of the image names.
        seg_map_suffix: Ending of the label names; what stands before the two
            endings must be the same.
        kwargs: Further arguments of :class:`FolderSegDataset`.

    Raises:
        MissingDataError: A folder does not exist or is empty.
        DataError: A pair is incomplete, or a list file is wrong.
    """

    DATA_PREFIX = {'img_path': 'images', 'seg_map_path': 'labels'}
    IMG_SUFFIX = '.png'
    SEG_MAP_SUFFIX = '.png'

    #: What belongs into the image folder and the label folder.
    IMAGES_EXPECTED = 'the images'
    LABELS_EXPECTED = 'the label files'

    def __init__(
        self,
        data_root: str | None = None,
        data_prefix: dict | None = None,
        img_suffix: str | None = None,
        seg_map_suffix: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            data_root=data_root,
            data_prefix=data_prefix or self.DATA_PREFIX,
            img_suffix=img_suffix or self.IMG_SUFFIX,
            seg_map_suffix=seg_map_suffix or self.SEG_MAP_SUFFIX,
            **kwargs,
        )

    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Find the pairs; see :meth:`FolderSegDataset.scan`."""
        image_dir = self.data_prefix['img_path']
        label_dir = self.data_prefix['seg_map_path']
        images = self._stems(image_dir, self.img_suffix, self.IMAGES_EXPECTED)
        labels = self._stems(label_dir, self.seg_map_suffix, self.LABELS_EXPECTED)
        names = sorted(stem + self.img_suffix for stem in images | labels)
        names = self.choose_names(self.filter_names(names), image_dir)

        samples, problems = [], []
        for name in names:
            stem = name[: -len(self.img_suffix)]
            info = self.data_info(image_dir, name)
            info['seg_map_path'] = osp.join(label_dir, stem + self.seg_map_suffix)
            if stem in images and stem in labels:
                samples.append(info)
                continue
            have, lack = (
                ('image', info['seg_map_path'])
                if stem in images
                else ('label', info['img_path'])
            )
            problems.append(
                DataError(
                    f'is missing, but its {have} is there',
                    file=lack,
                    remedy=f'Restore the file, remove its {have}, or list '
                    f'{name!r} in the file given as exclude=',
                    name=name,
                )
            )
        return samples, problems

    def filter_names(self, names: Sequence[str]) -> Sequence[str]:
        """Keep the names that the data set's own selectors ask for."""
        return names

    @staticmethod
    def _stems(folder: str, suffix: str, expected: str) -> set:
        files = list_files(folder, (suffix,), expected)
        return {file[: -len(suffix)] for file in files}
