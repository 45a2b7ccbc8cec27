from __future__ import annotations

from .paired_seg_dataset import PairedSegDataset


class PanopticSegDataset(PairedSegDataset):
    """Base of data sets whose label files tell instances apart.

    Labels are read by
    :class:`~segda_mm.datasets.transforms.LoadPanopticLabels`. The metainfo
    has ``classes``, ``palette``, ``thing_classes`` (train ids of the classes
    with instances) and ``label_ids`` (the number of each class in the files
    of the data set, for writing results). Every data info also has
    ``thing_classes``.

    Raises:
        ValueError: The data set was given part of its classes, or others.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        if self.label_map is not None:
            raise ValueError(
                f'{type(self).__name__} cannot be used with part of its classes, '
                'because its thing_classes and label_ids are those of all of '
                'them; take classes= out of metainfo='
            )

    def data_info(self, folder: str, name: str) -> dict:
        """Make the part of a data info that every panoptic data set has."""
        info = super().data_info(folder, name)
        info['thing_classes'] = self.metainfo['thing_classes']
        return info
