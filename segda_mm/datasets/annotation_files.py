"""Label files of MMSegmentation's own data sets, looked at before they are loaded.

``LoadAnnotations`` takes any image: of a colour file it makes a label of three
dimensions, of 16 bits the lower eight, and no size is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import mmcv.transforms
import numpy as np
from mmcv.transforms import BaseTransform

from segda_mm.errors import DataError, PreflightError

from .formats.cityscapes_labels import IGNORE_INDEX
from .formats.images import open_image
from .formats.label_files import opened_labels
from .places import plain_sets
from .transforms import LoadLabelIds

#: Modes of Pillow that have one value of at most 8 bits a pixel.
_PLAIN_MODES = ('L', 'P', '1')

#: Threads that open files, during which they do not block each other.
_THREADS = 8


def require_annotation(loader: BaseTransform, info: Mapping[str, Any]) -> None:
    """See that ``LoadAnnotations`` gets one class id a pixel from a label file.

    Of the files, the heads are read; those of other hosts (``backend_args``) are not.

    Raises:
        DataError: The label file is missing, lossy, in colour, has values above 255,
            or has another size than the image.
    """
    if loader.backend_args:
        return
    file, path = info['seg_map_path'], info['img_path']
    with opened_labels(file, 'label file') as label:
        mode, size = label.mode, label.size
        wide = mode.startswith('I') and np.asarray(label).max(initial=0) > 255
    readable = (*_PLAIN_MODES, 'I', 'I;16', 'I;16B')
    if mode == 'P' and loader.imdecode_backend != 'pillow':
        readable = ()
    if wide or mode not in readable:
        what = 'has values above 255' if wide else f'is a {mode!r} image'
        raise DataError(
            f'{what}, but label files hold one class id of 8 bits for each pixel',
            file=file,
            remedy='Write the class ids as a single-channel 8-bit PNG'
            + (", or load it with imdecode_backend='pillow'" if mode == 'P' else ''),
        )
    try:
        with open_image(path) as image:
            expected = image.size
    except (OSError, SyntaxError, ValueError):
        # That is told where images are read.
        return
    if size != expected:
        raise DataError(
            'label is {}x{} pixels, but its image {} is {}x{}'.format(
                *size, path, *expected
            ),
            file=file,
            remedy='Scale the label to the size of the image by nearest neighbour, or '
            'take the pair out of the data set',
        )


def require_annotations(dataset: Any, key: str) -> None:
    """See that all label files of a data set, or of those in it, can be trained on.

    Those of our own data sets are checked as they are loaded.

    Args:
        dataset: One of any kind, maybe a wrapper of several.
        key: Its key in the config, for the messages.

    Raises:
        PreflightError: As :func:`require_annotation`; or an argument would have no
            effect, or contradicts another one.
    """
    for name, part in plain_sets(dataset, key):
        _require_void(part, name)
        transforms = getattr(getattr(part, 'pipeline', None), 'transforms', ())
        reduced = bool(getattr(part, 'reduce_zero_label', False))
        for transform in transforms:
            if reduced and isinstance(transform, LoadLabelIds):
                raise PreflightError(
                    f'{name}.reduce_zero_label is for LoadAnnotations of '
                    'MMSegmentation; for LoadLabelIds say it in its table, as {0: 255, '
                    '1: 0, 2: 1, ...}'
                )
            if not isinstance(transform, mmcv.transforms.LoadAnnotations):
                continue
            asked = getattr(transform, 'reduce_zero_label', None)
            if asked is not None and bool(asked) != reduced:
                raise PreflightError(
                    f'{name}.reduce_zero_label is {reduced}, but LoadAnnotations in '
                    f'its pipeline has reduce_zero_label={asked}; set it for the data '
                    'set alone'
                )
            infos = [part.get_data_info(index) for index in range(len(part))]
            labelled = [info for info in infos if info.get('seg_map_path')]
            with ThreadPoolExecutor(_THREADS) as pool:
                try:
                    list(pool.map(partial(require_annotation, transform), labelled))
                except DataError as error:
                    pool.shutdown(cancel_futures=True)
                    raise PreflightError(f'{name}: {error}') from error


def _require_void(dataset: Any, key: str) -> None:
    ignored = getattr(dataset, 'ignore_index', IGNORE_INDEX)
    if ignored != IGNORE_INDEX:
        raise PreflightError(
            f'{key}.ignore_index is {ignored}, but nothing reads it: void is '
            f'{IGNORE_INDEX} in all labels, losses and metrics. Map the class to it, '
            f'with LoadLabelIds(table={{{ignored}: {IGNORE_INDEX}, ...}})'
        )
