"""Test-time augmentation of semantic segmentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from mmengine.model import BaseTTAModel
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from segda_mm.registry import MODELS


@MODELS.register_module()
class SemanticTTA(BaseTTAModel):
    """Averages the class probabilities of several views of every image.

    Only a running sum is kept, where mmseg's ``SegTTAModel`` holds all views. Merged
    samples have ``pred_sem_seg`` (1, H, W), ``seg_logits`` (C, H, W) as logarithms of
    the mean probabilities (for one channel, the mean itself), and the labels and
    metainfo of the original image.
    """

    def test_step(self, data: dict) -> list[SegDataSample]:
        """Predict ``inputs[v][n]`` and ``data_samples[v][n]``, view v of image n."""
        views = (
            dict(inputs=inputs, data_samples=samples)
            for inputs, samples in zip(
                data['inputs'], data['data_samples'], strict=True
            )
        )
        return self._merge(self.module.test_step(view) for view in views)

    def merge_preds(
        self, data_samples_list: Sequence[Sequence[SegDataSample]]
    ) -> list[SegDataSample]:
        """Merge predictions given as one list of views per image."""
        return self._merge(zip(*data_samples_list, strict=True))

    def _merge(self, views: Iterable[Sequence[SegDataSample]]) -> list[SegDataSample]:
        sums: list[Tensor] = []
        firsts: list[SegDataSample] = []
        num_views = 0
        for samples in views:
            num_views += 1
            probabilities = [self._take_probabilities(s) for s in samples]
            if num_views == 1:
                sums, firsts = probabilities, list(samples)
            else:
                for total, probability in zip(sums, probabilities, strict=True):
                    total += probability
        return [
            self._merged_sample(first, total.div_(num_views), num_views)
            for first, total in zip(firsts, sums, strict=True)
        ]

    @staticmethod
    def _take_probabilities(sample: SegDataSample) -> Tensor:
        logits = sample.seg_logits.data
        # The loader's batch may own these very samples: left in them, the
        # logits of all views would stay alive together.
        del sample.seg_logits, sample.pred_sem_seg
        # mmseg has applied the sigmoid to a single channel already.
        return logits.softmax(dim=0) if len(logits) > 1 else logits.clone()

    def _merged_sample(
        self, first: SegDataSample, probabilities: Tensor, num_views: int
    ) -> SegDataSample:
        height, width = first.ori_shape[:2]
        metainfo = {
            key: first.get(key)
            for key in ('img_path', 'seg_map_path', 'reduce_zero_label')
            if key in first.metainfo
        }
        merged = SegDataSample(
            metainfo=dict(
                metainfo,
                ori_shape=(height, width),
                img_shape=(height, width),
                scale_factor=(1.0, 1.0),
                flip=False,
                flip_direction=None,
                num_views=num_views,
            )
        )
        if len(probabilities) > 1:
            labels = probabilities.argmax(dim=0, keepdim=True)
            tiny = torch.finfo(probabilities.dtype).tiny
            logits = probabilities.clamp_(min=tiny).log_()
        else:
            threshold = self.module.decode_head.threshold
            labels = (probabilities > threshold).long()
            logits = probabilities
        merged.set_data(
            dict(
                seg_logits=PixelData(data=logits),
                pred_sem_seg=PixelData(data=labels),
            )
        )
        if 'gt_sem_seg' in first:
            merged.gt_sem_seg = first.gt_sem_seg
        return merged
