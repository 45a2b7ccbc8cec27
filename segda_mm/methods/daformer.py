"""A mean teacher whose encoder remembers what ImageNet taught it of things."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from segda_mm.methods.generator import Scalars
from segda_mm.methods.mean_teacher import MeanTeacher
from segda_mm.methods.steps import DomainBatch, Passes, require_source
from segda_mm.methods.student_measures import mean_of_processes
from segda_mm.ops.feature_distance import summed_distance, thing_cells
from segda_mm.registry import MODELS


@MODELS.register_module()
class DAFormer(MeanTeacher):
    """Mean teacher with the feature distance to a frozen encoder.

    Hoyer, Dai and Van Gool, "DAFormer: Improving Network Architectures and Training
    Strategies for Domain-Adaptive Semantic Segmentation", CVPR 2022. The frozen encoder
    is a child ``imagenet_encoder``, built and initialised as the student's, whose
    ``init_cfg`` so has to name the weights of ImageNet. For rare class sampling see
    ``RareClassDataset``, for the network ``DAFormerHead``.

    Args:
        generator: Config of a ``SegmentorGenerator`` without a neck.
        thing_classes: Train ids of the classes whose features are compared.
        feature_distance_weight: Weight of ``feature_distance.loss``, the mean distance
            over the cells of the last features that one of them covers.
        min_thing_share: Of a cell, in (0, 1].
        encoder: Dotted path of the encoder in the backbone, of which it is a part in
            BiSeNet: ``'context_path.backbone'``. ``''``: the backbone itself.
        kwargs: See :class:`MeanTeacher`.

    Raises:
        ValueError: As :class:`MeanTeacher`; or the backbone has no such ``encoder``.
    """

    def __init__(
        self,
        generator: dict,
        thing_classes: Sequence[int],
        feature_distance_weight: float,
        min_thing_share: float,
        encoder: str = '',
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, **kwargs)
        backbone = MODELS.build(generator['segmentor']['backbone'])
        try:
            self.imagenet_encoder = backbone.get_submodule(encoder)
        except AttributeError as error:
            raise ValueError(
                f"model.encoder is '{encoder}', which the backbone "
                f'{type(backbone).__name__} does not have ({error})'
            ) from error
        self.imagenet_encoder.requires_grad_(False)
        self.encoder = encoder
        self.thing_classes = tuple(thing_classes)
        self.min_thing_share = min_thing_share
        self.loss_weights['feature_distance.loss'] = feature_distance_weight

    def train(self, mode: bool = True) -> 'DAFormer':
        """Switch the student; teacher and frozen encoder stay in evaluation mode."""
        super().train(mode)
        self.imagenet_encoder.eval()
        return self

    def student_passes(self, source: DomainBatch | None, target: DomainBatch) -> Passes:
        """Those of the mean teacher; ValueError without a source."""
        return super().student_passes(require_source(source, self), target)

    def source_losses(self, source: DomainBatch) -> Scalars:
        """``source.loss``, and ``feature_distance.loss`` of the same pass."""
        seen: list[tuple[Tensor, ...]] = []
        backbone = self.student_generator.segmentor.backbone
        handle = backbone.get_submodule(self.encoder).register_forward_hook(
            lambda _module, _inputs, features: seen.append(features)
        )
        try:
            losses = super().source_losses(source)
        finally:
            handle.remove()
        ((*_, features),) = seen
        with torch.no_grad():
            expected = self.imagenet_encoder(source.inputs)[-1]
            size = features.shape[2:]
            cells = thing_cells(
                source.labels(), self.thing_classes, size, self.min_thing_share
            )
        # As all losses, the mean over what all processes see.
        count = mean_of_processes(cells.sum().to(expected))
        distance = summed_distance(features, expected, cells) / count.clamp(min=1e-6)
        losses['feature_distance.loss'] = distance
        return losses
