"""Images of which parts are hidden, learned with the labels of the whole."""

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from segda_mm.methods.generator import SegmentorGenerator
from segda_mm.methods.modes import changed
from segda_mm.methods.steps import DomainBatch, labeled_loss
from segda_mm.ops.domain_mixing import block_mask
from segda_mm.registry import MODELS


@MODELS.register_module()
class BlockMask(nn.Module):
    """Hides squares of normalised images (N, 3, H, W), which become 0.

    Hoyer et al., "MIC: Masked Image Consistency for Context-Enhanced Domain
    Adaptation", CVPR 2023. Draws from torch's global CPU generator.

    Args:
        ratio: Probability that a square is hidden, in [0, 1] (MIC: 0.7).
        block_size: Its side in pixels (MIC: 64, in crops of 512x512).

    Raises:
        ValueError: ``ratio`` or ``block_size`` is out of range.
    """

    def __init__(self, ratio: float, block_size: int) -> None:
        super().__init__()
        if not 0 <= ratio <= 1 or block_size < 1:
            raise ValueError(
                f'ratio={ratio} and block_size={block_size} of BlockMask must satisfy '
                '0 <= ratio <= 1 and block_size >= 1'
            )
        self.ratio, self.block_size = ratio, block_size

    def forward(self, inputs: Tensor) -> Tensor:
        """Hide squares of each image; the inputs are not changed."""
        size = inputs.shape[2:]
        kept = block_mask(len(inputs), size, self.ratio, self.block_size)
        return inputs * kept.to(inputs.device)[:, None]


def masked_loss(
    generator: SegmentorGenerator, masking: nn.Module, batch: DomainBatch
) -> Tensor:
    """Sum of the heads' losses on images partly hidden, a scalar.

    BatchNorm normalises them by their own statistics. They leave no trace in the
    running ones, by which whole images are predicted.

    Args:
        generator: The network that learns.
        masking: Hides parts of images, as :class:`BlockMask`.
        batch: Whole images, with the labels of all pixels.
    """
    layers = [
        layer
        for layer in generator.modules()
        if isinstance(layer, _BatchNorm) and layer.training
    ]
    with changed(layers, track_running_stats=False):
        masked = DomainBatch(masking(batch.inputs), batch.data_samples)
        return labeled_loss(generator, masked)
