import copy

import pytest
import torch

from segda_mm.methods.steps import DomainBatch, pseudo_labeled
from segda_mm.testing import domain_batch, tiny_bisenet, tiny_daformer


def make(make_model, **changes):
    return make_model('daformer', tiny_daformer, **changes)


def batches(model, seed=0):
    batch = model.data_preprocessor(domain_batch(seed, size=(96, 128)), True)
    source = DomainBatch(**batch['source'])
    # Things fill two cells of 32x32 of the first image, and three quarters of one.
    labels = torch.ones_like(source.labels())
    labels[0, :32, :64], labels[0, 64:, 96:120] = 2, 3
    labels[1, 32:64, :31] = labels[1, 32:64, 32:55] = 3
    source = pseudo_labeled(source.inputs, labels)
    return source, pseudo_labeled(batch['target']['inputs'], labels)


def test_the_distance_equals_the_formula(make_model):
    """The mean norm over those cells, in features of stride 32."""
    model, _ = make(make_model)
    for parameter in model.imagenet_encoder.parameters():
        parameter.data.mul_(1.1)
    source, target = batches(model)
    losses = model.student_losses(source, target)
    features = source.result.features[-1]
    frozen = model.imagenet_encoder(source.inputs)[-1]
    norms = ((features - frozen) ** 2).sum(1).sqrt()
    expected = [norms[0, 0, 0], norms[0, 0, 1], norms[0, 2, 3], norms[1, 1, 0]]
    torch.testing.assert_close(
        losses['feature_distance.loss'], torch.stack(expected).mean()
    )
    assert losses['feature_distance.loss'] > 0


def test_gradients_reach_the_encoder_of_the_student_alone(make_model):
    model, optim_wrapper = make(make_model)
    source, target = batches(model)
    model.student_losses(source, target)['feature_distance.loss'].backward()
    for name, parameter in model.named_parameters():
        learns = name.startswith('student_generator.segmentor.backbone.')
        assert (parameter.grad is not None) == learns, name

    frozen = copy.deepcopy(model.imagenet_encoder.state_dict())
    log = model.train_step(domain_batch(size=(96, 128)), optim_wrapper)
    parts = ('source', 'target', 'feature_distance')
    terms = [log[f'student_generator.{part}.loss'] for part in parts]
    torch.testing.assert_close(log['loss'], terms[0] + terms[1] + 0.5 * terms[2])
    for key, value in model.imagenet_encoder.state_dict().items():
        assert torch.equal(value, frozen[key]), key
    assert not model.train().imagenet_encoder.training


def test_without_things_the_distance_is_0(make_model):
    model, _ = make(make_model, thing_classes=(0,))
    source, target = batches(model)
    losses = model.student_losses(source, target)
    assert losses['feature_distance.loss'] == 0
    sum(losses.values()).backward()
    gradients = [p.grad for p in model.student_generator.parameters()]
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize('name', ['student', 'teacher'])
def test_the_frozen_encoder_starts_as_both_networks(make_model, name):
    config = dict(type='Constant', layer='Conv2d', val=0.25)
    segmentor = tiny_daformer()
    segmentor.backbone.init_cfg = config
    model, _ = make_model('daformer', lambda: segmentor)
    backbone = getattr(model, f'{name}_generator').segmentor.backbone
    expected = model.imagenet_encoder.state_dict()
    assert (expected['conv1.weight'] == 0.25).all()
    for key, value in backbone.state_dict().items():
        assert torch.equal(value, expected[key])


def test_an_encoder_inside_the_backbone(make_model):
    """Of BiSeNet: features of its Context Path's ResNet are compared, and learn."""
    model, _ = make_model('daformer', tiny_bisenet, encoder='context_path.backbone')
    for parameter in model.imagenet_encoder.parameters():
        parameter.data.mul_(1.1)
    source, target = batches(model)
    path = model.student_generator.segmentor.backbone.context_path.backbone
    # Statistics of a pass move with it, values do not.
    difference = path(source.inputs)[-1] - model.imagenet_encoder(source.inputs)[-1]
    norms = difference.norm(dim=1)
    loss = model.student_losses(source, target)['feature_distance.loss']
    expected = [norms[0, 0, 0], norms[0, 0, 1], norms[0, 2, 3], norms[1, 1, 0]]
    torch.testing.assert_close(loss, torch.stack(expected).mean())
    loss.backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == (
            'student' in name and '.context_path.backbone.' in name
        ), name
    with pytest.raises(ValueError, match="model.encoder is 'gone'.*BiSeNet"):
        make_model('daformer', tiny_bisenet, encoder='gone')
