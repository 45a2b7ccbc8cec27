"""Any MMSegmentation segmentor as the generator of an adaptation method."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from mmengine.model import BaseModule
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.utils import SampleList, add_prefix
from torch import Tensor, nn

from segda_mm.models.checkpoints import load_network_weights
from segda_mm.models.losses import PixelCrossEntropyLoss
from segda_mm.ops.label_edges import label_edges
from segda_mm.ops.metrics import pixel_accuracy
from segda_mm.registry import MODELS

#: Terms of a loss, or figures for the log, by their names.
Scalars = dict[str, Tensor]


@dataclass
class GeneratorResult:
    """What one forward pass leaves for its losses.

    Args:
        features: Of backbone and neck.
        outputs: The decode head's.
        head_logits: Of the classes, shape (N, C, h, w) as the decode head has them.
        size: (H, W) of the images.
        align_corners: How logits are resized to it.
    """

    features: Sequence[Tensor]
    outputs: Tensor | tuple[Tensor, ...]
    head_logits: Tensor
    size: Sequence[int]
    align_corners: bool
    _logits: Tensor | None = field(default=None, init=False, repr=False)

    @property
    def logits(self) -> Tensor:
        """Logits of the classes, shape (N, C, H, W), resized when first asked for."""
        with_graph = self.head_logits.requires_grad and torch.is_grad_enabled()
        if self._logits is None or with_graph > self._logits.requires_grad:
            self._logits = resize(
                self.head_logits,
                size=self.size,
                mode='bilinear',
                align_corners=self.align_corners,
            )
        return self._logits


@MODELS.register_module()
class SegmentorGenerator(BaseModule):
    """Losses and logits of an mmseg segmentor from one forward pass.

    The values equal those of ``EncoderDecoder.loss`` and ``encode_decode``, which
    take a pass each. Between :meth:`infer` and :meth:`losses` the labels may be made
    of the logits.

    Args:
        segmentor: Config of an ``EncoderDecoder``; a data preprocessor in it is
            left out.
        logits_index: Which of the decode head's outputs in training holds the class
            logits, for heads that return several (DDRHead 0, PIDHead 1, DAHead 0).
            None: the head is asked, at the first pass, which one it predicts with.
        edge_width: Width in pixels of the class borders that the head learns too
            (PIDHead 4), made of the labels. None: the head needs no edges.
        checkpoint: Local file, or URL with its sha256, whose weights the generator
            starts from; all must fit. None: keep the initialisation.
        checkpoint_prefix: What the segmentor's keys begin with in that file:
            ``'generator.segmentor.'`` for a ``BiSeNetDA``,
            ``'student_generator.segmentor.'`` for a ``MetaPseudoLabels``,
            ``''`` for a plain segmentor.
        init_cfg: See :class:`mmengine.model.BaseModule`.

    Raises:
        TypeError: There are several decode heads (OCRNet, PointRend), or the decode
            head has a ``loss()`` of its own (Mask2Former): losses and logits cannot
            come from one pass.
    """

    def __init__(
        self,
        segmentor: dict,
        logits_index: int | None = None,
        edge_width: int | None = None,
        checkpoint: str | None = None,
        checkpoint_prefix: str = '',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        segmentor = copy.copy(segmentor)
        segmentor.pop('data_preprocessor', None)
        heads = segmentor.get('decode_head')
        if isinstance(heads, list | tuple):
            raise TypeError(
                f'a {segmentor.get("type")} cannot be a generator: each of its '
                f'{len(heads)} decode heads ({", ".join(h["type"] for h in heads)}) '
                'needs a pass of its own. Choose a segmentor with one decode_head, as '
                f"type='EncoderDecoder' with decode_head={heads[0]['type']} alone"
            )
        self.segmentor = MODELS.build(segmentor)
        self.logits_index = logits_index
        self.edge_width = edge_width
        self.checkpoint = checkpoint
        self.checkpoint_prefix = checkpoint_prefix
        head = self.segmentor.decode_head
        if (
            not isinstance(head, BaseDecodeHead)
            or type(head).loss is not BaseDecodeHead.loss
        ):
            raise TypeError(
                f'{type(head).__name__} cannot be the decode head of a generator: '
                'it has a loss() of its own, so that losses and logits cannot come '
                'from one forward pass. Choose a head that only overrides '
                'loss_by_feat(), such as FCNHead, SegformerHead or PIDHead.'
            )

    def init_weights(self) -> None:
        """Initialise, then load ``checkpoint`` if one is given."""
        super().init_weights()
        if self.checkpoint is not None:
            load_network_weights(
                self.segmentor, self.checkpoint, self.checkpoint_prefix
            )

    def forward(
        self, inputs: Tensor, data_samples: SampleList | None = None
    ) -> tuple[Scalars, Tensor]:
        """:meth:`losses`, empty without labels, and logits (N, C, H, W) of a pass."""
        result = self.infer(inputs)
        losses = {} if data_samples is None else self.losses(result, data_samples)
        return losses, result.logits

    def infer(self, inputs: Tensor) -> GeneratorResult:
        """Run backbone, neck and decode head on normalised images (N, 3, H, W).

        Raises:
            TypeError: The head has several outputs and predicts with none of them.
        """
        features = self.segmentor.extract_feat(inputs)
        return self._decode(features, inputs.shape[2:], inputs)

    def decode_again(self, result: GeneratorResult) -> GeneratorResult:
        """Run the decode head, as it now is, on detached features of a pass."""
        features = [feature.detach() for feature in result.features]
        return self._decode(features, result.size)

    def losses(self, result: GeneratorResult, data_samples: SampleList) -> Scalars:
        """Compare a pass of :meth:`infer` with the labels of its images.

        Returns:
            The losses of decode head and auxiliary heads with mmseg's keys.
        """
        head = self.segmentor.decode_head
        if self.edge_width is not None:
            labels = torch.stack([sample.gt_sem_seg.data for sample in data_samples])
            edge_maps = label_edges(labels, self.edge_width)
            for sample, edges in zip(data_samples, edge_maps):
                sample.gt_edge_map = PixelData(data=edges)
        losses = add_prefix(head_losses(head, result.outputs, data_samples), 'decode')
        for prefix, auxiliary in self._auxiliary_heads():
            if type(auxiliary).loss is BaseDecodeHead.loss:
                auxiliary_losses = head_losses(
                    auxiliary, auxiliary(result.features), data_samples
                )
            else:
                auxiliary_losses = auxiliary.loss(
                    result.features, data_samples, self.segmentor.train_cfg
                )
            losses.update(add_prefix(auxiliary_losses, prefix))
        return losses

    def _decode(
        self,
        features: Sequence[Tensor],
        size: Sequence[int],
        images: Tensor | None = None,
    ) -> GeneratorResult:
        outputs = self.segmentor.decode_head(features)
        logits = outputs
        if not isinstance(outputs, Tensor):
            if self.logits_index is None:
                assert images is not None
                self.logits_index = predicting_output(self.segmentor, images[:1])
            logits = outputs[self.logits_index]
        align_corners = self.segmentor.align_corners
        return GeneratorResult(features, outputs, logits, size, align_corners)

    def _auxiliary_heads(self) -> Iterator[tuple[str, BaseDecodeHead]]:
        """Prefixes of the losses, as mmseg has them, and heads."""
        if not self.segmentor.with_auxiliary_head:
            return
        heads = self.segmentor.auxiliary_head
        if isinstance(heads, nn.ModuleList):
            for number, head in enumerate(heads):
                yield f'aux_{number}', head
        else:
            yield 'aux', heads


@torch.no_grad()
def predicting_output(segmentor: EncoderDecoder, images: Tensor) -> int:
    """Which of the outputs of a decode head in training a segmentor predicts with.

    Args:
        segmentor: Whose head has several. Modes and statistics stay as they are.
        images: Any normalised ones, (N, 3, H, W).

    Raises:
        TypeError: None of them.
    """
    head, size = segmentor.decode_head, images.shape[2:]
    metas = [dict(img_shape=size, ori_shape=size, pad_shape=size)] * len(images)
    modes = [(module, module.training) for module in segmentor.modules()]
    try:
        segmentor.eval()
        features = segmentor.extract_feat(images)
        predicted = head.predict(features, metas, segmentor.test_cfg)
        # Networks as in training, single layers as in evaluation: all comes out alike.
        for module, _ in modes:
            module.training = any(True for _ in module.children())
        outputs = head(segmentor.extract_feat(images))
    finally:
        for module, mode in modes:
            module.training = mode
    for index, output in enumerate(outputs):
        logits = resize(
            output, size=size, mode='bilinear', align_corners=head.align_corners
        )
        if torch.equal(logits, predicted):
            return index
    raise TypeError(
        f'{type(head).__name__} has {len(outputs)} outputs in training and predicts '
        'with none of them; set generator.logits_index to the one of the class logits'
    )


def has_plain_losses(head: BaseDecodeHead) -> bool:
    """Whether a head's losses are those of mmseg's ``BaseDecodeHead``."""
    return type(head).loss_by_feat is BaseDecodeHead.loss_by_feat


def require_pixel_weights(head: BaseDecodeHead) -> None:
    """Raise TypeError if a head's losses cannot be weighed by pixel."""
    if not has_plain_losses(head):
        raise TypeError(
            f'{type(head).__name__} has a loss of its own, in which pixels have no '
            'weights; set model.pseudo_labeler=None, or choose a head such as FCNHead'
        )


