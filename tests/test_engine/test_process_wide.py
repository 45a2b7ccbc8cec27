"""The mean of two processes' losses is the loss of one batch."""

import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss
from torch import nn

from segda_mm.engine import process_wide
from segda_mm.engine.process_wide import share_loss_averages


def logits_and_labels():
    torch.manual_seed(0)
    labels = torch.randint(0, 3, (4, 5, 6))
    # Much void in the images of the first process, none in those of the second.
    labels[:2, :, 1:] = 255
    return torch.randn(4, 3, 5, 6), labels


@pytest.fixture
def of_two(monkeypatch):
    """Answer as the communication of two processes would: with the mean given."""

    def pretend(mean):
        monkeypatch.setattr(process_wide, 'get_world_size', lambda: 2)
        monkeypatch.setattr(
            process_wide,
            'all_reduce',
            lambda number, op: number.fill_(mean) if op == 'mean' else None,
        )

    return pretend


@pytest.mark.parametrize('shared', [True, False])
def test_void_weighs_pixels_alike(of_two, shared):
    logits, labels = logits_and_labels()
    loss = CrossEntropyLoss(avg_non_ignore=True)
    whole = loss(logits, labels, ignore_index=255)
    of_two(mean=(labels != 255).sum() / 2)
    if shared:
        share_loss_averages(nn.ModuleList([loss]))
    halves = [
        loss(logits[part], labels[part], ignore_index=255)
        for part in (slice(2), slice(2, 4))
    ]
    assert all(half.dtype == whole.dtype for half in halves)
    assert torch.allclose(sum(halves) / 2, whole) == shared


def test_losses_that_average_over_all_pixels_stay_as_they_are(of_two):
    logits, labels = logits_and_labels()
    loss = CrossEntropyLoss()
    expected = loss(logits, labels, ignore_index=255)
    of_two(mean=1)
    share_loss_averages(nn.ModuleList([loss]))
    assert loss(logits, labels, ignore_index=255) == expected
