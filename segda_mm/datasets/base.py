"""What data sets of image folders have in common."""

from __future__ import annotations

import os.path as osp
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from mmseg.datasets import BaseSegDataset

from segda_mm.errors import DataError

from .discovery import list_files
from .formats.cityscapes_labels import IGNORE_INDEX
from .formats.images import open_image
from .formats.subsets import choose, draw_share, read_name_list


def image_problem(path: str, name: str) -> DataError | None:
    """Say why an image cannot be decoded, or None when it can."""
    try:
        with open_image(path) as image:
            image.load()
        return None
    except FileNotFoundError:
        what = 'image does not exist'
    except (OSError, SyntaxError, ValueError) as error:
        what = f'image cannot be decoded ({error})'
    remedy = f'Download it again, or list {name!r} in the file given as exclude='
    return DataError(what, file=path, remedy=remedy, name=name)


class FolderSegDataset(BaseSegDataset):
    """Base of data sets whose samples are the files of a folder.

    Data infos have ``img_path``, ``label_table`` and ``relative_path`` (below the
    folder of the images, with forward slashes: the name used in lists).

    Args:
        subset: Images to use: None for all, the path of a list file (one
            ``relative_path`` a line), or ``dict(size=500, seed=0)``.
        exclude: List file of images to leave out before the subset is drawn.
        share: ``dict(fraction=0.4, seed=0)`` takes that part of what is left.
        class_map: Each class of the data set -> the class of ``metainfo`` that it
            becomes, by name, or None for void; so two data sets share their classes.
        kwargs: Arguments of :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        ValueError: ``reduce_zero_label`` or ``ignore_index`` is set, which the label
            table replaces.
    """

    #: Label table (see ``label_files.label_table``), if labelled.
    LABEL_TABLE: str | Mapping[int, int] | None = None

    def __init__(
        self,
        subset: str | Mapping[str, int] | None = None,
        exclude: str | None = None,
        share: Mapping | None = None,
        class_map: Mapping[str, str | None] | None = None,
        **kwargs,
    ) -> None:
        self.class_map = class_map
        own = type(self).__name__
        for key, plain, entry in (
            ('reduce_zero_label', False, '{0: 255, 1: 0, 2: 1, ...}'),
            ('ignore_index', IGNORE_INDEX, '{id of void: 255, ...}'),
        ):
            if kwargs.get(key, plain) != plain:
                raise ValueError(
                    f'{key}={kwargs[key]} is not for {own}, whose label table says '
                    f'what ids mean, with {IGNORE_INDEX} for void; say it there: '
                    f"dict(type='LoadLabelIds', table={entry}) in the pipeline"
                )
        self.subset = subset
        self.exclude = exclude
        self.share = share
        super().__init__(**kwargs)

    def get_label_map(self, new_classes: Sequence | None = None) -> dict | None:
        """Train id of the data set -> that of ``metainfo``, as ``class_map`` says.

        Raises:
            ValueError: A class of the data set is not in ``class_map``, or one of
                ``class_map`` is unknown.
        """
        if self.class_map is None:
            return super().get_label_map(new_classes)
        own = self.METAINFO['classes']
        unknown = set(own) ^ set(self.class_map)
        unknown |= set(self.class_map.values()) - {*(new_classes or own), None}
        if unknown:
            raise ValueError(
                f'class_map= of {type(self).__name__} names each of its classes once, '
                'and for each a class of metainfo= or None; look at '
                + ', '.join(sorted(unknown))
            )
        ids = {name: index for index, name in enumerate(new_classes or own)}
        return {
            index: ids.get(self.class_map[name], IGNORE_INDEX)
            for index, name in enumerate(own)
        }

    @abstractmethod
    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Find the data infos of complete samples, and the problems of the others.

        No image and no label is opened.
        """

    def load_data_list(self) -> list[dict]:
        """Load the samples, or raise the first problem of :meth:`scan`."""
        samples, problems = self.scan()
        if problems:
            first, more = problems[0], ''
            if len(problems) > 1:
                more = (
                    f' ({len(problems) - 1} more like this; '
                    'segda check CONFIG lists them all)'
                )
            raise DataError(
                first.what + more, file=first.file, remedy=first.remedy, name=first.name
            )
        return samples

    def prepare_data(self, idx: int) -> dict:
        """Run the pipeline; a failure due to the image names the image."""
        try:
            return super().prepare_data(idx)
        except DataError:
            raise
        except Exception as error:
            info = self.get_data_info(idx)
            problem = image_problem(info['img_path'], info['relative_path'])
            if problem is None:
                raise
            raise problem from error

    def filter_names(self, names: Sequence[str]) -> Sequence[str]:
        """Keep the names that the data set's own arguments ask for."""
        return names

    def choose_names(self, names: Sequence[str], folder: str) -> list[str]:
        """Apply :meth:`filter_names`, ``exclude``, ``subset`` and ``share``."""
        names = self.filter_names(names)
        if self.exclude is not None:
            excluded = set(read_name_list(self.exclude))
            names = [name for name in names if name not in excluded]
            if not names:
                raise DataError(
                    f'excludes every image of {folder}',
                    file=self.exclude,
                    remedy='Give another list as exclude=',
                )
        return draw_share(choose(names, self.subset, folder), self.share)

    def data_info(self, folder: str, name: str) -> dict:
        """Make the part of a data info that every data set has."""
        return {
            'img_path': osp.join(folder, name),
            'relative_path': name,
            'label_table': self.LABEL_TABLE,
            'label_map': self.label_map,
            'reduce_zero_label': False,
            'seg_fields': [],
        }


