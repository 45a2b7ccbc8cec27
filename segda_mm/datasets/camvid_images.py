from __future__ import annotations

from collections.abc import Sequence

from segda_mm.registry import DATASETS

from .camvid_frames import CLASSES, PALETTE, select_frames
from .unlabeled import UnlabeledImageDataset


@DATASETS.register_module()
class CamVidImagesDataset(UnlabeledImageDataset):
    """The images of CamVid, without their labels.

    Args:
        images: Folder of the images, relative to ``data_root``.
        sequences: Sequences to use; None for all.
        frames: ``(start, stop)`` part of each sequence in time order, as
            fractions (floats) or as an index slice (integers).
        every: Keep the first of these frames and every ``every``-th after it;
            of 2.5, the frames 0, 2, 5, 7, 10 and so on.
        leave_out_every: Keep the frames that ``every`` with the same number
            leaves out.
        kwargs: Further arguments of :class:`UnlabeledImageDataset`.
    """

    METAINFO = {'classes': CLASSES, 'palette': [list(c) for c in PALETTE]}
    IMAGES_EXPECTED = 'CamVid images such as train/0001TP_006690.jpg'

    def __init__(
        self,
        images: str = 'images',
        sequences: Sequence[str] | None = None,
        frames: tuple | None = None,
        every: float | None = None,
        leave_out_every: float | None = None,
        **kwargs,
    ) -> None:
        self.sequences = sequences
        self.frames = frames
        self.every = every
        self.leave_out_every = leave_out_every
        super().__init__(images=images, **kwargs)

    def filter_names(self, names: Sequence[str]) -> list[str]:
        """Keep the chosen frames of the chosen sequences."""
        return select_frames(
            names, self.sequences, self.frames, self.every, self.leave_out_every
        )
