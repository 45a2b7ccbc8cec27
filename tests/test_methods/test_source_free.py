"""What adapts with target images alone, and what refuses to."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
import torch.nn.functional as F
from torch import nn

from segda_mm.apis import load_config, train
from segda_mm.methods.steps import pseudo_labeled
from segda_mm.testing import domain_batch, segmentation_batch, tiny_segformer
from segda_mm.testing.run_results import find_difference, trained_state
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world

CONFIGS = Path(__file__).parents[2] / 'configs'
SOURCE_FREE_MIC = 'source_free/source-free-mic_bisenetv1-lite0_minicity-128x256.py'
TARGET = domain_batch()['target']
LABELED = segmentation_batch(seed=5)
ENTROPY = dict(type='EntropyLoss', loss_weight=0.5)
BY_LABELS = dict(trained='all', unlabeled_losses=[], target_loss_weight=0.5)
MASKING = dict(type='BlockMask', ratio=0.7, block_size=16)


def snapshot(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed(model, before):
    after = model.state_dict()
    return {name for name in before if not torch.equal(before[name], after[name])}


def logits_of(generator, batch, preprocessor):
    return generator.infer(preprocessor(batch, True)['inputs']).logits


def test_tent_moves_scales_and_shifts_alone(make_model, without_dropout):
    model, optim_wrapper = make_model(
        'source free', without_dropout, unlabeled_losses=[ENTROPY]
    )
    twin, before = copy.deepcopy(model.generator), snapshot(model)
    log = model.train_step(TARGET, optim_wrapper)
    logits = logits_of(twin, TARGET, model.data_preprocessor)
    probabilities = logits.softmax(1).detach().numpy()
    expected = 0.5 * scipy.stats.entropy(probabilities, base=4, axis=1).mean()
    assert float(log['generator.unlabeled.entropy_loss']) == pytest.approx(
        expected, rel=1e-5
    )
    assert log['loss'] == log['generator.unlabeled.entropy_loss']
    # One more step, for scales that learned nothing in the first one.
    model.train_step(TARGET, optim_wrapper)

    layers = {
        name
        for name, layer in model.named_modules()
        if isinstance(layer, nn.BatchNorm2d) and 'auxiliary_head' not in name
    }
    affine = {f'{name}.{part}' for name in layers for part in ('weight', 'bias')}
    moved = changed(model, before)
    parameters = dict(model.named_parameters())
    assert moved & parameters.keys() == affine
    # Of the heads that predict nothing, neither weights nor statistics.
    assert {name.rpartition('.')[0] for name in moved - parameters.keys()} == layers
    assert not any(
        parameter.grad is not None and name not in affine
        for name, parameter in parameters.items()
    )


def test_layer_normalisation_is_normalisation_too(make_model):
    model, _ = make_model('source free', tiny_segformer)
    trained = {
        type(layer)
        for layer in model.modules()
        for parameter in layer.parameters(recurse=False)
        if parameter.requires_grad
    }
    assert trained == {nn.LayerNorm, nn.BatchNorm2d}


def test_with_all_weights_the_predicting_network_learns(make_model):
    model, optim_wrapper = make_model('source free', trained='all')
    before = snapshot(model)
    model.train_step(TARGET, optim_wrapper)
    names = dict(model.named_parameters()).keys()
    learning = {name for name in names if 'auxiliary_head' not in name}
    assert changed(model, before) & names == learning


def test_the_loss_on_own_labels_equals_the_formula(make_model, without_dropout):
    model, optim_wrapper = make_model('source free', without_dropout, **BY_LABELS)
    twin = copy.deepcopy(model.generator)
    batch = copy.deepcopy(LABELED)
    batch['data_samples'][0].gt_sem_seg.data[:, :20] = 255
    log = model.train_step(copy.deepcopy(batch), optim_wrapper)
    inputs = model.data_preprocessor(copy.deepcopy(batch), True)['inputs']
    labels = torch.cat([sample.gt_sem_seg.data for sample in batch['data_samples']])
    segmentor = twin.segmentor
    features = segmentor.extract_feat(inputs)
    expected = sum(
        F.cross_entropy(
            F.interpolate(head(features), size=(64, 64), mode='bilinear'),
            labels,
            ignore_index=255,
        )
        for head in (segmentor.decode_head, *segmentor.auxiliary_head)
    ).detach()
    torch.testing.assert_close(log['generator.target.loss'], expected)
    torch.testing.assert_close(log['loss'], 0.5 * expected)


@pytest.mark.parametrize('method', ['source free', 'mean teacher'])
def test_labels_that_are_there_are_not_looked_at(make_model, method):
    logs = []
    for labels in (None, LABELED):
        model, optim_wrapper = make_model(method)
        batch = copy.deepcopy(TARGET)
        if labels is not None:
            for sample, other in zip(batch['data_samples'], labels['data_samples']):
                sample.gt_sem_seg = other.gt_sem_seg
        torch.manual_seed(0)
        logs.append(model.train_step(batch, optim_wrapper))
    assert logs[0] == logs[1]


def test_the_mean_teacher_without_a_source(make_model, without_dropout):
    """The loss on the teacher's labels alone, also of masked images."""
    model, optim_wrapper = make_model(
        'mean teacher',
        without_dropout,
        pseudo_labeler=dict(type='PixelConfidence', exponent=2.0),
        target_loss_weight=0.5,
        masking=MASKING,
    )
    student = copy.deepcopy(model.student_generator)
    teacher = copy.deepcopy(model.teacher_generator).train()
    log = model.train_step(TARGET, optim_wrapper)
    inputs = model.data_preprocessor(TARGET, True)['inputs']
    confidence, labels = teacher.infer(inputs).logits.softmax(1).max(1)
    batch = pseudo_labeled(inputs, labels, confidence**2)
    losses, _ = student(batch.inputs, batch.data_samples)
    expected = sum(value for key, value in losses.items() if 'loss' in key)
    terms = {
        key.removeprefix('student_generator.'): value
        for key, value in log.items()
        if key.startswith('student_generator.')
    }
    assert terms.keys() == {'target.loss', 'masked.loss'}
    torch.testing.assert_close(terms['target.loss'], expected.detach())
    torch.testing.assert_close(
        log['loss'], 0.5 * terms['target.loss'] + terms['masked.loss']
    )


