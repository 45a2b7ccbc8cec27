"""Panoptic-DeepLab as a segmentor of mmseg."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.structures import InstanceData, PixelData
from mmseg.models import EncoderDecoder
from mmseg.structures import SegDataSample
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor

from segda_mm.ops.panoptic_outputs import (
    PanopticOutputs,
    mirror_panoptic_outputs,
    resize_panoptic_outputs,
)
from segda_mm.ops.panoptic_post_processing import (
    instance_scores,
    panoptic_post_processing,
)
from segda_mm.registry import MODELS

#: What ``test_cfg`` holds beside ``mode``: arguments of the post-processing.
POST_PROCESSING_KEYS = ('center_threshold', 'nms_kernel_size', 'top_k', 'stuff_area')


@MODELS.register_module()
class PanopticDeepLab(EncoderDecoder):
    """Classes, and instances of the thing classes, of every pixel.

    Cheng et al., "Panoptic-DeepLab", CVPR 2020, with a :class:`PanopticDeepLabHead`.

    Args:
        test_cfg: ``mode='whole'``, and ``center_threshold``,
            ``nms_kernel_size``, ``top_k`` and ``stuff_area`` of
            :func:`panoptic_post_processing`; the paper: 0.1, 7, 200 and 4096.
        **kwargs: Of :class:`mmseg.models.EncoderDecoder`.

    Raises:
        ValueError: ``test_cfg`` has other keys or another mode.
    """

    def __init__(self, test_cfg: dict, **kwargs) -> None:
        mode = test_cfg.get('mode')
        if mode != 'whole':
            raise ValueError(
                f'model.test_cfg.mode is {mode!r}, but PanopticDeepLab predicts '
                "whole images only; set it to 'whole'"
            )
        wanted = {'mode', *POST_PROCESSING_KEYS}
        if set(test_cfg) != wanted:
            raise ValueError(
                f'model.test_cfg of PanopticDeepLab lacks '
                f'{sorted(wanted - set(test_cfg))} and knows nothing of '
                f'{sorted(set(test_cfg) - wanted)}'
            )
        super().__init__(test_cfg=test_cfg, **kwargs)

    def raw_outputs(self, inputs: Tensor) -> PanopticOutputs:
        """Maps of normalised images (N, 3, H, W), at the head's stride."""
        return self.decode_head(self.extract_feat(inputs))

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits of the classes, shape (N, C, H, W), at the size of the inputs."""
        return resize_panoptic_outputs(
            self.raw_outputs(inputs), inputs.shape[2:]
        ).seg_logits

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict panoptic maps, see :meth:`make_predictions`.

        Args:
            inputs: Normalised, padded images, shape (N, 3, H, W).
            data_samples: N samples; None: images are not padded, flipped or resized.
        """
        if data_samples is None:
            data_samples = [
                SegDataSample(metainfo=dict(ori_shape=tuple(inputs.shape[2:])))
                for _ in inputs
            ]
        at_originals = self.at_originals(
            self.raw_outputs(inputs), inputs.shape[2:], data_samples
        )
        for sample, outputs in zip(data_samples, at_originals):
            self.make_predictions(*outputs, [sample])
        return data_samples

    def at_originals(
        self,
        outputs: PanopticOutputs,
        padded_size: tuple[int, int],
        data_samples: SampleList,
    ) -> Iterator[PanopticOutputs]:
        """Yield the maps of each image, N = 1, at its ``ori_shape``.

        Args:
            outputs: Maps of N padded images, of any size.
            padded_size: (H, W) of the images after padding.
            data_samples: N samples with ``ori_shape``, padding and flip as metainfo.

        Raises:
            ValueError: An image is padded on the left or above.
        """
        for index, sample in enumerate(data_samples):
            meta = sample.metainfo
            left, right, top, bottom = meta.get(
                'img_padding_size', meta.get('padding_size', (0, 0, 0, 0))
            )
            if left or top:
                raise ValueError(
                    f'the image is padded by {left} on the left and {top} above; '
                    'PanopticDeepLab expects padding on the right and below only'
                )
            maps = PanopticOutputs(*(output[index, None] for output in outputs))
            maps = resize_panoptic_outputs(maps, padded_size)
            height, width = padded_size[0] - bottom, padded_size[1] - right
            maps = PanopticOutputs(*(values[..., :height, :width] for values in maps))
            if meta.get('flip'):
                maps = mirror_panoptic_outputs(maps, meta['flip_direction'])
            yield resize_panoptic_outputs(maps, meta['ori_shape'][:2])

    def make_predictions(
        self,
        seg_logits: Tensor,
        center_heatmap: Tensor,
        offset: Tensor,
        data_samples: SampleList,
    ) -> SampleList:
        """Add panoptic predictions to N samples, from maps (N, ., H, W) of final size.

        Besides the maps, as ``seg_logits``, ``pred_center_heatmap``, ``pred_offset``:

        - ``pred_sem_seg``: (1, H, W) int64, the most probable class;
        - ``pred_panoptic_seg``: (1, H, W) int32, panoptic codes;
        - ``pred_instances``: ``codes`` (K,) int32, ``labels`` (K,) int64 and
          ``scores`` (K,) float32.
        """
        sem_seg = seg_logits.argmax(dim=1)
        predictions = panoptic_post_processing(
            sem_seg,
            center_heatmap,
            offset,
            thing_classes=self.decode_head.thing_classes,
            **{key: self.test_cfg[key] for key in POST_PROCESSING_KEYS},
        )
        for index, (sample, prediction) in enumerate(
            zip(data_samples, predictions, strict=True)
        ):
            sample.set_data(
                dict(
                    seg_logits=PixelData(data=seg_logits[index]),
                    pred_center_heatmap=PixelData(data=center_heatmap[index]),
                    pred_offset=PixelData(data=offset[index]),
                    pred_sem_seg=PixelData(data=sem_seg[index, None]),
                    pred_panoptic_seg=PixelData(data=prediction.codes[None]),
                    pred_instances=InstanceData(
                        codes=prediction.instance_codes,
                        labels=prediction.instance_labels,
                        scores=instance_scores(seg_logits[index], prediction),
                    ),
                )
            )
        return data_samples

    def _forward(
        self, inputs: Tensor, data_samples: OptSampleList = None
    ) -> PanopticOutputs:
        return self.raw_outputs(inputs)
