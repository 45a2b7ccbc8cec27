"""Test-time augmentation: predictions of several views of an image, averaged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseTTAModel
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor, nn

from segda_mm.ops.panoptic_outputs import PanopticOutputs, mirror_panoptic_outputs
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
        views = zip(data['inputs'], data['data_samples'], strict=True)
        return self._merge(
            self.module.test_step(dict(inputs=inputs, data_samples=samples))
            for inputs, samples in views
        )

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
            dict(seg_logits=PixelData(data=logits), pred_sem_seg=PixelData(data=labels))
        )
        if 'gt_sem_seg' in first:
            merged.gt_sem_seg = first.gt_sem_seg
        return merged


@MODELS.register_module()
class PanopticTTA(BaseTTAModel):
    """Averages the maps of several views of an image, then groups pixels once.

    Chen et al., "Naive-Student", ECCV 2020. The padded image is resized to
    int((side - 1) * scale + 1) pixels and mirrored; class probabilities, heatmaps and
    offsets are averaged on the original image.

    Args:
        module: A :class:`PanopticDeepLab` or its config.
        scales: Factors of the image's size; the paper: 0.5 to 2 in quarters.
        flip: Whether each scale is also seen in a mirror.
        data_preprocessor: Replaces the segmentor's.
    """

    def __init__(
        self,
        module: dict | nn.Module,
        scales: Sequence[float],
        flip: bool,
        data_preprocessor: dict | nn.Module | None = None,
    ) -> None:
        super().__init__(module, data_preprocessor)
        if not scales or min(scales) <= 0:
            raise ValueError(
                f'tta_model.scales is {scales}, but needs one positive factor at least'
            )
        self.scales = tuple(scales)
        self.flip = flip

    @torch.no_grad()
    def test_step(self, data: dict) -> SampleList:
        """Predict a batch of the ordinary test pipeline.

        ``seg_logits`` is the logarithm of the mean probabilities.
        """
        data = self.module.data_preprocessor(data, False)
        inputs, samples = data['inputs'], data['data_samples']
        sums: list[PanopticOutputs] = []
        for outputs in self._outputs_of_views(inputs):
            self._add_view(sums, outputs, inputs.shape[2:], samples)
        num_views = len(self.scales) * (2 if self.flip else 1)
        for maps, sample in zip(sums, samples, strict=True):
            for total in maps:
                total /= num_views
            tiny = torch.finfo(maps.seg_logits.dtype).tiny
            maps.seg_logits.clamp_(min=tiny).log_()
            self.module.make_predictions(*maps, [sample])
        return samples

    def _outputs_of_views(self, inputs: Tensor) -> Iterator[PanopticOutputs]:
        for scale in self.scales:
            size = [int((side - 1) * scale + 1) for side in inputs.shape[2:]]
            view = F.interpolate(inputs, size=size, mode='bilinear', align_corners=True)
            yield self.module.raw_outputs(view)
            if self.flip:
                yield mirror_panoptic_outputs(self.module.raw_outputs(view.flip(-1)))

    # A method of its own, so that full-size maps die before the next view's come.
    def _add_view(
        self,
        sums: list[PanopticOutputs],
        outputs: PanopticOutputs,
        padded_size: tuple[int, int],
        samples: SampleList,
    ) -> None:
        at_originals = self.module.at_originals(outputs, padded_size, samples)
        for index, maps in enumerate(at_originals):
            seg_logits, center_heatmap, offset = maps
            # The latter may be the network's outputs themselves, not to be added to.
            summands = PanopticOutputs(
                seg_logits.softmax(dim=1), center_heatmap.clone(), offset.clone()
            )
            if len(sums) <= index:
                sums.append(summands)
            else:
                for total, summand in zip(sums[index], summands, strict=True):
                    total += summand

    def merge_preds(self, data_samples_list: Sequence[SampleList]) -> SampleList:
        """Not possible: instances of several views have no common ids."""
        raise NotImplementedError('PanopticTTA averages maps; call test_step')
