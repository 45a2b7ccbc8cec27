from __future__ import annotations

import glob
import os.path as osp
from collections.abc import Mapping

from segda_mm.errors import DataError, MissingDataError
from segda_mm.registry import DATASETS

from .base import PanopticSegDataset
from .cityscapes import CityscapesPanopticDataset
from .formats.mapillary_labels import cityscapes_train_id
from .formats.panoptic_files import read_panoptic_json


@DATASETS.register_module()
class MapillaryPanopticDataset(PanopticSegDataset):
    """Mapillary Vistas, street scenes of all continents, with instances.

    Reads the COCO-panoptic PNGs as published, and the ``panoptic_2018.json``
    (version 1.2) or ``panoptic_2020.json`` (2.0) that lies among them.

    Source: Neuhold et al., "The Mapillary Vistas Dataset for Semantic
    Understanding of Street Scenes", ICCV 2017.

    Args:
        map_to_cityscapes: Whether the classes are the 19 of Cityscapes, see
            :mod:`segda_mm.datasets.formats.mapillary_labels`, not the categories
            of the JSON file.
        data_root, data_prefix, kwargs: See :class:`PanopticSegDataset`.
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
        folder = osp.join(data_root or '', folder)
        found = sorted(glob.glob(osp.join(glob.escape(folder), 'panoptic_*.json')))
        if not found:
            what = 'holds no panoptic_*.json' if osp.isdir(folder) else 'does not exist'
            raise MissingDataError(
                f'folder {what}', folder=folder, expected=self.LABELS_EXPECTED
            )
        self.json_path = found[0]
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
        else:
            entries = categories.values()
            metainfo = {
                'classes': tuple(category['name'] for category in entries),
                'palette': [list(category['color']) for category in entries],
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
        # Only once: a gigabyte of segments would be copied into every worker.
        index, self._index = self._index or read_panoptic_json(self.json_path), None
        segments = {
            annotation['file_name']: annotation['segments_info']
            for annotation in index.annotations.values()
        }
        samples = []
        for info in pairs:
            png = osp.basename(info['seg_map_path'])
            if png not in segments:
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
            info['segments_info'] = [self._segment(s) for s in segments[png]]
            info['class_of_category'] = self._class_of_category
            samples.append(info)
        return samples, problems

    def _segment(self, segment: Mapping) -> dict:
        category = segment['category_id']
        # One segment may show many of what has no instances here, but is a thing
        # in Cityscapes (trams in version 1.2, groups of persons in 2.0).
        iscrowd = int(category in self._groups or segment.get('iscrowd', 0))
        return {'id': segment['id'], 'category_id': category, 'iscrowd': iscrowd}
