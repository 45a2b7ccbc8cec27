"""Reading the label file of a sample."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from contextlib import nullcontext

import cv2
import mmcv.transforms
import numpy as np
from mmcv.transforms import BaseTransform

from segda_mm.errors import DataError
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR
from segda_mm.registry import TRANSFORMS

from ..formats.cityscapes_instances import codes_from_instance_ids, read_instance_ids
from ..formats.cityscapes_labels import IGNORE_INDEX
from ..formats.decoded_images import DecodedImages
from ..formats.images import any_size
from ..formats.label_checksums import (
    label_checksums,
    rejected_images,
    require_unchanged,
)
from ..formats.label_files import (
    label_table,
    read_label_ids,
    read_synthia_ids,
    to_train_ids,
)
from ..formats.mask_values import mask_table
from ..formats.panoptic_files import codes_from_segments, read_panoptic_png


def _is_lone_picture(results: dict) -> bool:
    """Whether it comes from mmseg's functions for inference, not from a data set."""
    return 'seg_map_path' not in results and 'sample_idx' not in results


@TRANSFORMS.register_module()
class LoadImageFromFile(mmcv.transforms.LoadImageFromFile):
    """mmcv's, with the pixels as they are stored, where the label has them too.

    mmcv turns a photo as its EXIF tag of orientation says, and no label with it.
    (``imdecode_backend='turbojpeg'`` and ``'tifffile'`` never turn.)

    Args:
        cache: Folder to keep decoded images in, see :class:`DecodedImages`, for data
            that are read in many epochs; it grows to the size of all pixels. None:
            they are decoded anew each time.
        kwargs: Those of :class:`mmcv.transforms.LoadImageFromFile`.

    Raises:
        ValueError: ``cache`` goes with neither ``to_float32`` nor another backend of
            files than the disk.
    """

    def __init__(self, *args, cache: str | None = None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        elsewhere = self.file_client_args or self.backend_args
        if cache is not None and (self.to_float32 or elsewhere):
            raise ValueError(
                f'cache={cache!r} of LoadImageFromFile keeps pixels of files on the '
                'disk as they are decoded; leave out to_float32, backend_args and '
                'file_client_args, or the cache'
            )
        self._decoded = None if cache is None else DecodedImages(cache)
        turns = self.imdecode_backend not in ('turbojpeg', 'tifffile')
        if turns and self.color_type in ('color', 'grayscale'):
            self.color_type += '_ignore_orientation'

    def transform(self, results: dict) -> dict | None:
        """Add ``img``, ``img_shape`` and ``ori_shape`` to ``results``."""
        if self._decoded is None:
            return self._decode(results)
        how = self.color_type, self.imdecode_backend
        try:
            file = self._decoded.file_of(results['img_path'], *how)
        except OSError:
            # What decodes it says so, or passes over it.
            return self._decode(results)
        pixels = self._decoded.read(file)
        if pixels is None:
            if (loaded := self._decode(results)) is not None:
                self._decoded.write(file, loaded['img'])
            return loaded
        shape = pixels.shape[:2]
        results.update(img=pixels, img_shape=shape, ori_shape=shape)
        return results

    def _decode(self, results: dict) -> dict | None:
        with any_size() if self.imdecode_backend == 'pillow' else nullcontext():
            return super().transform(results)


@TRANSFORMS.register_module()
class LoadLabelIds(BaseTransform):
    """Load a label file and turn its ids into train ids.

    Required keys: ``seg_map_path``, ``ori_shape`` and ``img_path`` (so it stands
    after ``LoadImageFromFile``). Adds ``gt_seg_map``, uint8 (H, W), 255 where
    void, and its name to ``seg_fields``. A picture of no data set, as
    ``mmseg.apis.inference_model`` gives it, passes as it is.

    Args:
        table: ``'cityscapes'``, ``'gta5'``, ``'synthia'``, ``'camvid'``,
            ``'train_id'`` or an own ``{id: train_id}``; None takes the one of the
            data set.
        scale: (width, height) to evaluate at, for test pipelines, behind every
            ``Resize``: labels get that size by nearest neighbour, and predictions by
            ``ori_shape``. None: both have the size of the file.
    """

    def __init__(
        self,
        table: str | Mapping[int, int] | None = None,
        scale: tuple[int, int] | None = None,
    ) -> None:
        self.table = None if table is None else label_table(table)
        self.scale = scale

    def transform(self, results: dict) -> dict:
        """Add ``gt_seg_map`` to ``results``."""
        if _is_lone_picture(results):
            return results
        _require_label(results)
        if results.get('reduce_zero_label'):
            raise ValueError(
                'reduce_zero_label=True of the data set is for LoadAnnotations of '
                'MMSegmentation; for LoadLabelIds say it in its table, as {0: 255, '
                '1: 0, 2: 1, ...}'
            )
        file = results['seg_map_path']
        table = self.table
        given = results.get('label_table')
        if table is None and isinstance(given, Mapping) and 'ids' in given:
            labels = mask_table(given).train_ids(file)
            _require_size_of_image(labels, results)
            return self._add(labels, results)
        if table is None:
            if results.get('label_table') is None:
                raise ValueError(
                    'the data set does not say which label table its files use; set '
                    "it in the pipeline: dict(type='LoadLabelIds', table='cityscapes' "
                    "| 'gta5' | 'camvid' | 'train_id' | {id: train_id})"
                )
            table = label_table(results['label_table'])
        read = read_synthia_ids if table.name == 'synthia' else read_label_ids
        ids = read(file)
        _require_size_of_image(ids, results)
        labels = to_train_ids(ids, table, file, results.get('label_map'))
        return self._add(labels, results)

    def _add(self, labels: np.ndarray, results: dict) -> dict:
        if self.scale is not None:
            # As Pillow does it; without EXACT, OpenCV is off by half a pixel.
            labels = cv2.resize(
                labels, self.scale, interpolation=cv2.INTER_NEAREST_EXACT
            )
            results['ori_shape'] = labels.shape
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')
        return results


@TRANSFORMS.register_module()
class LoadPanopticLabels(BaseTransform):
    """Load a label file that tells instances apart, as published.

    COCO-panoptic PNGs of Mapillary Vistas where the sample has ``segments_info``
    and ``class_of_category``, instance-id PNGs of Cityscapes otherwise. Required
    keys: ``seg_map_path``, ``thing_classes``, ``ori_shape`` and ``img_path`` (so it
    stands after ``LoadImageFromFile``). Adds ``gt_panoptic_seg``, panoptic codes
    int32 (H, W), and ``gt_seg_map``, train ids uint8 (H, W), and both names to
    ``seg_fields``.
    """

    def transform(self, results: dict) -> dict:
        """Add ``gt_panoptic_seg`` and ``gt_seg_map`` to ``results``."""
        if _is_lone_picture(results):
            return results
        _require_label(results)
        if 'thing_classes' not in results:
            raise ValueError(
                f'the data set of {results["img_path"]} does not tell instances apart '
                '(no thing_classes); take CityscapesPanopticDataset or another one'
            )
        file = results['seg_map_path']
        is_coco = 'segments_info' in results
        ids = read_panoptic_png(file) if is_coco else read_instance_ids(file)
        _require_size_of_image(ids, results)
        if is_coco:
            keys = ('segments_info', 'class_of_category', 'thing_classes')
            codes = codes_from_segments(ids, *(results[key] for key in keys), file)
        else:
            codes = codes_from_instance_ids(ids, file)
        results['gt_panoptic_seg'] = codes
        results['gt_seg_map'] = (codes // LABEL_DIVISOR).astype(np.uint8)
        results['seg_fields'].extend(['gt_panoptic_seg', 'gt_seg_map'])
        return results


@TRANSFORMS.register_module()
class LoadPseudoLabels(BaseTransform):
    """Load the pseudo label of an unlabelled image, or void without one.

    Stands after ``LoadImageFromFile`` and before anything that changes the size.
    Required keys: ``img``, ``relative_path``, ``pseudo_label_dir``. Adds
    ``gt_seg_map``, uint8 (H, W): train ids of ``<pseudo_label_dir>/<relative_path
    with the suffix .png>``, or 255 everywhere when ``pseudo_label_dir`` is None
    or ``segda review`` rejected the label,
    and its name to ``seg_fields``.
    """

    def transform(self, results: dict) -> dict:
        """Add ``gt_seg_map`` to ``results``."""
        shape, folder = results['img'].shape[:2], results['pseudo_label_dir']
        name = results['relative_path']
        results['seg_fields'].append('gt_seg_map')
        if folder is None or name in rejected_images(folder):
            results['gt_seg_map'] = np.full(shape, IGNORE_INDEX, dtype=np.uint8)
            return results
        file = osp.join(folder, osp.splitext(name)[0] + '.png')
        remedy = f'Remove {folder} so that the pseudo labels are made again'
        if not osp.isfile(file):
            what = f'pseudo label of {name!r} does not exist'
            raise DataError(what, file=file, remedy=remedy)
        require_unchanged(file, label_checksums(folder).get(name), remedy)
        labels = results['gt_seg_map'] = read_label_ids(file)
        if labels.shape != shape:
            raise DataError(
                f'pseudo label is {labels.shape[1]}x{labels.shape[0]} pixels, '
                f'but its image {name!r} is {shape[1]}x{shape[0]}',
                file=file,
                remedy=f'Place LoadPseudoLabels before every resize. {remedy}',
            )
        return results


def _require_label(results: dict) -> None:
    if 'seg_map_path' not in results:
        raise ValueError(
            f'the data set of {results["img_path"]} has no labels (no seg_map_path); '
            'take what loads them out of its pipeline, or name a labelled data set'
        )


def _require_size_of_image(ids: np.ndarray, results: dict) -> None:
    shape = tuple(results['ori_shape'][:2])
    image = results['img_path']
    name = results.get('relative_path', image)
    if ids.shape != shape:
        raise DataError(
            f'label is {ids.shape[1]}x{ids.shape[0]} pixels, but its image {image} is '
            f'{shape[1]}x{shape[0]}',
            file=results['seg_map_path'],
            remedy=f'List {name!r} in the file given as exclude= '
            '(segda check CONFIG --write-exclude FILE makes it)',
            name=name,
        )