def head_losses(
    head: BaseDecodeHead,
    outputs: Tensor | tuple[Tensor, ...],
    data_samples: SampleList,
    with_accuracy: bool = False,
) -> Scalars:
    """What ``head.loss_by_feat`` returns, by default without ``acc_seg``.

    mmseg's own computes the accuracy in every step, which takes a sixth of a small
    network's step on a CPU and waits for a GPU. Heads with losses of their own are
    asked as they are.

    Args:
        head: The head that the outputs are of.
        outputs: What it returned. A tensor (N, C, h, w) of a head with plain losses
            is resized to the labels, by a ``PixelCrossEntropyLoss`` as it goes.
        data_samples: With labels (1, H, W), and where pixels are weighed
            ``pixel_weights`` of the same shape, factors of each pixel's loss (the
            mean is still over all labelled pixels).
        with_accuracy: Add ``acc_seg``, that of :func:`pixel_accuracy`.
    """
    if not has_plain_losses(head):
        return head.loss_by_feat(outputs, data_samples)
    assert isinstance(outputs, Tensor)
    labels = head._stack_batch_gt(data_samples)
    functions = head.loss_decode
    if not isinstance(functions, nn.ModuleList):
        functions = [functions]
    # Whatever else sees logits needs them at the size of the labels.
    upsamples = head.sampler is None and all(
        isinstance(function, PixelCrossEntropyLoss) for function in functions
    )
    options = dict(align_corners=head.align_corners) if upsamples else {}
    if not upsamples and outputs.shape[2:] != labels.shape[2:]:
        outputs = resize(
            outputs,
            size=labels.shape[2:],
            mode='bilinear',
            align_corners=head.align_corners,
        )
    weight = None if head.sampler is None else head.sampler.sample(outputs, labels)
    if 'pixel_weights' in data_samples[0]:
        pixel_weights = torch.cat(
            [sample.pixel_weights.data for sample in data_samples]
        )
        weight = pixel_weights if weight is None else weight * pixel_weights
    assert isinstance(outputs, Tensor)
    if outputs.shape[1] == 1 and bool((labels == head.ignore_index).all()):
        # The binary losses of mmseg look for the largest label of none.
        weight = torch.zeros_like(labels[:, 0], dtype=outputs.dtype)
        labels = torch.zeros_like(labels)
    losses: Scalars = {}
    for function in functions:
        if upsamples:
            options['with_accuracy'] = with_accuracy and 'acc_seg' not in losses
        loss = function(
            outputs,
            labels.squeeze(1),
            weight=weight,
            ignore_index=head.ignore_index,
            **options,
        )
        if isinstance(loss, tuple):
            loss, losses['acc_seg'] = loss
        name = function.loss_name
        losses[name] = losses[name] + loss if name in losses else loss
    if with_accuracy and not upsamples:
        losses['acc_seg'] = pixel_accuracy(
            outputs, labels.squeeze(1), head.ignore_index
        )
    return losses
