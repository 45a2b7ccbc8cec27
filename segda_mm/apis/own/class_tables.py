"""Class lists of own data: names, colours, and what mask files call them."""

from __future__ import annotations

import colorsys
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from segda_mm.datasets import CamVidDataset, CityscapesFineDataset, GTA5Dataset
from segda_mm.datasets.formats.label_files import label_table
from segda_mm.errors import PreflightError
from segda_mm.models.foreign_checkpoints import read_foreign_weights

IGNORE_INDEX = 255

#: Class lists that have a name.
KNOWN: dict[str, Any] = dict(
    cityscapes=CityscapesFineDataset, gta5=GTA5Dataset, camvid=CamVidDataset
)

#: What of Cityscapes' 19 classes is which of CamVid's 11.
CITYSCAPES_TO_CAMVID = {
    'road': 'Road',
    'sidewalk': 'Pavement',
    'building': 'Building',
    'wall': 'Building',
    'fence': 'Fence',
    'pole': 'Pole',
    'traffic light': 'SignSymbol',
    'traffic sign': 'SignSymbol',
    'vegetation': 'Tree',
    'terrain': 'Tree',
    'sky': 'Sky',
    'person': 'Pedestrian',
    'rider': 'Bicyclist',
    'bicycle': 'Bicyclist',
    'motorcycle': 'Bicyclist',
    'car': 'Car',
    'truck': 'Car',
    'bus': 'Car',
    'train': 'Car',
}


@dataclass
class ClassTable:
    """Names and colours of classes in their order.

    Attributes:
        names: At most 254.
        palette: RGB, for pictures.
        colored: Whether masks may hold these colours.
        ids: Numbers in mask files -> index of the class, or 255.
    """

    names: list[str]
    palette: list[list[int]]
    colored: bool
    ids: dict[int, int] = field(default_factory=dict)

    @property
    def metainfo(self) -> dict[str, list]:
        """As data sets have it."""
        return dict(classes=self.names, palette=self.palette)


def read_classes(given: Any, key: str = 'classes') -> ClassTable:
    """Read ``dict(road=[128, 64, 128], ...)``, a list of names, or a known list's name.

    Raises:
        PreflightError: It is none of these; ``key`` begins the message.
    """
    if isinstance(given, str):
        if given not in KNOWN:
            raise PreflightError(
                f'{key}={given!r} is no class list; there are {", ".join(KNOWN)}, or '
                'write dict(road=[128, 64, 128], ...)'
            )
        known: Any = KNOWN[given]
        table = label_table(known.LABEL_TABLE)
        ids = {i: int(table.train_ids[i]) for i in range(256) if table.known[i]}
        meta = known.METAINFO
        return ClassTable(list(meta['classes']), list(meta['palette']), True, ids)
    colors: list = []
    if isinstance(given, Mapping):
        names, colors = list(given), list(given.values())
    elif isinstance(given, Sequence):
        names = list(given)
    if not isinstance(given, Mapping | Sequence) or not 2 <= len(names) <= 254:
        raise PreflightError(
            f'{key} must be 2 to 254 classes, as dict(road=[128, 64, 128], '
            f"sky=[70, 130, 180]) or ['road', 'sky'], but is {given!r}"
        )
    for name, color in zip(names, colors):
        if not is_color(color):
            raise PreflightError(
                f'{key}.{name} is {color!r}, but must be a colour of three whole '
                'numbers from 0 to 255 (RGB)'
            )
    if len({tuple(color) for color in colors}) < len(colors):
        raise PreflightError(f'{key} has one colour twice; give each class its own')
    if len(set(names)) < len(names):
        raise PreflightError(f'{key} has one name twice')
    palette = [list(color) for color in colors] or distinct_colors(len(names))
    ids = {index: index for index in range(len(names))}
    return ClassTable([str(name) for name in names], palette, bool(colors), ids)


def classes_of_checkpoint(checkpoint: str) -> Any:
    """What a checkpoint says of its classes, as :func:`read_classes` takes it.

    Raises:
        PreflightError: It cannot be read, or says nothing.
    """
    try:
        _, table = read_foreign_weights(checkpoint)
    except (OSError, ValueError) as error:
        raise PreflightError(f'init.checkpoint: {error}') from error
    names, colors = table.get('classes'), table.get('palette', [])
    if not names:
        raise PreflightError(
            f'{checkpoint} does not name the classes that it tells apart; write '
            'classes = dict(road=[128, 64, 128], ...), in the order of its outputs'
        )
    if len({tuple(color) for color in colors}) < len(names):
        return names
    return dict(zip(names, colors))


