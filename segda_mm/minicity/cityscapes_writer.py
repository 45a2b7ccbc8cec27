"""Writes the real world as a Cityscapes tree."""

from functools import partial
from pathlib import Path

import numpy as np

from segda_mm.datasets.formats.cityscapes_labels import ID_TO_TRAIN_ID

from .manifest import Manifest
from .parallel import run_jobs
from .png import label_palette, write_png
from .renderer import check_size, render_frame

SNIPPET_LENGTH = 30
"""Frames of a snippet."""

ANNOTATED_INDEX = 19
"""Index, from 0, of the annotated frame in its snippet."""

CITIES = dict(
    train=('birkenfeld', 'hafenberg', 'neustadt'),
    val=('mariental', 'osterfeld'),
    train_extra=('brunnthal', 'lindenau', 'seebruck', 'waldheim'),
)
"""Invented cities of each split; no city is in two splits."""


def write_cityscapes(
    root,
    train,
    val,
    train_extra=0,
    sequence_train=0,
    sequence_val=0,
    seed=0,
    size=(256, 128),
    workers=1,
    progress=None,
):
    """Write a tree that Cityscapes tools read.

    ``leftImg8bit/<split>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png``
    and ``gtFine/...`` with ``_labelIds`` (uint8), ``_instanceIds`` (uint16),
    ``_labelTrainIds`` (uint8) and ``_color`` (RGBA), all ``_gtFine_*.png``.
    Snippets go to ``leftImg8bit_sequence``: 30 frames, of which index 19 is
    the annotated image. ``train_extra`` has images only. Files that are
    there already are kept, so a run that was cut continues.

    Args:
        root (str or Path): Folder of the data set, such as
            ``data/minicity/cityscapes``.
        train (int): Images of the split ``train``.
        val (int): Images of the split ``val``.
        train_extra (int): Images of the split ``train_extra``. Default: 0.
        sequence_train (int): How many images of ``train``, from the first,
            get their snippet. Default: 0.
        sequence_val (int): The same for ``val``. Default: 0.
        seed (int): Of the world. Default: 0.
        size (tuple): (width, height) in pixels. Default: (256, 128).
        workers (int): Processes; they do not change a pixel. Default: 1.
        progress (Callable, optional): See :func:`run_jobs`.

    Raises:
        ValueError: If the size is out of range, more snippets than images
            are asked for, or the folder holds other files or other settings.
    """
    check_size(size)
    for split, snippets, images in (
        ('train', sequence_train, train),
        ('val', sequence_val, val),
    ):
        if snippets > images:
            raise ValueError(
                f'sequence_{split} is {snippets}, but {split} has only '
                f'{images} images; every snippet belongs to one of them.'
            )
    manifest = Manifest(
        root,
        dict(
            kind='cityscapes',
            seed=seed,
            size=list(size),
            train=train,
            val=val,
            train_extra=train_extra,
            sequence_train=sequence_train,
            sequence_val=sequence_val,
        ),
    )
    manifest.claim()
    # An annotated image is step 0; the rest of its snippet surrounds it.
    jobs = [
        (split, index, 0)
        for split, count in (
            ('train', train),
            ('val', val),
            ('train_extra', train_extra),
        )
        for index in range(count)
    ]
    jobs += [
        (split, index, frame - ANNOTATED_INDEX)
        for split, count in (('train', sequence_train), ('val', sequence_val))
        for index in range(count)
        for frame in range(SNIPPET_LENGTH)
        if frame != ANNOTATED_INDEX
    ]
    job = partial(
        _write_frame,
        root=Path(root),
        seed=seed,
        size=tuple(size),
        snippets=dict(train=sequence_train, val=sequence_val, train_extra=0),
    )
    run_jobs(job, jobs, workers, progress)
    manifest.complete()


def frame_stem(split, index, step=0):
    """City and file stem of a frame: ('neustadt', 'neustadt_000000_000019').

    Args:
        split (str): 'train', 'val' or 'train_extra'.
        index (int): Number of the image in its split.
        step (int): Frames from the annotated one. Default: 0.
    """
    cities = CITIES[split]
    city = cities[index % len(cities)]
    number = index // len(cities)
    if split == 'train_extra':
        # The extra images are numbered by frame, one sequence per city.
        return city, f'{city}_000000_{number:06d}'
    return city, f'{city}_{number:06d}_{ANNOTATED_INDEX + step:06d}'


def _write_frame(job, root, seed, size, snippets):
    split, index, step = job
    city, stem = frame_stem(split, index, step)
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
        arrays = dict(
            labelIds=frame.label_ids,
            instanceIds=frame.instance_ids,
            labelTrainIds=ID_TO_TRAIN_ID[frame.label_ids],
            color=_color(frame.label_ids),
        )
        for kind, path in truth.items():
            write_png(path, arrays[kind])


def _color(label_ids):
    palette = np.full((256, 4), 255, np.uint8)
    palette[:, :3] = np.reshape(label_palette(), (256, 3))
    return palette[label_ids]