class PairedSegDataset(FolderSegDataset):
    """A folder of images and a folder of label files of the same names.

    A data set of this kind declares ``METAINFO``, ``LABEL_TABLE`` and where its
    files lie. Labels are read by
    :class:`~segda_mm.datasets.transforms.LoadLabelIds`.

    Args:
        data_prefix: ``dict(img_path=..., seg_map_path=...)``, the two folders.
        img_suffix: Ending of the image names, in small letters or capitals.
        kwargs: Further arguments of :class:`FolderSegDataset`.
    """

    DATA_PREFIX = {'img_path': 'images', 'seg_map_path': 'labels'}
    IMG_SUFFIX = '.png'
    SEG_MAP_SUFFIX = '.png'

    #: What belongs into the image folder and the label folder.
    IMAGES_EXPECTED = 'the images'
    LABELS_EXPECTED = 'the label files'

    def __init__(
        self, data_prefix: dict | None = None, img_suffix: str | None = None, **kwargs
    ) -> None:
        super().__init__(
            data_prefix=data_prefix or self.DATA_PREFIX,
            img_suffix=img_suffix or self.IMG_SUFFIX,
            seg_map_suffix=self.SEG_MAP_SUFFIX,
            **kwargs,
        )

    def scan(self) -> tuple[list[dict], list[DataError]]:
        """Find the pairs; see :meth:`FolderSegDataset.scan`."""
        folders = self.data_prefix['img_path'], self.data_prefix['seg_map_path']
        images = self._by_stem(folders[0], self.img_suffix, self.IMAGES_EXPECTED)
        labels = self._by_stem(folders[1], self.seg_map_suffix, self.LABELS_EXPECTED)
        names = {
            images.get(stem, [stem + self.img_suffix])[0]: stem
            for stem in images.keys() | labels.keys()
        }
        samples, problems = [], []
        for name in self.choose_names(sorted(names), folders[0]):
            stem = names[name]
            image, label = images.get(stem, []), labels.get(stem, [])
            info = self.data_info(folders[0], name)
            label_name = label[0] if label else stem + self.seg_map_suffix
            info['seg_map_path'] = osp.join(folders[1], label_name)
            remedy = f'list {name!r} in the file given as exclude='
            if len(image) == len(label) == 1:
                samples.append(info)
                continue
            if image and label:
                twins = image if len(image) > 1 else label
                what = f'differs from {twins[0]!r} only in capitals of the suffix'
                remedy = f'Rename or remove one of them, or {remedy}'
                file = osp.join(folders[twins is label], twins[1])
            else:
                have, lack = (
                    ('image', 'seg_map_path') if image else ('label', 'img_path')
                )
                file, what = info[lack], f'is missing, but its {have} is there'
                remedy = f'Restore the file, remove its {have}, or {remedy}'
            problems.append(DataError(what, file=file, remedy=remedy, name=name))
        return samples, problems

    @staticmethod
    def _by_stem(folder: str, suffix: str, expected: str) -> dict[str, list[str]]:
        """The files of a folder by their names without the suffix."""
        found: dict[str, list[str]] = {}
        for name in list_files(folder, (suffix,), expected):
            found.setdefault(name[: len(name) - len(suffix)], []).append(name)
        return found


class PanopticSegDataset(PairedSegDataset):
    """Base of data sets whose label files tell instances apart.

    The metainfo has ``classes``, ``palette``, ``thing_classes`` (train ids of the
    classes with instances; in every data info too) and ``label_ids`` (the number of
    each class in the files). It cannot be given part of its classes. Labels are
    read by :class:`~segda_mm.datasets.transforms.LoadPanopticLabels`.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        if self.label_map is not None:
            raise ValueError(
                f'{type(self).__name__} cannot be used with part of its classes; '
                'take classes= out of metainfo='
            )

    def data_info(self, folder: str, name: str) -> dict:
        """Make the part of a data info that every panoptic data set has."""
        info = super().data_info(folder, name)
        return {**info, 'thing_classes': self.metainfo['thing_classes']}
