"""The mean of two processes' losses is the loss of one batch."""

import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss
from torch import nn

from segda_mm.engine import process_wide


@pytest.mark.parametrize('avg_non_ignore', [True, False])
def test_void_weighs_pixels_alike(monkeypatch, avg_non_ignore):
    torch.manual_seed(0)
    logits, labels = torch.randn(4, 3, 5, 6), torch.randint(0, 3, (4, 5, 6))
    # Much void in the images of the first process, none in those of the second.
    labels[:2, :, 1:] = 255
    loss = CrossEntropyLoss(avg_non_ignore=avg_non_ignore)
    whole = loss(logits, labels, ignore_index=255)
    # As the communication of two processes would answer.
    mean = (labels != 255).sum() / 2
    monkeypatch.setattr(process_wide, 'get_world_size', lambda: 2)
    monkeypatch.setattr(
        process_wide, 'all_reduce', lambda number, op: number.fill_(mean)
    )

    def mean_of_halves():
        parts = zip(logits.split(2), labels.split(2))
        return sum(loss(*part, ignore_index=255) for part in parts) / 2

    # The mean over all pixels needs no help.
    assert torch.allclose(mean_of_halves(), whole) != avg_non_ignore
    process_wide.share_loss_averages(nn.ModuleList([loss]))
    assert mean_of_halves().dtype == whole.dtype
    torch.testing.assert_close(mean_of_halves(), whole)
