"""Test-time augmentation of Panoptic-DeepLab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseTTAModel
from mmseg.utils import SampleList
from torch import Tensor, nn

from segda_mm.ops.panoptic_outputs import PanopticOutputs, mirror_panoptic_outputs
from segda_mm.registry import MODELS


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
        """Instances of several views have no common ids: NotImplementedError."""
        raise NotImplementedError(
            'PanopticTTA averages maps before pixels are grouped and cannot merge '
            'finished predictions; call test_step'
        )
