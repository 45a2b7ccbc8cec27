import copy

import pytest
import torch
import torch.nn.functional as F

from segda_mm.ops.panoptic_outputs import PanopticOutputs
from segda_mm.registry import MODELS
from segda_mm.testing import panoptic_batch, tiny_panoptic_deeplab


def tiny_head(**changes):
    torch.manual_seed(0)
    return MODELS.build(dict(tiny_panoptic_deeplab().decode_head, **changes))


def features(num_images=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = ((8, 17, 25), (16, 9, 13), (64, 5, 7))
    return [torch.randn(num_images, *size, generator=generator) for size in sizes]


def test_every_parameter_of_a_branch_learns_and_branches_share_nothing():
    head = tiny_head()
    outputs = head(features())

    def learning():
        return {n for n, p in head.named_parameters() if p.grad is not None}

    def of(*parts):
        return {n for n, _ in head.named_parameters() if n.startswith(parts)}

    outputs.seg_logits.sum().backward(retain_graph=True)
    assert learning() == of('semantic_branch', 'semantic_head')
    head.zero_grad(set_to_none=True)
    (outputs.center_heatmap.sum() + outputs.offset.sum()).backward()
    assert learning() == of('instance_branch', 'center_head', 'offset_head')


def test_losses_are_those_of_maps_resized_to_the_targets():
    head = tiny_head()
    samples = panoptic_batch(size=(33, 49))['data_samples']
    generator = torch.Generator().manual_seed(1)
    raw = PanopticOutputs(
        *(torch.randn(2, c, 9, 13, generator=generator) for c in (4, 1, 2))
    )
    losses = head.loss_by_feat(raw, samples)

    def target(name):
        return torch.stack([sample.get(name).data for sample in samples])

    logits, heatmap, offset = (
        F.interpolate(maps, (33, 49), mode='bilinear', align_corners=True)
        for maps in raw
    )
    offset = offset * 4  # 32 / 8 and 48 / 12
    labels = target('gt_sem_seg')[:, 0]
    picked = logits.log_softmax(1).gather(1, labels.clamp(max=3)[:, None])[:, 0]
    pixel_losses = -picked * (labels != 255) * target('gt_sem_seg_weight')[:, 0]
    hardest = pixel_losses.flatten(1).sort(descending=True).values[:, : 33 * 49 // 5]
    torch.testing.assert_close(losses['loss_semantic'], hardest.mean())

    weight = target('gt_center_weight')
    squared = (heatmap - target('gt_center_heatmap')) ** 2
    torch.testing.assert_close(
        losses['loss_center'], 200 * (squared * weight).sum() / weight.sum()
    )
    weight = target('gt_offset_weight')
    absolute = (offset - target('gt_offset')).abs().mean(1, keepdim=True)
    torch.testing.assert_close(
        losses['loss_offset'], 0.01 * (absolute * weight).sum() / weight.sum()
    )
    assert losses.keys() == {'loss_semantic', 'loss_center', 'loss_offset'}


def test_missing_targets_name_the_transform():
    samples = panoptic_batch(size=(33, 49))['data_samples']
    del samples[1].gt_offset
    with pytest.raises(KeyError, match=r'\[1\].*gt_offset.*PanopticTargets'):
        tiny_head().loss(features(), samples, {})


def test_one_image_is_pooled_with_running_statistics():
    head = tiny_head(dropout_ratio=0.0)
    pooling = head.semantic_branch.aspp.pooling
    generator = torch.Generator().manual_seed(3)
    pooling.bn.running_mean.uniform_(-1, 1, generator=generator)
    pooling.bn.running_var.uniform_(0.5, 2, generator=generator)
    frozen = copy.deepcopy(head)
    for branch in (frozen.semantic_branch, frozen.instance_branch):
        branch.aspp.pooling.eval()
    before = pooling.bn.running_mean.clone()
    one = features(num_images=1)
    for mine, expected in zip(head(one), frozen(one), strict=True):
        assert torch.equal(mine, expected)
    assert torch.equal(pooling.bn.running_mean, before)
    # Group norm has no such trouble.
    head = tiny_head(norm_cfg=dict(type='GN', num_groups=2))
    assert head(one).offset.isfinite().all()


def test_thing_classes_must_be_classes():
    with pytest.raises(ValueError, match=r'\[3, 4\].*\[0, 4\)'):
        tiny_head(thing_classes=(3, 4))
