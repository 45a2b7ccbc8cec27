import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

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


def test_outputs_have_the_size_of_the_finest_feature():
    outputs = tiny_head()(features())
    assert outputs.seg_logits.shape == (2, 4, 17, 25)
    assert outputs.center_heatmap.shape == (2, 1, 17, 25)
    assert outputs.offset.shape == (2, 2, 17, 25)


def test_in_index_names_the_features():
    head = tiny_head().eval()
    fine, middle, coarse = features()
    swapped = tiny_head(in_index=(2, 0, 1)).eval()
    for one, other in zip(
        head([fine, middle, coarse]), swapped([middle, coarse, fine]), strict=True
    ):
        assert torch.equal(one, other)


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


def test_all_contexts_reach_the_output():
    """Far pixels matter through the dilated convolutions and the pooling."""
    aspp = tiny_head().semantic_branch.aspp.eval()
    coarse = features()[2].requires_grad_()
    aspp(coarse)[0, :, 0, 0].sum().backward()
    reached = coarse.grad[0].abs().sum(0) > 0
    assert reached.all()  # the pooling
    aspp.pooling.conv.weight.data.zero_()
    coarse.grad = None
    aspp(coarse)[0, :, 0, 0].sum().backward()
    reached = (coarse.grad[0].abs().sum(0) > 0).nonzero().tolist()
    diagonal = [[rate, rate] for rate in range(4)]  # rates 1, 2, 3 and the 1x1
    assert all(pixel in reached for pixel in diagonal)
    assert [4, 4] not in reached


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


@pytest.mark.parametrize('target', ['gt_center_heatmap', 'gt_sem_seg_weight'])
def test_missing_targets_name_the_transform(target):
    samples = panoptic_batch(size=(33, 49))['data_samples']
    delattr(samples[1], target)
    with pytest.raises(KeyError, match=rf'\[1\].*{target}.*PanopticTargets'):
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


def test_two_images_are_pooled_with_their_own_statistics():
    head = tiny_head()
    pooled = []
    pooling = head.semantic_branch.aspp.pooling
    pooling.activate.register_forward_pre_hook(
        lambda _, args: pooled.append(args[0].clone())
    )
    head(features(num_images=2))
    # Two values less their mean over their deviation are 1 and -1.
    torch.testing.assert_close(
        pooled[0].abs(), torch.ones_like(pooled[0]), rtol=0, atol=0.05
    )
    assert pooling.bn.num_batches_tracked == 1


def test_first_predictions_are_small():
    head = tiny_head()
    last = [part[-1] for part in (head.semantic_head, head.center_head)]
    assert [type(layer) for layer in last] == [nn.Conv2d, nn.Conv2d]
    heatmap, offset = head(features())[1:]
    assert heatmap.abs().max() < 0.1
    assert offset.abs().max() < 0.1


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(in_channels=(8, 16)), 'decode_head.in_channels needs 3'),
        (dict(instance_projection_channels=(8,)), 'needs 2'),
        (dict(thing_classes=(3, 4)), r'\[3, 4\].*\[0, 4\)'),
    ],
)
def test_wrong_settings(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny_head(**changes)
