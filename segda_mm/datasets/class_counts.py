"""How many pixels of each class the labels of a data set have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import mmcv.transforms
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from PIL import Image

from .base import image_problem
from .formats.label_checksums import require_unchanged_label
from .transforms import LoadLabelIds, LoadPanopticLabels

_LABEL_LOADERS = (LoadLabelIds, LoadPanopticLabels, mmcv.transforms.LoadAnnotations)

#: Threads that decode label files, during which they do not block each other.
_THREADS = 8


class LabelledSet(NamedTuple):
    """A data set and the transform of its pipeline that reads its labels."""

    dataset: BaseDataset
    loader: BaseTransform


def labelled_sets(dataset: object, key: str) -> list[LabelledSet]:
    """Find the data sets that the samples of a data set come from, in their order.

    Args:
        dataset: A data set with labels, or a ``ConcatDataset`` of several.
        key: Its config key, for the message.

    Raises:
        ValueError: There is one whose pipeline reads no label files.
    """
    parts = getattr(dataset, 'datasets', None)
    if parts is not None:
        return [
            found
            for index, part in enumerate(parts)
            for found in labelled_sets(part, f'{key}.datasets[{index}]')
        ]
    for transform in getattr(getattr(dataset, 'pipeline', None), 'transforms', ()):
        if isinstance(transform, _LABEL_LOADERS):
            return [LabelledSet(dataset, transform)]
    names = ', '.join(loader.__name__ for loader in _LABEL_LOADERS)
    raise ValueError(
        f'{key} is a {type(dataset).__name__} whose pipeline reads no label files '
        f'(it has none of {names}), so that its classes cannot be counted; name a '
        'labelled data set with its pipeline'
    )


def count_classes(sets: Sequence[LabelledSet], num_classes: int) -> np.ndarray:
    """Count the pixels of each class in every label file.

    Labels are those that the pipelines load, before anything that resizes or
    crops them.

    Returns:
        int64 (N, K + 1): of every sample, pixels of each class, and of none.

    Raises:
        DataError: A label file is missing or wrong.
    """
    samples = [(part, index) for part in sets for index in range(len(part.dataset))]

    def count(sample: tuple[LabelledSet, int]) -> np.ndarray:
        (dataset, loader), index = sample
        train_ids = read_train_ids(loader, dataset.get_data_info(index))
        return count_pixels(train_ids, num_classes)

    print_log(f'Counting the classes in {len(samples)} label files', logger='current')
    with ThreadPoolExecutor(_THREADS) as pool:
        return np.stack(list(pool.map(count, samples)))


def read_train_ids(loader: BaseTransform, info: Mapping) -> np.ndarray:
    """Read the label of a sample (a data info) as a training does, uint8 (H, W).

    Raises:
        DataError: The label or the image is missing or wrong, or they do not fit.
    """
    require_unchanged_label(info)
    path = info['img_path']
    try:
        with Image.open(path) as image:
            ori_shape = image.size[::-1]
    except OSError as error:
        problem = image_problem(path, info.get('relative_path', path))
        raise (problem or error) from None
    return loader({**info, 'ori_shape': ori_shape, 'seg_fields': []})['gt_seg_map']


def count_pixels(train_ids: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the pixels of each class, and last those of none; int64 (K + 1,)."""
    pixels = np.bincount(train_ids.ravel(), minlength=num_classes)
    return np.append(pixels[:num_classes], pixels[num_classes:].sum())
