"""How sure a network is of target images that nobody labelled."""

import torch
from mmengine.dist import all_reduce
from torch import nn
from torch.utils.data import DataLoader

from segda_mm.engine.hooks.after_validation_hook import (
    AfterValidationHook,
    unwrapped,
)
from segda_mm.ops.metrics import prediction_entropy, prediction_sums
from segda_mm.registry import HOOKS


@HOOKS.register_module()
class TargetEntropyHook(AfterValidationHook):
    """Measure the entropy of the deployed network's predictions.

    Adds to the metrics of each validation, for C classes:

    - ``target_entropy``: mean over the pixels of the entropy of their class
      probabilities, divided by log(C); in [0, 1], lower is better.
    - ``target_diversity``: entropy of the mean of all class probabilities,
      divided by log(C); in [0, 1]. A network that has collapsed, and sees one
      class everywhere, has the best of entropies and a low diversity: look at
      both.
    - ``target_information``: diversity minus entropy, greater is better; what a
      pixel's image tells about its class, as a share of log(C). It cannot be
      good for a collapsed network. Bridle, Heading & MacKay, "Unsupervised
      classifiers, mutual information and 'phantom targets'", NIPS 4, 1992.

    With ``save_best='target_entropy'`` and ``rule='less'``, or
    ``save_best='target_information'`` and ``rule='greater'``, the checkpoint
    hook chooses without any target label. Low entropy was used so by Morerio et
    al., "Minimal-entropy correlation alignment", ICLR 2018. None of the figures
    knows what is correct: see ``docs/choosing_checkpoints.md``.

    Args:
        dataloader: Config of a data loader over the target images, as
            ``UnlabeledImageDataset`` with the pipeline of the evaluation. Its
            sampler is set by the hook.

    Raises:
        ValueError: Before training: it has no validation, or the network has
            one output channel, whose sigmoid is no distribution over classes.
    """

    def check(self, network: nn.Module, sample: dict) -> None:
        """Refuse a network without class probabilities."""
        if network.out_channels < 2:
            raise ValueError(
                'TargetEntropyHook needs the probabilities of two classes or '
                'more, but decode_head.out_channels is '
                f'{network.out_channels}; set it to num_classes'
            )

    def measure(self, runner, dataloader: DataLoader) -> dict[str, float]:
        """Predict all images; see the class."""
        network = unwrapped(runner.model)
        sums = torch.zeros(
            network.out_channels + 2,
            dtype=torch.float64,
            device=next(network.parameters()).device,
        )
        for batch in dataloader:
            for sample in runner.model.test_step(batch):
                sums += prediction_sums(sample.seg_logits.data)
        all_reduce(sums)
        entropy, diversity = prediction_entropy(sums)
        return dict(
            target_entropy=entropy,
            target_diversity=diversity,
            target_information=diversity - entropy,
        )
