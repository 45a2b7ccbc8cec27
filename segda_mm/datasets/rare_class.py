from __future__ import annotations

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from segda_mm.ops.rare_class_probabilities import rare_class_probabilities
from segda_mm.registry import DATASETS

from .class_counts import count_classes, labelled_sets
from .counter_seeded import WrappedDataset


@DATASETS.register_module()
class RareClassDataset(WrappedDataset):
    """Draws images that show rare classes more often.

    For an item a class c is drawn with probability
    softmax((1 - f_c) / temperature), f_c being its share of the labelled pixels,
    and then one of the images that show it, each as likely as the others. Every
    item is drawn anew from NumPy's global generator, which
    :class:`CounterSeededDataset` seeds by (seed, epoch, index). The label files are
    counted when a data loader is built, in each of several processes.

    Source: Hoyer, Dai and Van Gool, "DAFormer", CVPR 2022, "Rare Class Sampling",
    with a temperature of 0.01 and at least 3000 pixels of the class, 0.0015 of an
    image of GTA5. A class that a crop cuts off is not looked for again here.

    Args:
        dataset: The labelled data set, or its config; or a ``ConcatDataset``
            of some.
        temperature: Above 0. The lower, the more often the rarest classes.
        min_pixels_share: Share of the pixels of an image, in [0, 1], that a
            class must have for the image to be drawn for it; at least one pixel.
        statistics_file: JSON file in which the counts are kept for the next
            run; relative to the working directory. None counts in every run.

    Attributes:
        class_probabilities: Of each class, float64 (K,); None before
            :meth:`full_init`.
        class_images: For each class the indices of the images that are drawn for it.
    """

    def __init__(
        self,
        dataset: dict | BaseDataset,
        temperature: float,
        min_pixels_share: float,
        statistics_file: str | None = None,
    ) -> None:
        if not temperature > 0:
            raise ValueError(f'temperature={temperature} must be above 0')
        if not 0 <= min_pixels_share <= 1:
            raise ValueError(f'min_pixels_share={min_pixels_share} must be in [0, 1]')
        super().__init__(dataset)
        self.temperature = temperature
        self.min_pixels_share = min_pixels_share
        self.statistics_file = statistics_file
        self.class_probabilities: np.ndarray | None = None
        self.class_images: list[np.ndarray] | None = None
        self._labelled = labelled_sets(self.dataset, 'RareClassDataset.dataset')
        if not self.metainfo.get('classes'):
            raise ValueError('RareClassDataset.dataset has no classes in metainfo=')

    def full_init(self) -> None:
        """Load the list of samples and count their classes, if not yet done."""
        super().full_init()
        if self.class_probabilities is not None:
            return
        classes = self.metainfo['classes']
        pixels = count_classes(self._labelled, len(classes), self.statistics_file)
        of_class = pixels[:, :-1]
        part = of_class / pixels.sum(1, keepdims=True)
        shown = (of_class > 0) & (part >= self.min_pixels_share)
        self.class_images = [np.flatnonzero(images) for images in shown.T]
        drawable = np.array([len(images) > 0 for images in self.class_images])
        if not drawable.any():
            raise ValueError(
                f'no image of RareClassDataset.dataset has '
                f'min_pixels_share={self.min_pixels_share} of its pixels in any class; '
                'lower min_pixels_share'
            )
        shares = of_class.sum(0) / of_class.sum()
        self.class_probabilities = rare_class_probabilities(
            shares, drawable, self.temperature
        )
        print_log(self._table(shares), logger='current')

    def __getitem__(self, idx: int) -> dict:
        if not 0 <= idx < len(self):
            raise IndexError(f'item {idx} of {len(self)}')
        self.full_init()
        probabilities = self.class_probabilities
        images = self.class_images[
            np.random.choice(len(probabilities), p=probabilities)
        ]
        return self.dataset[int(images[np.random.randint(len(images))])]

    def _table(self, shares: np.ndarray) -> str:
        names = self.metainfo['classes']
        width = max(len(name) for name in names)
        rows = zip(names, shares, self.class_probabilities, self.class_images)
        return '\n'.join(
            [f'Rare classes are drawn at temperature {self.temperature}:']
            + [
                f'{name:{width}}  share {share:.3%}, drawn with probability '
                f'{probability:.3%} from {len(images)} images'
                for name, share, probability, images in rows
            ]
        )
