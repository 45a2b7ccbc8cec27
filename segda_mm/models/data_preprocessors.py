"""Normalisation and padding of batches of two domains and of panoptic ones."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from torch import Tensor

from segda_mm.models.decode_heads.panoptic_deeplab_head import TARGETS
from segda_mm.ops.panoptic_codes import VOID_CODE
from segda_mm.registry import MODELS


@MODELS.register_module()
class DomainDataPreprocessor(SegDataPreProcessor):
    """mmseg's SegDataPreProcessor, which also takes batches of source and target.

    The images of a batch get one size by padding. ``size`` may differ between domains,
    so that usually ``size_divisor`` is given; without both it is 1.
    """

    def __init__(
        self,
        *args: Any,
        size: tuple[int, int] | None = None,
        size_divisor: int | None = None,
        **kwargs: Any,
    ) -> None:
        if size is None and size_divisor is None:
            size_divisor = 1
        super().__init__(*args, size=size, size_divisor=size_divisor, **kwargs)

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Normalise and stack a batch, or each of ``source`` and ``target`` in it."""
        if 'source' in data:
            return {
                domain: self.forward(data[domain], training)
                for domain in ('source', 'target')
            }
        return super().forward(data, training)


#: What a padded pixel holds, beside the ``gt_sem_seg`` that mmseg pads itself.
#: All weights are 0, so that no loss sees it.
PAD_VALUES = dict(dict.fromkeys(TARGETS[1:], 0), gt_panoptic_seg=VOID_CODE)


@MODELS.register_module()
class PanopticDataPreprocessor(SegDataPreProcessor):
    """mmseg's SegDataPreProcessor, which in training also pads panoptic targets."""

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Normalise, pad and stack; ValueError if an image is larger than the size."""
        self._check_sizes(data['inputs'], training)
        data = super().forward(data, training)
        if training:
            height, width = data['inputs'].shape[-2:]
            for sample in data['data_samples']:
                for name in PAD_VALUES.keys() & sample.keys():
                    values = sample.get(name).data
                    bottom, right = height - values.shape[-2], width - values.shape[-1]
                    sides = (0, right, 0, bottom)
                    padded = F.pad(values, sides, value=PAD_VALUES[name])
                    sample.set_data({name: PixelData(data=padded)})
        return data

    def _check_sizes(self, images: list[Tensor], training: bool) -> None:
        key = 'size' if training else 'test_cfg.size'
        size = self.size if training else (self.test_cfg or {}).get('size')
        for image in images:
            height, width = image.shape[-2:]
            if size is not None and (height > size[0] or width > size[1]):
                raise ValueError(
                    f'an image of {height}x{width} pixels (H x W) does not fit '
                    f'into model.data_preprocessor.{key} {tuple(size)}: enlarge '
                    'it, or resize or crop the image in the pipeline'
                )
