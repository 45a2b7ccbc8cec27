"""Writes the file about own data from what lies in the folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segda_mm.datasets import FootageDataset, MaskedImagesDataset
from segda_mm.datasets.formats.cityscapes_labels import PALETTE
from segda_mm.datasets.formats.images import open_image
from segda_mm.datasets.formats.mask_values import read_mask_values
from segda_mm.errors import DataError, MissingDataError, PreflightError
from segda_mm.files import write_text

from ..config_files import config_root
from .class_tables import KNOWN, distinct_colors

#: How many masks are looked at, and how many classes they may hold.
_MASKS, _CLASSES = 300, 100

#: The longer side of images that a network of this kind is trained on, and for a first
#: look; sizes are multiples of the last.
_LONGER_SIDE, _QUICK_SIDE, _STEP = 1024, 320, 32

#: Of a first look: epochs, and how many streets are drawn.
_QUICK_EPOCHS, _QUICK_STREETS = 4, 200

_VOID = (255, 65535)

#: Colour -> name, of the class lists that have a name.
_NAMES = {
    tuple(color): name.replace(' ', '_')
    for meta in (KNOWN['camvid'].METAINFO, KNOWN['cityscapes'].METAINFO)
    for name, color in zip(meta['classes'], meta['palette'])
}


class FoundClasses(NamedTuple):
    """What masks hold: classes with colours, and where they differ from 0, 1, 2 ...
    their numbers; what is void; how a palette is read."""

    classes: dict[str, list[int]]
    ids: list[int] | None
    void: list
    read: str | None


def write_own_config(
    out: str | Path,
    target: Sequence[str],
    source: tuple[str, str] | None = None,
    val: tuple[str, str] | None = None,
    recipe: str | None = None,
    epochs: int | None = None,
    init: str | None = None,
    network: str | None = None,
    quick: bool = False,
) -> str:
    """Write a file about own data; returns its text.

    Args:
        out: The ``.py`` to write, not there yet.
        target: Folders, globs, lists and videos of footage.
        source: Images and their masks; None: none at all with ``init``, else streets
            that are drawn, in the 19 classes of Cityscapes.
        val: Labelled images of the target.
        recipe: One of ``configs/own``; None: ``mpl``, or ``mean_teacher`` without a
            source; for a first look ``source_only`` or ``batch_norm``.
        epochs: Of each step; None: 20, or few for a first look.
        init: Checkpoint of a trained network to go on from.
        network: Name of its config, as ``'mmseg::segformer_mit-b0'``.
        quick: Settings for a first look in minutes: small images, few drawn streets.

    Raises:
        PreflightError: The file is there; a checkpoint, folder, image or mask is
            missing or cannot be read; or the masks hold no classes.
    """
    out = Path(out)
    if out.exists():
        raise PreflightError(f'{out} is there already; name another file, or move it')
    if out.suffix != '.py':
        raise PreflightError(f'{out}: the name of a config must end in .py')
    source_free = init is not None and source is None
    with_source, without = (
        ('source_only', 'batch_norm') if quick else ('mpl', 'mean_teacher')
    )
    recipe = recipe or (without if source_free else with_source)
    epochs = epochs or (_QUICK_EPOCHS if quick else 20)
    recipes = sorted(path.stem for path in (config_root() / 'own').glob('*.py'))
    if recipe not in recipes:
        raise PreflightError(
            f'there is no recipe {recipe}; there are {", ".join(recipes)}'
        )
    if init is not None and '://' not in init and not Path(init).is_file():
        raise PreflightError(f'there is no checkpoint {init} to go on from')
    try:
        footage = _files(FootageDataset(images=list(target)))
        images = footage
        lines = [f"_base_ = 'segda_mm::own/{recipe}.py'"]
        if source_free:
            lines += [
                '# The classes are those of the checkpoint.',
                'source = None',
            ]
        elif source is None:
            lines += [
                "# Streets that are drawn, in Cityscapes' 19 classes.",
                "source = 'minicity'",
            ]
        else:
            table: dict[str, list] = dict(ids=[])
            pairs = MaskedImagesDataset(
                images=source[0], labels=source[1], label_table=table
            )
            images, masks = _files(pairs), _files(pairs, 'seg_map_path')
            lines += _lines_of_source(source, classes_in(masks))
        if init is not None:
            lines.append(f'init = {dict(checkpoint=init)!r}')
        if network is not None:
            lines.append(f'network = {network!r}')
        lines.append(f'target = dict(images={list(target)!r})')
        lines.append(f'val = {dict(images=val[0], labels=val[1]) if val else None!r}')
        size = size_for(images, _QUICK_SIDE if quick else _LONGER_SIDE)
        if quick and source is None and not source_free:
            lines += [
                f'drawn = {dict(num_images=_QUICK_STREETS, size=size)!r}',
                '# Rare classes weigh more, for few steps to learn them.',
                "default_hooks = dict(class_weights=dict(type='ClassWeightHook'))",
            ]
        lines.append(f'size, epochs = {size}, {epochs}')
    except (DataError, MissingDataError) as error:
        raise PreflightError(str(error)) from error
    text = '\n'.join(lines) + '\n'
    write_text(out, text)
    return text


def classes_in(masks: Sequence[str]) -> FoundClasses:
    """The classes of some mask files, evenly taken.

    Raises:
        DataError: A mask cannot be read, or holds more values than classes.
    """
    values: Counter = Counter()
    palettes: dict[int, list[int]] = {}
    places = np.unique(np.linspace(0, len(masks) - 1, _MASKS).round().astype(int))
    for mask in (masks[place] for place in places.tolist()):
        mode, content = read_mask_values(mask)
        flat = content.reshape(-1, content.shape[-1]) if content.ndim == 3 else content
        found = np.unique(flat, axis=0 if content.ndim == 3 else None).tolist()
        values.update(tuple(v) if isinstance(v, list) else v for v in found)
        if len(values) > _CLASSES:
            raise DataError(
                f'and the masks before it hold more than {_CLASSES} different values',
                file=mask,
                remedy='Masks hold one value or colour for each class: save them as '
                'PNG, without smooth edges, and name their folder, not that of images',
            )
        if mode == 'P':
            with open_image(mask) as image:
                flat_palette = image.getpalette('RGB') or []
            for value in found:
                palettes.setdefault(value, flat_palette[3 * value : 3 * value + 3])
    if all(isinstance(value, tuple) for value in values):
        return _by_color(sorted(values))
    if any(isinstance(value, tuple) for value in values):
        raise DataError('some masks hold colours and others numbers; make them alike')
    ids = sorted(value for value in values if value not in _VOID)
    plain = ids == list(range(len(ids)))
    colors = [palettes.get(value, []) for value in ids]
    if len({tuple(color) for color in colors if color}) < len(ids):
        colors = distinct_colors(len(ids))
    names = [
        _NAMES.get(tuple(color), f'class_{value}') for color, value in zip(colors, ids)
    ]
    if len(set(names)) < len(names):
        names = [f'class_{value}' for value in ids]
    return FoundClasses(
        dict(zip(names, colors)),
        None if plain else ids,
        [],
        'ids' if palettes else None,
    )


def size_for(images: Sequence[str], longest: int) -> tuple[int, int]:
    """Width and height to train at: that of most images, at most so long."""
    sizes = []
    for image in images[:: max(1, len(images) // 50)]:
        with open_image(image) as opened:
            sizes.append(opened.size)
    width, height = np.median(sizes, axis=0)
    scale = min(1.0, longest / max(width, height))
    return tuple(
        max(_STEP, round(side * scale / _STEP) * _STEP) for side in (width, height)
    )


def _by_color(colors: Sequence[tuple[int, ...]]) -> FoundClasses:
    known = {tuple(color) for color in PALETTE}
    void = [[0, 0, 0]] if (0, 0, 0) in colors and (0, 0, 0) not in known else []
    named = [color for color in colors if list(color) not in void]
    names = [_NAMES.get(c, f'class_{c[0]:02x}{c[1]:02x}{c[2]:02x}') for c in named]
    return FoundClasses({n: list(c) for n, c in zip(names, named)}, None, void, None)


def _lines_of_source(source: tuple[str, str], found: FoundClasses) -> list[str]:
    if len(found.classes) < 2:
        raise DataError(
            f'the masks in {source[1]} hold {len(found.classes)} classes, but 2 are '
            'the least'
        )
    entry: dict[str, Any] = dict(images=source[0], labels=source[1])
    entry |= {k: v for k, v in found._asdict().items() if k != 'classes' and v}
    arguments = ', '.join(f'{key}={value!r}' for key, value in entry.items())
    classes = ',\n'.join(f'    {name}={color}' for name, color in found.classes.items())
    return [
        '# Give the classes their names; the colours are for pictures'
        + (
            ', and those of the masks.'
            if found.read is None and found.ids is None
            else '.'
        ),
        f'classes = dict(\n{classes},\n)',
        f'source = dict({arguments})',
    ]


def _files(dataset: Any, key: str = 'img_path') -> list[str]:
    return [dataset.get_data_info(i)[key] for i in range(len(dataset))]
