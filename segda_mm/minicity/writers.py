"""Write the worlds as the trees of GTA5 and of Cityscapes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from .labels import PALETTE, TRAIN_IDS
from .output import write_png, write_world
from .renderer import check_size, render_frame

#: Frames of a snippet, and the index, from 0, of the annotated one.
SNIPPET_LENGTH, ANNOTATED_INDEX = 30, 19

#: Invented cities of each split; no city is in two splits.
CITIES = dict(
    train=('birkenfeld', 'hafenberg', 'neustadt'),
    val=('mariental', 'osterfeld'),
    train_extra=('brunnthal', 'lindenau', 'seebruck', 'waldheim'),
)

_RGBA = np.concatenate((PALETTE, np.full((256, 1), 255, np.uint8)), axis=1)


def write_gta5(
    root: str | Path,
    num_images: int,
    seed: int = 0,
    size: tuple[int, int] = (256, 128),
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    varied: bool = False,
) -> None:
    """Write the game world as ``images/00001.png`` ... and ``labels/00001.png`` ...

    Labels are palette PNGs of Cityscapes label ids, as GTA5 has them. Files that
    are there already are kept, so a run that was cut continues.

    Args:
        root: Folder of the data set, such as ``data/minicity/gta5``.
        num_images, seed: How many images, of which world.
        size: (width, height) in pixels.
        workers: Processes; they do not change a pixel.
        progress: Called as ``progress(done, total)`` after every image.
        varied: Whether every street has a look of its own, in place of the game's.

    Raises:
        ValueError: The size is out of range, or the folder holds other files or
            other settings.
    """
    check_size(size)
    settings = dict(kind='gta5', seed=seed, size=list(size), num_images=num_images)
    if varied:
        settings['look'] = 'varied'
    job = partial(
        _write_game_image,
        root=Path(root),
        seed=seed,
        size=tuple(size),
        look='varied' if varied else 'game',
    )
    write_world(root, settings, job, range(num_images), workers, progress)


def _write_game_image(
    index: int, root: Path, seed: int, size: tuple[int, int], look: str
) -> None:
    name = f'{index + 1:05d}.png'
    image, label = root / 'images' / name, root / 'labels' / name
    if image.exists() and label.exists():
        return
    frame = render_frame(look, seed, index, size, stream='gta5')
    write_png(image, frame.image)
    write_png(label, frame.label_ids, PALETTE)


def write_cityscapes(
    root: str | Path,
    train: int,
    val: int,
    train_extra: int = 0,
    sequence_train: int = 0,
    sequence_val: int = 0,
    seed: int = 0,
    size: tuple[int, int] = (256, 128),
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the real world as a tree that Cityscapes tools read.

    ``gtFine`` has ``_labelIds``, ``_instanceIds`` (uint16), ``_labelTrainIds`` and
    ``_color`` (RGBA). Files that are there already are kept.

    Args:
        root: Folder of the data set, such as ``data/minicity/cityscapes``.
        train, val: Images of these splits.
        train_extra: Images of that split, without labels.
        sequence_train, sequence_val: How many images of the split, from the first,
            get their snippet in ``leftImg8bit_sequence``: 30 frames, of which index
            19 is the annotated image.
        seed, size, workers, progress: See :func:`write_gta5`.

    Raises:
        ValueError: The size is out of range, more snippets than images are asked
            for, or the folder holds other files or other settings.
    """
    check_size(size)
    images = dict(train=train, val=val, train_extra=train_extra)
    snippets = dict(train=sequence_train, val=sequence_val, train_extra=0)
    for split, count in snippets.items():
        if count > images[split]:
            raise ValueError(
                f'sequence_{split} is {count}, but {split} has only '
                f'{images[split]} images; every snippet belongs to one of them.'
            )
    settings = dict(
        kind='cityscapes',
        seed=seed,
        size=list(size),
        **images,
        sequence_train=sequence_train,
        sequence_val=sequence_val,
    )
    # An annotated image is step 0; the rest of its snippet surrounds it.
    jobs = [
        (split, index, 0) for split, count in images.items() for index in range(count)
    ]
    jobs += [
        (split, index, frame - ANNOTATED_INDEX)
        for split, count in snippets.items()
        for index in range(count)
        for frame in range(SNIPPET_LENGTH)
        if frame != ANNOTATED_INDEX
    ]
    world = dict(root=Path(root), seed=seed, size=tuple(size), snippets=snippets)
    job = partial(_write_real_frame, **world)
    write_world(root, settings, job, jobs, workers, progress)


def _write_real_frame(
    job: tuple[str, int, int],
    root: Path,
    seed: int,
    size: tuple[int, int],
    snippets: dict[str, int],
) -> None:
    split, index, step = job
    cities = CITIES[split]
    city, number = cities[index % len(cities)], index // len(cities)
    # The extra images are numbered by frame, one sequence per city.
    sequence_and_frame = (number, ANNOTATED_INDEX + step)
    if split == 'train_extra':
        sequence_and_frame = (0, number)
    stem = '{}_{:06d}_{:06d}'.format(city, *sequence_and_frame)
    image = root / 'leftImg8bit' / split / city / f'{stem}_leftImg8bit.png'
    sequence = root / 'leftImg8bit_sequence' / split / city / image.name
    fine = root / 'gtFine' / split / city
    truth = {
        kind: fine / f'{stem}_gtFine_{kind}.png'
        for kind in ('labelIds', 'instanceIds', 'labelTrainIds', 'color')
    }
    images = [image] if step == 0 else []
    if index < snippets[split]:
        images.append(sequence)
    if step != 0 or split == 'train_extra':
        truth = {}
    if all(path.exists() for path in (*images, *truth.values())):
        return
    frame = render_frame('real', seed, index, size, stream=split, step=step)
    for path in images:
        write_png(path, frame.image)
    if truth:
        write_png(truth['labelIds'], frame.label_ids)
        write_png(truth['instanceIds'], frame.instance_ids)
        write_png(truth['labelTrainIds'], TRAIN_IDS[frame.label_ids])
        write_png(truth['color'], _RGBA[frame.label_ids])
