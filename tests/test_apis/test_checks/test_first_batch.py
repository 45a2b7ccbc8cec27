import random
import re

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict

from segda_mm.apis import PreflightError, train
from segda_mm.apis.checks.first_batch import FirstBatchCheck
from segda_mm.engine.hooks.finite_loss_hook import FiniteLossHook
from segda_mm.engine.runner import AdaptationRunner
from segda_mm.registry import HOOKS
from segda_mm.testing import (
    tiny_bisenet,
    tiny_ddrnet,
    tiny_pidnet,
    tiny_stdc,
    tiny_unet,
)
from segda_mm.testing.run_results import find_difference, results_of_run
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world

CONFIGS = 'configs'
NORM = dict(type='BN', requires_grad=True)


@pytest.fixture(scope='module', autouse=True)
def without_reports():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdaptationRunner, '_log_env', lambda self, env_cfg: None)
        yield


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp('world')
    write_tiny_world(folder)
    return folder


@pytest.fixture
def method(world, request, tmp_path):
    """A function: the tiny config of a method, with other entries."""

    def make(name, **changes):
        cfg = tiny_method_config(name, request.config.rootpath / CONFIGS, world)
        cfg.work_dir = str(tmp_path / 'work')
        cfg.merge_from_dict(changes)
        return cfg

    return make


@HOOKS.register_module(force=True)
class RememberState(FiniteLossHook):
    """Notes all that a step may change, before and after the trial of one."""

    def before_train(self, runner):
        super().before_train(runner)
        self.noted = self.note(runner)

    def before_train_epoch(self, runner):
        if self.noted is not None:
            assert find_difference(self.noted, self.note(runner)) is None
            assert not any(guard._verdicts or guard._failed for guard in self._guards)
            self.noted = None

    @staticmethod
    def note(runner):
        model, wrappers = runner.model, runner.optim_wrapper
        members = getattr(wrappers, 'optim_wrappers', {'': wrappers})
        buffers = dict(model.named_buffers())
        keys, position = np.random.get_state()[1:3]
        return dict(
            weights={k: v.clone() for k, v in model.state_dict().items()},
            buffers={k: v.clone() for k, v in buffers.items()},
            gradients=[p.grad is None for p in model.parameters()],
            optimizers={
                name: [
                    [
                        {k: torch.as_tensor(v).clone() for k, v in state.items()}
                        for state in member.optimizer.state.values()
                    ],
                    member._inner_count,
                ]
                for name, member in members.items()
            },
            generators=[torch.get_rng_state(), torch.from_numpy(keys.copy())],
            python=[position, repr(random.getstate())],
        )


@pytest.mark.parametrize('name', ['supervised', 'adversarial', 'mpl', 'mean_teacher'])
@pytest.mark.filterwarnings('ignore')
def test_the_trial_leaves_no_trace(method, tmp_path, monkeypatch, name):
    tried = []
    before_train = FirstBatchCheck.before_train
    monkeypatch.setattr(
        FirstBatchCheck,
        'before_train',
        lambda self, runner: (before_train(self, runner), tried.append(runner.iter)),
    )

    def run(part, resume=None):
        cfg = method(name)
        wrappers = cfg.optim_wrapper
        for member in [wrappers] if 'optimizer' in wrappers else wrappers.values():
            if isinstance(member, dict):
                member.optimizer = dict(type='Adam', lr=0.001)
        cfg.default_hooks.finite_loss = dict(type='RememberState')
        cfg.train_cfg.max_epochs = 1
        cfg.work_dir = str(tmp_path / part)
        train(cfg, resume=resume)
        return results_of_run(cfg.work_dir)

    tried_run = run('tried')
    # From the midst of the epoch, with the moments of its optimizers.
    checkpoint = sorted((tmp_path / 'tried').glob('iter_*.pth'))[0]
    resumed = run('resumed', resume=checkpoint)
    assert len(tried) == 2
    monkeypatch.setattr(FirstBatchCheck, 'before_train', lambda self, runner: None)
    plain = run('plain')
    weights = [next(iter(part.values()))['weights'] for part in (tried_run, resumed)]
    assert find_difference(tried_run, plain) is None
    assert find_difference(*weights) is None


def head(kind, **changes):
    return dict(
        type=kind,
        channels=16,
        num_classes=19,
        norm_cfg=NORM,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss'),
        **changes,
    )


def resnet(decode_head, **changes):
    backbone = dict(
        type='ResNetV1c',
        depth=18,
        base_channels=8,
        stem_channels=8,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 2, 4),
        strides=(1, 2, 1, 1),
        norm_cfg=NORM,
        contract_dilation=True,
    )
    parts = dict(type='EncoderDecoder', backbone=backbone, decode_head=decode_head)
    test_cfg = dict(mode='whole')
    return ConfigDict({**parts, 'train_cfg': {}, 'test_cfg': test_cfg, **changes})


