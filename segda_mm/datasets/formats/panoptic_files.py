"""COCO-panoptic files: PNGs of segment ids, and the JSON that explains them.

The colour (r, g, b) of a pixel is the number r + 256 g + 65536 b of its
segment, 0 is void; the JSON file lists the segments of every picture.

Source: Kirillov et al., "Panoptic Segmentation", CVPR 2019.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
from PIL import Image
from scipy.ndimage import find_objects

from segda_mm.errors import DataError
from segda_mm.files import atomic_file
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CLASS, VOID_CODE

from .label_files import decode_labels

#: The number of a pixel that belongs to no segment.
VOID_ID = 0


class PanopticIndex(NamedTuple):
    """The entries of a COCO-panoptic JSON file by category id and by image id."""

    categories: dict[int, dict[str, Any]]
    annotations: dict[str | int, dict[str, Any]]


def read_panoptic_json(path: str | os.PathLike) -> PanopticIndex:
    """Read a COCO-panoptic JSON file.

    Raises:
        DataError: The file is missing, is no JSON, or lacks ``categories`` or
            ``annotations`` or one of their keys.
    """
    try:
        with open(path, encoding='utf-8') as stream:
            content = json.load(stream)
        categories = {entry['id']: entry for entry in content['categories']}
        annotations = {entry['image_id']: entry for entry in content['annotations']}
        for entry in content['annotations']:
            entry['file_name'], entry['segments_info']
    except FileNotFoundError:
        what = 'panoptic JSON does not exist'
    except ValueError as error:
        what = f'is not a JSON file ({error})'
    except (KeyError, TypeError) as error:
        what = f'is not a COCO-panoptic JSON file (no {error})'
    else:
        return PanopticIndex(categories, annotations)
    raise DataError(
        what,
        file=path,
        remedy='Download or write it again, or correct the path in the config',
    )


def write_panoptic_json(
    path: str | os.PathLike,
    categories: Sequence[Mapping],
    annotations: Sequence[Mapping],
) -> None:
    """Write a COCO-panoptic JSON file, whole or not at all.

    Args:
        path: The file; its folder is made where missing.
        categories: Entries with ``id``, ``name`` and ``isthing`` (0 or 1).
        annotations: Entries with ``image_id``, ``file_name`` (of the PNG) and
            ``segments_info`` (as :func:`segments_from_codes` makes it).
    """
    content = dict(images=[], annotations=annotations, categories=categories)
    with atomic_file(path) as unfinished, open(unfinished, 'w') as stream:
        json.dump(content, stream)


def read_panoptic_png(path: str | os.PathLike) -> np.ndarray:
    """Read the segment ids of a COCO-panoptic PNG, int32 (H, W), 0 is void.

    Raises:
        DataError: The file is missing, cannot be decoded, or is not RGB.
    """
    mode, colors = decode_labels(path, 'panoptic PNG')
    if mode != 'RGB':
        raise DataError(
            f'is a {mode!r} image, but panoptic PNGs are RGB',
            file=path,
            remedy='Use the files of the folder named panoptic, not those of '
            'label or instance ids',
        )
    ids = colors[..., 2].astype(np.int32)
    for channel in (1, 0):
        ids <<= 8
        ids |= colors[..., channel]
    return ids


def write_panoptic_png(path: str | os.PathLike, ids: np.ndarray) -> None:
    """Write segment ids (H, W), 0 to 2**24 - 1, as a PNG, whole or not at all."""
    little_endian = np.ascontiguousarray(ids, dtype='<u4')
    colors = little_endian.view(np.uint8).reshape(*ids.shape, 4)[..., :3]
    with atomic_file(path) as unfinished:
        # Level 1: a fraction of the default's time for a few per cent more bytes.
        Image.fromarray(np.ascontiguousarray(colors)).save(
            unfinished, format='PNG', compress_level=1
        )


def codes_from_segments(
    ids: np.ndarray,
    segments_info: Sequence[Mapping],
    class_of_category: Mapping[int, int],
    thing_classes: Collection[int],
    file: str | os.PathLike = '',
) -> np.ndarray:
    """Turn segment ids into panoptic codes (:mod:`segda_mm.ops.panoptic_codes`).

    Instances of a class count from 1 in the order of ``segments_info``; crowds
    become the group of their class.

    Args:
        ids: int32 (H, W) of a panoptic PNG.
        segments_info: Entries with ``id``, ``category_id`` and maybe ``iscrowd``.
        class_of_category: Train id of every category that may occur, 255 is void.
        thing_classes: Train ids of the classes with instances.
        file: The file that the ids come from, for the messages.

    Returns:
        int32 (H, W); void is 255000.

    Raises:
        DataError: A category is not known, a pixel's id is not listed, an id is
            listed twice or is 0, or a class has more than 999 instances.
    """
    code_of_id = _code_of_id(segments_info, class_of_category, thing_classes, file)
    largest = int(ids.max(initial=VOID_ID))
    # One look-up instead of a search per pixel; 0 means not listed.
    table = np.zeros(largest + 1, dtype=np.int32)
    for segment_id, code in code_of_id.items():
        if segment_id <= largest:
            table[segment_id] = code + 1
    codes = table[ids]
    unlisted = codes == 0
    if unlisted.any():
        raise DataError(
            f'has the segment ids {np.unique(ids[unlisted])[:10].tolist()} in '
            f'{int(unlisted.sum())} pixels, which its JSON entry does not list',
            file=file,
            remedy='Take PNGs and JSON of the same version of the data set, or '
            'list the image in exclude=',
        )
    codes -= 1
    return codes


def _code_of_id(
    segments_info: Sequence[Mapping],
    class_of_category: Mapping[int, int],
    thing_classes: Collection[int],
    file: str | os.PathLike,
) -> dict[int, int]:
    code_of_id = {VOID_ID: VOID_CODE}
    instances = dict.fromkeys(thing_classes, 0)

    def refuse(what: str) -> NoReturn:
        remedy = 'Take PNGs and JSON of one version, or list the image in exclude='
        raise DataError(what, file=file, remedy=remedy)

    for segment in segments_info:
        segment_id, category = segment['id'], segment['category_id']
        if segment_id in code_of_id:
            refuse(f'segment id {segment_id} is listed twice, or is the 0 of void')
        if category not in class_of_category:
            refuse(f'segment {segment_id} has the category {category}, unknown here')
        class_id = class_of_category[category]
        code = class_id * LABEL_DIVISOR
        if class_id in instances and not segment.get('iscrowd', 0):
            instances[class_id] += 1
            code += instances[class_id]
        code_of_id[segment_id] = code
    for class_id, count in instances.items():
        if count >= LABEL_DIVISOR:
            refuse(f'has {count} instances of class {class_id}, but codes count to 999')
    return code_of_id


def segments_from_codes(
    codes: np.ndarray, label_ids: Sequence[int], thing_classes: Collection[int]
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Turn panoptic codes into segment ids and their descriptions.

    The ids are those of Cityscapes' own conversion to COCO-panoptic: stuff and
    groups have their label id, instances ``label_id * 1000 + k`` with k from 0.

    Args:
        codes: Integers (H, W), 0 to 255999.
        label_ids: Label id of every train id, 1 to 999.
        thing_classes: Train ids of the classes with instances.

    Returns:
        ids: int32 (H, W), void is 0.
        segments_info: One dict a segment, sorted by code, with ``id``,
            ``category_id`` (a label id), ``area`` in pixels, ``bbox`` ``[x, y,
            width, height]`` in pixels, and ``iscrowd`` (1 for a group of things).

    Raises:
        ValueError: A label id is out of range.
    """
    if any(not 1 <= label_id < LABEL_DIVISOR for label_id in label_ids):
        raise ValueError(
            f'label_ids are {list(label_ids)}, but COCO-panoptic files need 1 to 999: '
            '0 is void, and larger ones are instances'
        )
    areas = np.bincount(codes.ravel())
    present = np.flatnonzero(areas)
    present = present[present // LABEL_DIVISOR != VOID_CLASS]
    # Segments are numbered from 1 in what follows; 0 is void.
    number_of_code = np.zeros(len(areas), dtype=np.int32)
    number_of_code[present] = np.arange(1, len(present) + 1)
    numbers = number_of_code[codes]
    boxes = find_objects(numbers, len(present))
    id_of_number = np.full(len(present) + 1, VOID_ID, dtype=np.int32)
    segments_info = []
    for index, code in enumerate(present.tolist()):
        class_id, instance = divmod(code, LABEL_DIVISOR)
        label_id = int(label_ids[class_id])
        segment_id = label_id * LABEL_DIVISOR + instance - 1 if instance else label_id
        id_of_number[index + 1] = segment_id
        rows, columns = boxes[index]
        segments_info.append(
            dict(
                id=segment_id,
                category_id=label_id,
                area=int(areas[code]),
                bbox=[
                    columns.start,
                    rows.start,
                    columns.stop - columns.start,
                    rows.stop - rows.start,
                ],
                iscrowd=int(instance == 0 and class_id in thing_classes),
            )
        )
    return id_of_number[numbers], segments_info
