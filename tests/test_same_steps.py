"""What makes trainings faster changes ten seeded steps by rounding only.

In float64, figures of each step and weights behind the last agree to 1e-7, with and
without; small learning rates keep rounding from growing from step to step. Decoded
images that are kept, which change no bit, are in test_decoded_images.py, resumed
momenta in test_speed_hooks.py.
"""

import copy
import itertools
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.optim import OptimWrapperDict
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from segda_mm.engine.hooks import ChannelsLastHook, HeadAccuracyHook
from segda_mm.engine.optimizers import GradientAveragingOptimWrapper
from segda_mm.methods import MeanTeacher
from segda_mm.registry import MODELS
from segda_mm.testing import (
    domain_batch,
    segmentation_batch,
    tiny_bisenet,
    tiny_method,
)

STEPS, SIZE = 10, (32, 64)

HEAD = dict(tiny_bisenet().decode_head, dropout_ratio=0)
#: Without layers that normalise few values, which would enlarge rounding, or that draw
#: random numbers, in another order where passes are made in another.
SEGMENTOR = dict(
    tiny_bisenet(),
    backbone=dict(
        type='ResNet',
        depth=18,
        base_channels=8,
        stem_channels=8,
        num_stages=2,
        strides=(1, 2),
        dilations=(1, 1),
        out_indices=(0, 1),
    ),
    decode_head=dict(HEAD, in_channels=16, in_index=1),
    auxiliary_head=[dict(HEAD, in_channels=8, in_index=0)],
)
JUDGE = dict(type='FCDiscriminator', num_classes=4, channels=(4, 4, 4, 4, 1))
ADVERSARIAL = tiny_method('BiSeNetDA', SEGMENTOR, discriminator=JUDGE, adv_weight=0.1)
SUPERVISED = dict(SEGMENTOR, data_preprocessor=dict(ADVERSARIAL.data_preprocessor))
META = tiny_method(
    'MetaPseudoLabels',
    SEGMENTOR,
    discriminator=JUDGE,
    label_batch_statistics=True,
    uda_probability=0.0,
)
MEAN_TEACHER = tiny_method('MeanTeacher', SEGMENTOR, mixing=dict(type='ClassMix'))

_names = itertools.count()


def whole_maps(config):
    """The losses of mmseg, which upsamples the maps of all classes."""
    config = copy.deepcopy(config)
    segmentor = config.get('generator', dict(segmentor=config))['segmentor']
    for head in (segmentor['decode_head'], *segmentor['auxiliary_head']):
        head['loss_decode'] = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    return config


def ten_steps(config, optimizer='SGD', fused=False, before=None):
    """Figures of all steps, and the weights behind the last."""
    init_default_scope('mmseg')
    hub = MessageHub.get_instance(f'test_same_steps_{next(_names)}')
    torch.manual_seed(0)
    model = MODELS.build(config)
    if isinstance(model, MeanTeacher):
        # The teacher starts as the student.
        model.init_weights()
    model.double().train()
    if before is not None:
        before(model)

    def wrapper(network):
        options = dict(lr=1e-5) if optimizer == 'Adam' else dict(lr=1e-4, momentum=0.9)
        weights = [p for p in network.parameters() if p.requires_grad]
        return GradientAveragingOptimWrapper(
            getattr(torch.optim, optimizer)(weights, fused=fused, **options)
        )

    plain = config['type'] == 'EncoderDecoder'
    trained = {
        name: wrapper(child)
        for name, child in model.named_children()
        if any(parameter.requires_grad for parameter in child.parameters())
    }
    optim_wrapper = wrapper(model) if plain else OptimWrapperDict(**trained)
    make = segmentation_batch if plain else domain_batch
    make = partial(make, size=SIZE)
    torch.manual_seed(1)
    logs = []
    for step in range(STEPS):
        hub.update_info('iter', step)
        log = model.train_step(make(seed=2 * step), optim_wrapper)
        logs.append(
            {key: torch.as_tensor(value).detach() for key, value in log.items()}
        )
    return logs, model.state_dict()


def with_accuracies(model):
    HeadAccuracyHook().before_train(SimpleNamespace(model=model))


def without_accuracies(model):
    HeadAccuracyHook().after_train(SimpleNamespace(model=model))


def channels_last(model):
    ChannelsLastHook().before_run(SimpleNamespace(model=model))


def compiled(model):
    # Without a compiler: what is captured, and what is left to Python, is the same.
    cfg = dict(compile=dict(backend='eager'))
    runner = SimpleNamespace(
        cfg=cfg, model=model, logger=MMLogger.get_current_instance()
    )
    Runner._maybe_compile(runner, 'train_step')


def labels_in_a_pass_of_their_own(model):
    model._shared_pass._random_parts = True, True


#: The teacher then passes the target before the source, in which order its running
#: statistics see them.
SHARED_PASS = 'labels of the pass that the teacher learns from'

#: Name -> config, and what differs: without and with.
CASES = {
    'tiles': (
        dict(config=whole_maps(MEAN_TEACHER)),
        dict(config=MEAN_TEACHER),
    ),
    'accuracies without a sort, tiles in plain networks': (
        dict(config=whole_maps(SUPERVISED), before=without_accuracies),
        dict(config=SUPERVISED, before=with_accuracies),
    ),
    'channels last': (
        dict(config=ADVERSARIAL),
        dict(config=ADVERSARIAL, before=channels_last),
    ),
    'fused SGD, channels last': (
        dict(config=SUPERVISED),
        dict(config=SUPERVISED, fused=True, before=channels_last),
    ),
    'fused Adam, channels last': (
        dict(config=SUPERVISED, optimizer='Adam'),
        dict(config=SUPERVISED, optimizer='Adam', fused=True, before=channels_last),
    ),
    SHARED_PASS: (
        dict(config=META, before=labels_in_a_pass_of_their_own),
        dict(config=META),
    ),
    'a backward pass after each pass': (
        dict(config=ADVERSARIAL),
        dict(config=dict(ADVERSARIAL, backward_per_pass=True)),
    ),
}


@pytest.fixture(autouse=True)
def mmseg_as_it_was():
    yield
    without_accuracies(torch.nn.Identity())


@pytest.mark.slow
@pytest.mark.parametrize('config', [SUPERVISED, ADVERSARIAL], ids=lambda c: c['type'])
def test_ten_compiled_steps_are_the_same(config):
    expected, weights = ten_steps(config)
    found, own_weights = ten_steps(config, before=compiled)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(own_weights, weights, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize('name', CASES)
def test_ten_steps_are_the_same(name):
    slow, fast = CASES[name]
    expected, weights = ten_steps(**slow)
    found, own_weights = ten_steps(**fast)
    for one, other in zip(found, expected, strict=True):
        for key in one.keys() & other.keys():
            torch.testing.assert_close(
                one[key].double(),
                other[key].double(),
                rtol=1e-7,
                atol=1e-9,
                msg=partial('{}: {}'.format, key),
            )
    assert 'loss' in found[-1]
    if name == SHARED_PASS:
        for key in [key for key in weights if 'teacher' in key and 'running' in key]:
            del weights[key], own_weights[key]
    torch.testing.assert_close(own_weights, weights, rtol=1e-7, atol=1e-9)