def test_masked_images_of_own_labels(make_model):
    model, optim_wrapper = make_model('source free', masking=MASKING, **BY_LABELS)
    log = model.train_step(copy.deepcopy(LABELED), optim_wrapper)
    torch.testing.assert_close(
        log['loss'],
        0.5 * log['generator.target.loss'] + log['generator.masked.loss'],
    )
    assert np.isfinite(float(log['loss']))


@pytest.mark.parametrize('method', ['adversarial', 'daformer', 'mpl'])
def test_who_learns_from_a_source_says_so(make_model, method):
    model, optim_wrapper = make_model(method)
    with pytest.raises(ValueError, match='labelled source, but train_dataloader'):
        model.train_step(TARGET, optim_wrapper)


def test_wrong_settings_are_refused(make_model, without_dropout):
    with pytest.raises(ValueError, match=r"model.trained is 'some'"):
        make_model('source free', trained='some')
    with pytest.raises(ValueError, match='nothing would be learned'):
        make_model('source free', unlabeled_losses=[])

    def without_norm():
        config = tiny_segformer()
        config.backbone.norm_cfg = dict(type='LN', requires_grad=False)
        config.decode_head.norm_cfg = None
        return config

    with pytest.raises(ValueError, match="has no such layer.*model.trained='all'"):
        make_model('source free', without_norm)
    model, optim_wrapper = make_model('mean teacher', mixing=dict(type='ClassMix'))
    with pytest.raises(ValueError, match='set model.mixing=None'):
        model.train_step(TARGET, optim_wrapper)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """A tiny world without the source and without the labels of the target."""
    folder = tmp_path_factory.mktemp('world')
    write_tiny_world(folder)
    shutil.rmtree(folder / 'gta5')
    shutil.rmtree(folder / 'cityscapes/gtFine/train')
    return folder


@pytest.mark.parametrize(
    'method',
    [
        'own_medians',
        pytest.param('tent', marks=pytest.mark.slow),
        pytest.param(SOURCE_FREE_MIC, marks=pytest.mark.slow),
    ],
)
def test_images_alone_are_enough_and_resuming_is_exact(world, tmp_path, method):
    cfg = tiny_method_config(method, CONFIGS, world)
    cfg.model.generator.checkpoint = None
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.dump(tmp_path / 'config.py')

    def run(name, resume=None):
        cfg = load_config(tmp_path / 'config.py', work_dir=tmp_path / name)
        assert train(cfg, resume=resume).iter == 6
        return trained_state(tmp_path / name / 'iter_6.pth')

    whole = run('whole')
    # In the midst of the second epoch, whose labels are of its beginning.
    shutil.copytree(tmp_path / 'whole', tmp_path / 'cut')
    for step in (5, 6):
        (tmp_path / f'cut/iter_{step}.pth').unlink()
    assert find_difference(whole, run('cut', tmp_path / 'cut/iter_4.pth')) is None
