from __future__ import annotations

from collections.abc import Sequence

from segda_mm.registry import DATASETS

from .camvid_frames import CLASSES, PALETTE, select_frames
from .paired_seg_dataset import PairedSegDataset


@DATASETS.register_module()
class CamVidDataset(PairedSegDataset):
    """CamVid, driving video with 11 classes, with labels.

    ``data_root/images/train/0001TP_006690.jpg`` is an image and
    ``data_root/labels/train/0001TP_006690.png`` its label file: class ids
    0..10 and 11 for void, which becomes 255 when it is loaded. With
    ``data_prefix=dict(img_path='images/train', seg_map_path='labels/train')``
    only that part is used.

    Source: Brostow et al., "Semantic object classes in video", Pattern
    Recognition Letters 2009; the 11 classes as in SegNet (2015).

    Args:
        sequences: Sequences to use (0001TP is dusk; 0006R0, 0016E5 and
            Seq05VD are day); None for all.
        frames: ``(start, stop)`` part of each sequence in time order, as
            fractions (floats) or as an index slice (integers).
        every: Keep the first of these frames and every ``every``-th after it;
            of 2.5, the frames 0, 2, 5, 7, 10 and so on.
        leave_out_every: Keep the frames that ``every`` with the same number
            leaves out.
        kwargs: Further arguments of :class:`PairedSegDataset`.
    """

    METAINFO = {'classes': CLASSES, 'palette': [list(c) for c in PALETTE]}
    LABEL_TABLE = 'camvid'
    IMG_SUFFIX = '.jpg'
    IMAGES_EXPECTED = 'CamVid images such as train/0001TP_006690.jpg'
    LABELS_EXPECTED = (
        'CamVid label files such as train/0001TP_006690.png, '
        'of class ids 0..10 and 11 for void'
    )

    def __init__(
        self,
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
        super().__init__(**kwargs)

    def filter_names(self, names: Sequence[str]) -> list[str]:
        """Keep the chosen frames of the chosen sequences."""
        return select_frames(
            names, self.sequences, self.frames, self.every, self.leave_out_every
        )