def is_color(value: Any) -> TypeGuard[Sequence[int]]:
    """Whether it is an RGB colour of whole numbers in 0..255."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) == 3
        and all(isinstance(v, int) and 0 <= v <= 255 for v in value)
    )


def distinct_colors(count: int) -> list[list[int]]:
    """Colours that are told apart, RGB, by steps of the golden angle in hue."""
    tones = [(0.85, 0.9), (0.55, 0.75), (0.9, 0.55)]
    return [
        [round(255 * v) for v in colorsys.hsv_to_rgb(i * 0.618 % 1, *tones[i % 3])]
        for i in range(count)
    ]


def mask_values(
    entry: Mapping[str, Any], own: ClassTable, key: str
) -> dict[str, list | str | None]:
    """What masks hold, as :class:`MaskTable` takes it.

    Args:
        entry: ``ids``, ``void``, ``read``, ``classes`` and ``class_map`` of a data set.
        own: The classes that they become.
        key: Of the entry, for messages.

    Raises:
        PreflightError: Naming the key that is wrong.
    """
    theirs = own
    if entry.get('classes') is not None:
        theirs = read_classes(entry['classes'], f'{key}.classes')
    elif entry.get('class_map') is not None:
        raise PreflightError(
            f'{key}.class_map needs {key}.classes, the list whose names it maps'
        )
    targets = _targets(theirs, own, entry.get('class_map') or {}, key)
    ids = {value: targets[i] for value, i in theirs.ids.items() if i < len(targets)}
    ids |= {value: IGNORE_INDEX for value, i in theirs.ids.items() if i >= len(targets)}
    if entry.get('ids') is not None:
        ids = {
            value: target
            for values, target in zip(_ids(entry['ids'], theirs, key), targets)
            for value in values
        }
    colors = (
        [[color, target] for color, target in zip(theirs.palette, targets)]
        if theirs.colored
        else []
    )
    void = entry.get('void')
    for value in [void] if isinstance(void, int) or is_color(void) else void or ():
        if is_color(value):
            colors.append([[int(v) for v in value], IGNORE_INDEX])
        elif isinstance(value, int) and 0 <= value <= 65535:
            ids[value] = IGNORE_INDEX
        else:
            raise PreflightError(
                f'{key}.void={void!r} must be numbers or RGB colours of masks, as '
                '[0, 255] or [[0, 0, 0]]'
            )
    read = entry.get('read')
    if read not in (None, 'ids', 'colors'):
        raise PreflightError(f"{key}.read={read!r} must be 'ids' or 'colors'")
    return dict(ids=[list(pair) for pair in ids.items()], colors=colors, read=read)


def _ids(given: Any, theirs: ClassTable, key: str) -> list[list[int]]:
    """Numbers in the masks of each class, as a list or by name."""
    if isinstance(given, Mapping):
        unknown = given.keys() ^ set(theirs.names)
        if unknown:
            raise PreflightError(
                f'{key}.ids must name each class once; look at '
                f'{", ".join(sorted(unknown))}'
            )
        given = [given[name] for name in theirs.names]
    whole = isinstance(given, Sequence) and not isinstance(given, str)
    lists = [v if isinstance(v, Sequence) else [v] for v in given] if whole else []
    flat = [value for values in lists for value in values]
    if len(lists) != len(theirs.names) or not all(
        isinstance(value, int) and 0 <= value <= 65535 for value in flat
    ):
        raise PreflightError(
            f'{key}.ids must be a number from 0 to 65535, or a list of such, for each '
            f'of the {len(theirs.names)} classes, but is {given!r}'
        )
    if len(set(flat)) < len(flat):
        raise PreflightError(f'{key}.ids has one number twice: {given!r}')
    return [list(values) for values in lists]


def class_map_of(
    theirs: ClassTable, own: ClassTable, given: Mapping[str, str | None], key: str
) -> dict[str, str | None]:
    """Each class of theirs -> one of one's own, or None for void.

    By ``given``, else by equal names, else by what is known of Cityscapes and CamVid.

    Raises:
        PreflightError: A class would have no place, or a name is unknown.
    """
    by_name = {name.casefold(): name for name in own.names}
    shipped = (
        CITYSCAPES_TO_CAMVID
        if set(own.names) == set(KNOWN['camvid'].METAINFO['classes'])
        else {}
    )
    unknown = [name for name in given if name not in theirs.names]
    unknown += [name for name in given.values() if name and name not in own.names]
    if unknown:
        near = difflib.get_close_matches(unknown[0], theirs.names + own.names, 2)
        hint = f'; did you mean {" or ".join(near)}?' if near else ''
        raise PreflightError(
            f'{key}.class_map names {unknown[0]!r}, which is no class{hint}'
        )
    result, homeless = {}, []
    for name in theirs.names:
        if name in given:
            result[name] = given[name]
        elif name.casefold() in by_name:
            result[name] = by_name[name.casefold()]
        elif name in shipped:
            result[name] = shipped[name]
        else:
            homeless.append(name)
    if homeless:
        raise PreflightError(
            f'the classes {", ".join(homeless)} of {key} are none of yours; say which '
            f'each becomes, or None for void: {key} = dict(..., class_map='
            f'{{{homeless[0]!r}: {own.names[0]!r}, ...}})'
        )
    return result


def _targets(
    theirs: ClassTable, own: ClassTable, given: Mapping, key: str
) -> list[int]:
    if theirs is own:
        return list(range(len(own.names)))
    names = class_map_of(theirs, own, given, key)
    index = {name: i for i, name in enumerate(own.names)}
    return [index.get(names[name] or '', IGNORE_INDEX) for name in theirs.names]
