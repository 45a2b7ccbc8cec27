"""Pictures of predictions while a model is validated or tested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmengine.runner import Runner
from mmseg.engine import hooks
from mmseg.structures import SegDataSample

from segda_mm.registry import HOOKS


# Under mmseg's name, as the loader of images is under mmcv's: configs of either mean
# the two together.
@HOOKS.register_module(force=True)
class SegVisualizationHook(hooks.SegVisualizationHook):
    """mmseg's hook, in its place, which draws on the image as it is stored.

    mmseg's own turns a photo as its EXIF tag of orientation says, but labels and
    predictions lie on the pixels as stored. Arguments are the same.
    """

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict,
        outputs: Sequence[SegDataSample],
    ) -> None:
        """Draw the first sample of every ``interval``-th batch."""
        iteration = runner.iter + batch_idx
        if self.draw and iteration % self.interval == 0:
            self._add('val', outputs[0], iteration)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict,
        outputs: Sequence[SegDataSample],
    ) -> None:
        """Draw every sample."""
        for sample in outputs if self.draw else ():
            self._test_index += 1
            self._add('test', sample, self._test_index)

    def _add(self, split: str, sample: SegDataSample, step: int) -> None:
        file = sample.img_path
        flag = 'color_ignore_orientation'
        image = mmcv.imread(file, flag, backend_args=self.backend_args)
        self._visualizer.add_datasample(
            f'{split}_{Path(file).name}',
            np.ascontiguousarray(image[..., ::-1]),
            data_sample=sample,
            show=self.show,
            wait_time=self.wait_time,
            step=step,
        )
