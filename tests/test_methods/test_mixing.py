import pytest
import torch

from segda_mm.methods import CutMix
from segda_mm.ops.domain_mixing import box_mask, class_mask
from segda_mm.registry import MODELS

LABELS = torch.arange(4).repeat_interleave(16).view(1, 8, 8)


@pytest.mark.parametrize(
    'config, function, arguments',
    [
        (dict(type='ClassMix'), class_mask, (4,)),
        (dict(type='CutMix', min_share=0.3, max_share=0.5), box_mask, (0.3, 0.5)),
    ],
)
def test_configs_reach_the_masks(config, function, arguments):
    mixing = MODELS.build(config)
    torch.manual_seed(3)
    mask = mixing(LABELS, 4)
    torch.manual_seed(3)
    assert torch.equal(mask, function(LABELS, *arguments))


@pytest.mark.parametrize('shares', [(0, 0.5), (0.6, 0.5), (0.5, 1.1)])
def test_impossible_shares_are_refused(shares):
    with pytest.raises(ValueError, match='min_share'):
        CutMix(*shares)
