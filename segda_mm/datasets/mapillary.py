from __future__ import annotations

import glob
import os.path as osp
from collections.abc import Mapping

from segda_mm.errors import DataError, MissingDataError
from segda_mm.registry import DATASETS

from .base import PanopticSegDataset
from .cityscapes import CityscapesPanopticDataset
from .formats.cityscapes_labels import CLASSES, IGNORE_INDEX
from .formats.mapillary_labels import cityscapes_train_id
from .formats.panoptic_files import PanopticIndex, read_panoptic_json


@DATASETS.register_module()
class MapillaryPanopticDataset(PanopticSegDataset):
    """Mapillary Vistas, street scenes of all continents, with instances.

    Reads the COCO-panoptic PNGs as published, and the ``panoptic_2018.json``
    (version 1.2) or ``panoptic_2020.json`` (2.0) that lies among them.

    Source: Neuhold et al., "The Mapillary Vistas Dataset for Semantic
    Understanding of Street Scenes", ICCV 2017.

    Args:
        data_root: Folder with ``training`` and ``validation``.
        data_prefix: ``dict(img_path=..., seg_map_path=...)``.
        map_to_cityscapes: Whether the classes are the 19 of Cityscapes, see
            :mod:`segda_mm.datasets.formats.mapillary_labels`, not the categories
            of the JSON file (65 in version 1.2, 37 of them with instances).
        kwargs: Further arguments of :class:`PanopticSegDataset`.

    Raises:
        MissingDataError: A folder or the JSON file is not there.
        DataError: The JSON file is wrong, or a pair or an entry is missing.
    """

    DATA_PREFIX = {
        'img_path': 'training/images',
        'seg_map_path': 'training/v1.2/panoptic',
    }
    IMG_SUFFIX = '.jpg'
    IMAGES_EXPECTED = 'the images (*.jpg) of Mapillary Vistas'
    LABELS_EXPECTED = (
        'the panoptic PNGs of Mapillary Vistas and their panoptic_2018.json '
        '(version 1.2) or panoptic_2020.json (2.0)'
    )

    def __init__(
        self,
        data_root: str | None = None,
        data_prefix: dict | None = None,
        map_to_cityscapes: bool = False,
        **kwargs,
    ) -> None:
        folder = (data_prefix or self.DATA_PREFIX)['seg_map_path']
        self.json_path = self._find_json(osp.join(data_root or '', folder))
        self._index = read_panoptic_json(self.json_path)
        categories = self._index.categories
        is_thing = [category['isthing'] for category in categories.values()]
        self._groups = {key for key, thing in zip(categories, is_thing) if not thing}
        if map_to_cityscapes:
            metainfo = CityscapesPanopticDataset.METAINFO
            self._class_of_category = {
                key: cityscapes_train_id(category['supercategory'])
                for key, category in categories.items()
            }
            found = {*self._class_of_category.values()} - {IGNORE_INDEX}
            if len(found) < len(CLASSES):
                raise DataError(
                    'lacks categories of the classes of Cityscapes',
                    file=self.json_path,
                    remedy='Correct seg_map_path, or take map_to_cityscapes=False',
                )
        else:
            metainfo = {
                'classes': tuple(category['name'] for category in categories.values()),
                'palette': [
                    list(category['color']) for category in categories.values()
                ],
                'thing_classes': [i for i, thing in enumerate(is_thing) if thing],
                'label_ids': list(categories),
            }
            self._class_of_category = {key: i for i, key in enumerate(categories)}
        super().__init__(
            data_root=data_root, data_prefix=data_prefix, metainfo=metainfo, **kwargs
        )

    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Find the pairs and their segments; see :meth:`FolderSegDataset.scan`."""
        pairs, problems = super().scan()
        annotations = {
            annotation['file_name']: annotation
            for annotation in self._take_index().annotations.values()
        }
        samples = []
        for info in pairs:
            png = osp.basename(info['seg_map_path'])
            annotation = annotations.get(png)
            if annotation is None:
                problems.append(
                    DataError(
                        f'has no entry for {png}',
                        file=self.json_path,
                        remedy='Take images and JSON of the same version, or list '
                        f'{info["relative_path"]!r} in the file given as exclude=',
                        name=info['relative_path'],
                    )
                )
                continue
            info['segments_info'] = [
                self._segment(s) for s in annotation['segments_info']
            ]
            info['class_of_category'] = self._class_of_category
            samples.append(info)
        return samples, problems

    def _take_index(self) -> PanopticIndex:
        # Only once: a gigabyte of segments would be copied into every worker.
        index, self._index = self._index, None
        return index or read_panoptic_json(self.json_path)

    def _segment(self, segment: Mapping) -> dict:
        category = segment['category_id']
        # One segment may show many of what has no instances here, but is a thing
        # in Cityscapes (trams in version 1.2, groups of persons in 2.0).
        iscrowd = int(category in self._groups or segment.get('iscrowd', 0))
        return {'id': segment['id'], 'category_id': category, 'iscrowd': iscrowd}

    @classmethod
    def _find_json(cls, folder: str) -> str:
        found = sorted(glob.glob(osp.join(glob.escape(folder), 'panoptic_*.json')))
        if not found:
            what = 'holds no panoptic_*.json' if osp.isdir(folder) else 'does not exist'
            raise MissingDataError(
                f'folder {what}', folder=folder, expected=cls.LABELS_EXPECTED
            )
        return found[0]
