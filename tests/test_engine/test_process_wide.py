"""The mean of two processes' losses is the loss of one batch."""

import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss
from torch import nn

from segda_mm.engine import process_wide
from segda_mm.models.losses import PixelCrossEntropyLoss


@pytest.mark.parametrize(
    'loss, averages_over_all',
    [
        (CrossEntropyLoss(avg_non_ignore=True), False),
        (CrossEntropyLoss(avg_non_ignore=False), True),
        (PixelCrossEntropyLoss(class_weight=[0.5, 1.0, 3.0]), False),
    ],
)
def test_void_weighs_pixels_alike(monkeypatch, loss, averages_over_all):
    torch.manual_seed(0)
    logits, labels = torch.randn(4, 3, 5, 6), torch.randint(0, 3, (4, 5, 6))
    # Much void in the images of the first process, none in those of the second.
    labels[:2, :, 1:] = 255
    whole = loss(logits, labels, ignore_index=255)
    # As the communication of two processes would answer.
    of_class = torch.tensor(loss.class_weight or [1.0] * 3, dtype=torch.float64)
    mean = of_class[labels[labels != 255]].sum() / 2
    monkeypatch.setattr(process_wide, 'get_world_size', lambda: 2)
    asked = []

    def all_reduce(number, op):
        asked.append(number.item())
        number.fill_(mean)

    monkeypatch.setattr(process_wide, 'all_reduce', all_reduce)

    def mean_of_halves():
        parts = zip(logits.split(2), labels.split(2))
        return sum(loss(*part, ignore_index=255) for part in parts) / 2

    # The mean over all pixels needs no help.
    assert torch.allclose(mean_of_halves(), whole) == averages_over_all
    process_wide.share_loss_averages(nn.ModuleList([loss]))
    assert mean_of_halves().dtype == whole.dtype
    torch.testing.assert_close(mean_of_halves(), whole)
    # What the processes would say has that mean.
    assert averages_over_all or sum(asked[-2:]) / 2 == pytest.approx(mean.item())
