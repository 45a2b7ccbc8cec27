import pytest
import torch
from mmseg.models.decode_heads import decode_head
from mmseg.models.losses import accuracy
from mmseg.registry import MODELS

from segda_mm.engine.hooks import HeadAccuracyHook
from segda_mm.models import DomainDataPreprocessor
from segda_mm.testing import segmentation_batch, tiny_bisenet


@pytest.fixture
def hook():
    hook = HeadAccuracyHook()
    hook.before_train(runner=None)
    yield hook
    hook.after_train(runner=None)
    assert decode_head.accuracy is accuracy


def test_heads_log_the_same_accuracies(hook):
    torch.manual_seed(0)
    model = MODELS.build(tiny_bisenet()).eval()
    prepare = DomainDataPreprocessor(mean=[128] * 3, std=[64] * 3, size_divisor=1)
    batch = prepare(segmentation_batch(), True)
    assert decode_head.accuracy is not accuracy
    ours = model.loss(batch['inputs'], batch['data_samples'])
    hook.after_train(runner=None)
    expected = model.loss(batch['inputs'], batch['data_samples'])
    assert sum('acc_seg' in name for name in ours) == 3
    torch.testing.assert_close(ours, expected)


def test_the_best_two_are_answered_by_mmseg(hook):
    logits, labels = torch.randn(1, 4, 3, 3), torch.randint(0, 4, (1, 3, 3))
    ours = decode_head.accuracy(logits, labels, topk=(1, 2))
    torch.testing.assert_close(ours, accuracy(logits, labels, topk=(1, 2)))
