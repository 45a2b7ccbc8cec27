"""Any MMSegmentation segmentor as the generator of an adaptation method."""
import copy

import torch
from mmengine.model import BaseModule
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.utils import SampleList, add_prefix
from torch import Tensor

from segda_mm.models.checkpoint import load_network_weights
from segda_mm.ops.label_edges import label_edges
from segda_mm.registry import MODELS


@MODELS.register_module()
class SegmentorGenerator(BaseModule):
    """Losses and logits of an mmseg segmentor from one forward pass.

    ``EncoderDecoder`` returns either losses or predictions; adversarial
    methods need both of the same pass. The values equal those of
    ``EncoderDecoder.loss`` and ``encode_decode``.

    Args:
        segmentor: Config of an ``EncoderDecoder``; a data preprocessor in it
            is left out, because the method around it normalises.
        logits_index: Which entry of the decode head's training output holds
            the class logits, for heads that return several (DDRHead 0,
            PIDHead 1, DAHead 0).
        edge_width: Width in pixels of the class borders that the head learns
            beside the classes (PIDHead 4); they are made of the labels, so
            that pseudo labels have them too. None: the head needs no edges.
        checkpoint: Local file, or URL with its sha256, whose weights the
            generator starts from, loaded strictly and without running code.
            None: keep the initialisation.
        checkpoint_prefix: What the segmentor's keys begin with in that file:
            ``'generator.segmentor.'`` for a ``BiSeNetDA``,
            ``'student_generator.segmentor.'`` for a ``MetaPseudoLabels``,
            ``''`` for a plain segmentor.
        init_cfg: See :class:`mmengine.model.BaseModule`.

    Raises:
        TypeError: The decode head computes its loss in a way of its own
            (Mask2Former, cascades) and gives no logits for a shared pass.
    """

    def __init__(self,
                 segmentor: dict,
                 logits_index: int | None = None,
                 edge_width: int | None = None,
                 checkpoint: str | None = None,
                 checkpoint_prefix: str = '',
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        segmentor = copy.copy(segmentor)
        segmentor.pop('data_preprocessor', None)
        self.segmentor = MODELS.build(segmentor)
        self.logits_index = logits_index
        self.edge_width = edge_width
        self.checkpoint = checkpoint
        self.checkpoint_prefix = checkpoint_prefix
        head = self.segmentor.decode_head
        if (not isinstance(head, BaseDecodeHead)
                or type(head).loss is not BaseDecodeHead.loss):
            raise TypeError(
                f'{type(head).__name__} cannot be the decode head of a '
                'generator: it has a loss() of its own, so that losses and '
                'logits cannot come from one forward pass. Choose a head that '
                'only overrides loss_by_feat(), such as FCNHead, SegformerHead '
                'or PIDHead.')

    def init_weights(self) -> None:
        """Initialise, then load ``checkpoint`` if one is given."""
        super().init_weights()
        if self.checkpoint is not None:
            load_network_weights(self.segmentor, self.checkpoint,
                                 self.checkpoint_prefix)

    def forward(
            self,
            inputs: Tensor,
            data_samples: SampleList | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Run the segmentor once.

        Args:
            inputs: Normalised images, shape (N, 3, H, W).
            data_samples: Labels of the images; None where there are none.

        Returns:
            The heads' losses (empty without ``data_samples``) with mmseg's
            keys, and the logits of the classes, shape (N, C, H, W).

        Raises:
            TypeError: The head returns several outputs and ``logits_index``
                is not set.
        """
        features = self.segmentor.extract_feat(inputs)
        head = self.segmentor.decode_head
        outputs = head(features)
        losses: dict[str, Tensor] = {}
        if data_samples is not None:
            if self.edge_width is not None:
                _add_edges(data_samples, self.edge_width)
            losses.update(
                add_prefix(
                    head.loss_by_feat(outputs, data_samples), 'decode'))
            if self.segmentor.with_auxiliary_head:
                losses.update(
                    self.segmentor._auxiliary_head_forward_train(
                        features, data_samples))
        logits = resize(
            self._class_logits(outputs),
            size=inputs.shape[2:],
            mode='bilinear',
            align_corners=self.segmentor.align_corners)
        return losses, logits

    def _class_logits(self, outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
        if isinstance(outputs, Tensor):
            return outputs
        if self.logits_index is None:
            raise TypeError(
                f'{type(self.segmentor.decode_head).__name__} returns '
                f'{len(outputs)} outputs in training; set '
                'generator.logits_index to the one that holds the class '
                'logits.')
        return outputs[self.logits_index]


def _add_edges(data_samples: SampleList, width: int) -> None:
    labels = torch.stack(
        [sample.gt_sem_seg.data for sample in data_samples])
    for sample, edges in zip(data_samples, label_edges(labels, width)):
        sample.gt_edge_map = PixelData(data=edges)
