"""How many pixels of each class the labels of a data set have."""

from __future__ import annotations

import json
import os
import os.path as osp
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import mmcv.transforms
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from segda_mm.errors import DataError
from segda_mm.files import write_text

from .annotation_files import require_annotation
from .base import image_problem
from .formats.images import open_image
from .formats.label_checksums import read_json, require_unchanged_label
from .transforms import LoadLabelIds, LoadPanopticLabels

#: Transforms that read label files.
LABEL_LOADERS = (LoadLabelIds, LoadPanopticLabels, mmcv.transforms.LoadAnnotations)

#: Threads that decode label files, during which they do not block each other.
_THREADS = 8


#: A data set and the transform of its pipeline that reads its labels.
LabelledSet = tuple[BaseDataset, BaseTransform]


def labelled_sets(dataset: object, key: str) -> list[LabelledSet]:
    """Find the data sets that the samples of a data set come from, in their order.

    Args:
        dataset: One with labels, or several of them in a ``ConcatDataset``.
        key: Its config key, for the message.
    """
    parts = getattr(dataset, 'datasets', None)
    if parts is not None:
        return [
            found
            for index, part in enumerate(parts)
            for found in labelled_sets(part, f'{key}.datasets[{index}]')
        ]
    for transform in getattr(getattr(dataset, 'pipeline', None), 'transforms', ()):
        if isinstance(transform, LABEL_LOADERS):
            return [(dataset, transform)]
    names = ', '.join(loader.__name__ for loader in LABEL_LOADERS)
    raise ValueError(
        f'{key} is a {type(dataset).__name__} whose pipeline reads no label files '
        f'(it has none of {names}); name a labelled data set with its pipeline'
    )


def count_classes(
    sets: Sequence[LabelledSet], num_classes: int, file: str | None = None
) -> np.ndarray:
    """Count the pixels of each class, as loaded, in every label file.

    Args:
        sets: The data sets.
        num_classes: K.
        file: JSON file where the counts are kept, or None. Those in it are taken if
            all label files have the names, sizes and meaning that they had then;
            otherwise they are counted anew and replaced.

    Returns:
        int64 (N, K + 1): of every sample, pixels of each class, and of none.
    """
    if file is None:
        return _count(sets, num_classes)
    fingerprint = _fingerprint(sets, num_classes)
    remedy = 'Name another file as statistics_file=, or delete this one'
    kept = read_json(file, remedy)
    if kept is not None:
        if set(kept) != {'fingerprint', 'pixels'}:
            raise DataError('is no file of class statistics', file=file, remedy=remedy)
        if kept['fingerprint'] == fingerprint:
            return np.array(kept['pixels'], dtype=np.int64)
        print_log(f'{file} is of other label files: counting again', logger='current')
    pixels = _count(sets, num_classes)
    write_text(file, json.dumps(dict(fingerprint=fingerprint, pixels=pixels.tolist())))
    return pixels


def read_train_ids(loader: BaseTransform, info: Mapping) -> np.ndarray:
    """Read the label of a data info as a training does; train ids (H, W) in 0..255."""
    require_unchanged_label(info)
    path = info['img_path']
    try:
        with open_image(path) as image:
            ori_shape = image.size[::-1]
    except (OSError, SyntaxError, ValueError) as error:
        problem = image_problem(path, info.get('relative_path', path))
        raise (problem or error) from None
    if isinstance(loader, mmcv.transforms.LoadAnnotations):
        require_annotation(loader, info)
    return loader({**info, 'ori_shape': ori_shape, 'seg_fields': []})['gt_seg_map']


def count_pixels(train_ids: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the pixels of each class, and last those of none; int64 (K + 1,)."""
    # In parts: NumPy counts in copies that are eight times as large.
    pixels = np.zeros(256, dtype=np.int64)
    for part in np.array_split(train_ids.ravel(), train_ids.size // 2**22 + 1):
        pixels += np.bincount(part, minlength=256)
    return np.append(pixels[:num_classes], pixels[num_classes:].sum())


def _count(sets: Sequence[LabelledSet], num_classes: int) -> np.ndarray:
    samples = [
        (loader, dataset.get_data_info(index))
        for dataset, loader in sets
        for index in range(len(dataset))
    ]

    def count(sample: tuple[BaseTransform, Mapping]) -> np.ndarray:
        return count_pixels(read_train_ids(*sample), num_classes)

    print_log(f'Counting the classes in {len(samples)} label files', logger='current')
    with ThreadPoolExecutor(_THREADS) as pool:
        return np.stack(list(pool.map(count, samples)))


def _fingerprint(sets: Sequence[LabelledSet], num_classes: int) -> str:
    """Hash of all that the counts depend on, contents of files left out."""
    parts = [num_classes]
    for dataset, loader in sets:
        infos = [dataset.get_data_info(i) for i in range(len(dataset))]
        paths = [info['seg_map_path'] for info in infos]
        # Relative, so that the counts stay valid where the data are moved.
        root = osp.commonpath({osp.dirname(path) for path in paths})
        # An absent file has no size, and is told when it is counted.
        files = [
            [
                osp.relpath(path, root),
                os.stat(path).st_size if osp.isfile(path) else None,
                info.get('label_checksum'),
            ]
            for path, info in zip(paths, infos)
        ]
        table = getattr(loader, 'table', None)
        ids = None if table is None else table.train_ids.tolist()
        keys = ('label_table', 'label_map', 'reduce_zero_label')
        meaning = [infos[0].get(key) for key in keys]
        parts.append([type(loader).__name__, ids, meaning, files])
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
