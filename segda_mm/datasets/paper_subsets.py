"""The subsets of GTA5 and Cityscapes that the paper's experiments use."""

from __future__ import annotations

import os
from collections.abc import Mapping

from segda_mm.errors import DataError

from .cityscapes import CityscapesFineDataset
from .formats.subsets import seeded_subset, write_name_list
from .gta5 import GTA5Dataset

#: Images to train on, to adapt to and to evaluate on, as in the paper.
PAPER_SIZES = {'gta5_train': 500, 'cityscapes_train': 500, 'cityscapes_val': 250}


def write_paper_subsets(
    out: str | os.PathLike,
    gta5: str | None = None,
    cityscapes: str | None = None,
    seed: int = 0,
    sizes: Mapping[str, int] = PAPER_SIZES,
    exclude: str | None = None,
) -> list[str]:
    """Draw the subsets by seed and write a list file for each.

    A data set with ``subset=dict(size=500, seed=seed)`` and the same ``exclude``
    draws exactly the images of ``gta5_train_500.txt``.

    Args:
        out: Folder to write to; it is made when missing.
        gta5, cityscapes: Roots of the data sets, or None to leave one out.
        seed: Seed of the draw.
        sizes: Images to draw, under the keys of ``PAPER_SIZES``.
        exclude: List file of images never to draw, or None.

    Returns:
        The paths of the written files.

    Raises:
        DataError: There are fewer images than asked for, or pairs are incomplete.
    """
    datasets = {}
    if gta5 is not None:
        datasets['gta5_train'] = GTA5Dataset(data_root=gta5, exclude=exclude)
    for split in ('train', 'val') if cityscapes is not None else ():
        datasets[f'cityscapes_{split}'] = CityscapesFineDataset(
            data_root=cityscapes,
            data_prefix={
                'img_path': f'leftImg8bit/{split}',
                'seg_map_path': f'gtFine/{split}',
            },
            exclude=exclude,
        )
    written = []
    for key, dataset in datasets.items():
        names = [dataset.get_data_info(i)['relative_path'] for i in range(len(dataset))]
        try:
            chosen = seeded_subset(names, sizes[key], seed)
        except ValueError as error:
            raise DataError(
                str(error),
                file=dataset.data_root,
                remedy=f'Ask for at most {len(names)}',
            ) from error
        path = os.path.join(out, f'{key}_{sizes[key]}.txt')
        write_name_list(path, chosen, f'{len(chosen)} images, drawn with seed {seed}')
        written.append(path)
    return written
