"""Data of one's own: footage, images with masks, and streets that are drawn."""

from __future__ import annotations

import itertools
import os
import os.path as osp
from collections.abc import Mapping, Sequence
from glob import has_magic

from mmengine.logging import print_log

from segda_mm.errors import DataError, MissingDataError
from segda_mm.registry import DATASETS

from .base import FolderSegDataset
from .discovery import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    find_files,
    has_suffix,
)
from .gta5 import GTA5Dataset
from .sampled_frames import sample_frames
from .unlabeled import UnlabeledImageDataset

Paths = str | Sequence[str]


@DATASETS.register_module()
class FootageDataset(UnlabeledImageDataset):
    """Images and videos without labels, from several places.

    Args:
        images: A folder of images and videos, a glob, list file, image or video, or a
            list of such.
        frames_per_second: Of a video, to be used.
        frames_dir: Where the frames of videos are kept; made once.
        kwargs: Further arguments of :class:`UnlabeledImageDataset`.
    """

    def __init__(
        self,
        images: Paths,
        frames_per_second: float = 2.0,
        frames_dir: str = 'work_dirs/frames',
        **kwargs,
    ) -> None:
        self.frames_per_second = frames_per_second
        self.frames_dir = frames_dir
        super().__init__(images=images, **kwargs)

    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Take the frames of videos, and find all; see :class:`FolderSegDataset`."""
        places = [self.images] if isinstance(self.images, str) else list(self.images)
        found = []
        for place in places:
            path = osp.join(self.data_root or '', place)
            videos = _files_in(path, VIDEO_SUFFIXES)
            for video in videos:
                frames = sample_frames(video, self.frames_dir, self.frames_per_second)
                found += map(osp.abspath, frames)
            if not videos or (osp.isdir(path) and _files_in(path, IMAGE_SUFFIXES)):
                found.append(place)
        self.images = found[0] if len(found) == 1 and len(places) == 1 else found
        return super().scan()


@DATASETS.register_module()
class MaskedImagesDataset(FolderSegDataset):
    """Images and masks, wherever they lie and whatever the masks hold.

    The mask of an image has its name, but for the suffix and for what the names of all
    images, or all masks, end in: ``a_leftImg8bit.png`` and ``a_gtFine_labelIds.png``.
    Masks are read by :class:`~segda_mm.datasets.transforms.LoadLabelIds`.

    Args:
        images: A folder, glob or list file of images, or a list of images.
        labels: The same of masks.
        label_table: ``dict(ids=..., colors=..., read=...)``, see
            :class:`~segda_mm.datasets.formats.mask_values.MaskTable`.
        metainfo: ``classes`` and ``palette``.
        kwargs: Further arguments of :class:`FolderSegDataset`.
    """

    def __init__(
        self, images: Paths, labels: Paths, label_table: Mapping, **kwargs
    ) -> None:
        self.images, self.labels = images, labels
        self.LABEL_TABLE = label_table
        super().__init__(data_prefix={'img_path': ''}, **kwargs)

    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Find the pairs; see :meth:`FolderSegDataset.scan`."""
        folder, names = find_files(self.images)
        label_folder, label_names = find_files(self.labels, expected='the masks')
        found = _pair(names, label_names)
        samples, problems = [], []
        for name in self.choose_names(names, folder):
            info = self.data_info(folder, name)
            if name in found:
                info['seg_map_path'] = osp.join(label_folder, found[name])
                samples.append(info)
                continue
            problems.append(
                DataError(
                    f'has no mask: {label_folder} holds none of its name',
                    file=info['img_path'],
                    remedy='Name masks as their images, or list '
                    f'{name!r} in the file given as exclude=',
                    name=name,
                )
            )
        return samples, problems


@DATASETS.register_module()
class DrawnStreetsDataset(GTA5Dataset):
    """Streets that are drawn when they are first used, each in a look of its own.

    Args:
        num_images, size, seed: How many images of (width, height), of which world.
        data_root: Where they are kept.
        kwargs: Further arguments of :class:`FolderSegDataset`.
    """

    def __init__(
        self,
        num_images: int,
        size: tuple[int, int],
        seed: int = 0,
        data_root: str | None = None,
        **kwargs,
    ) -> None:
        self.world = dict(num_images=num_images, size=tuple(size), seed=seed)
        if data_root is None:
            data_root = f'data/drawn/{size[0]}x{size[1]}-{num_images}-seed{seed}'
        super().__init__(data_root=data_root, **kwargs)

    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Draw what is not there yet, and find it."""
        from segda_mm.minicity import write_gta5

        if not osp.isdir(osp.join(self.data_root, 'labels')):
            print_log(
                f'Drawing {self.world["num_images"]} streets to {self.data_root}',
                logger='current',
            )
        workers = os.cpu_count() or 1
        write_gta5(self.data_root, workers=workers, varied=True, **self.world)
        return super().scan()


def _files_in(place: str, suffixes: Sequence[str]) -> list[str]:
    """Files of a kind: the place itself, in the folder, or of the pattern."""
    many = osp.isdir(place) or (has_magic(place) and not osp.exists(place))
    if not many:
        return [place] if has_suffix(place, suffixes) else []
    try:
        return find_files(place, suffixes).paths()
    except MissingDataError:
        return []


def _pair(images: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """Image -> mask of its name, without as little of the ends as is needed."""
    found: dict[str, str] = {}
    ways = itertools.product(_tails(images), _tails(labels))
    for tail, other in sorted(ways, key=lambda way: sum(map(len, way))):
        masks = {osp.splitext(name)[0].removesuffix(other): name for name in labels}
        pairs = {
            name: masks[stem]
            for name in images
            if (stem := osp.splitext(name)[0].removesuffix(tail)) in masks
        }
        if len(set(pairs.values())) == len(pairs) > len(found):
            found = pairs
    return found


def _tails(names: Sequence[str]) -> list[str]:
    """What all stems end in, from each separator on: '', '_labelIds', ..."""
    reversed_stems = [osp.splitext(name)[0][::-1] for name in names]
    common = osp.commonprefix(reversed_stems)  # noqa: RUF071 - of texts, not of paths
    ends = [place for place, mark in enumerate(common) if mark in '_-.']
    return ['', *(common[: end + 1][::-1] for end in ends)]