FCN = head('FCNHead', in_channels=64, in_index=3, num_convs=1)
POINT = head('PointHead', in_channels=[8], in_index=[0], num_fcs=1)
SMALL_MAPS = head(
    'LRASPPHead',
    in_channels=(8, 16, 64),
    in_index=(0, 1, 3),
    input_transform='multiple_select',
    branch_channels=(8, 8),
)


@pytest.mark.parametrize(
    'changes, message',
    [
        (
            {'model.discriminator.num_classes': 7},
            r'model\.discriminator \(DSCDiscriminator\): .*num_classes=19',
        ),
        (
            {'model.generator.segmentor': tiny_bisenet(18)},
            'has 19 classes .* tells 18 apart',
        ),
        (
            {'model.generator.segmentor.decode_head.in_channels': 31},
            r'model\.generator\.segmentor\.decode_head \(FCNHead\): RuntimeError: .*'
            r'31 channels, but got 32 .*in_channels',
        ),
        (
            {'model.data_preprocessor.type': 'PanopticDataPreprocessor'},
            r'model\.data_preprocessor \(PanopticDataPreprocessor\): '
            r"KeyError: 'inputs'; .*type DomainDataPreprocessor",
        ),
        (
            {'model.data_preprocessor.size': (64, 128)},
            r'model\.data_preprocessor .*only one of size and size_divisor.*one of',
        ),
        (
            {'model.generator.segmentor': tiny_pidnet(19)},
            r'model\.generator\.segmentor\.decode_head \(PIDHead\).*edge_width=4',
        ),
        (
            {'model.generator.segmentor': resnet([FCN, POINT], num_stages=2)},
            r'model\.generator cannot be built: .*\(FCNHead, PointHead\) needs a pass',
        ),
        (
            {'model.generator.segmentor': resnet(SMALL_MAPS)},
            r'training step on 4 images of 128x64: model\.generator\.segmentor\.decode_'
            r'head \(LRASPPHead\): RuntimeError: .*too small; take images',
        ),
        (
            {'optim_wrapper.generator.clip_grad': dict(max_nrm=1)},
            "training step on .*TypeError: .*'max_nrm'",
        ),
    ],
)
def test_a_training_that_would_fail_is_a_sentence(method, tmp_path, changes, message):
    cfg = method('adversarial')
    for key, value in changes.items():
        *path, last = key.split('.')
        node = cfg
        for part in path:
            node = node[part]
        node[last] = value
    with pytest.raises(PreflightError) as caught:
        train(cfg)
    told = str(caught.value)
    assert re.search(message, told), told
    assert '\n' not in told
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_images_smaller_than_a_patch_of_the_discriminator(method):
    cfg = method('adversarial')
    for domain in ('source', 'target'):
        for step in cfg.train_dataloader.dataset[domain].pipeline:
            if step['type'] == 'Resize':
                step['scale'] = (64, 24)
    message = r'model\.discriminator .* patches of 32 pixels, .* of 64x24; crop'
    with pytest.raises(PreflightError, match=message):
        train(cfg)


ICNET = resnet(
    head('FCNHead', in_channels=16, in_index=2, num_convs=1),
    backbone=dict(
        type='ICNet',
        backbone_cfg=dict(resnet(None).backbone, in_channels=3),
        layer_channels=(16, 64),
        light_branch_middle_channels=8,
        psp_out_channels=16,
        out_channels=(8, 16, 16),
        norm_cfg=NORM,
    ),
    neck=dict(type='ICNeck', in_channels=(8, 16, 16), out_channels=16, norm_cfg=NORM),
    auxiliary_head=[head('FCNHead', in_channels=16, in_index=i) for i in (0, 1)],
)


@pytest.mark.parametrize(
    'generator',
    [
        dict(segmentor=tiny_ddrnet(19)),
        dict(segmentor=tiny_pidnet(19), edge_width=4),
        dict(segmentor=tiny_stdc(19)),
        dict(segmentor=tiny_unet(19)),
        dict(segmentor=ICNET),
        dict(segmentor=resnet(head('DAHead', in_channels=64, pam_channels=4))),
    ],
)
def test_generators_of_all_kinds_train_and_validate(method, generator):
    cfg = method('adversarial')
    cfg.model.generator = dict(type='SegmentorGenerator', **generator)
    cfg.train_cfg.max_epochs = 1
    runner = train(cfg)
    assert any('mIoU' in name for name in runner.message_hub.log_scalars)
