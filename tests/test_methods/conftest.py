import itertools

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope

from segda_mm.methods import BiSeNetDA, MeanTeacher, MetaPseudoLabels
from segda_mm.testing import tiny_bisenet, tiny_optim_wrapper

PREPROCESSOR = dict(
    type='DomainDataPreprocessor', mean=[128] * 3, std=[64] * 3, size_divisor=1
)
DISCRIMINATOR = dict(type='DSCDiscriminator', num_classes=4)
METHODS = {
    'adversarial': (
        BiSeNetDA,
        dict(discriminator=DISCRIMINATOR, adv_weight=0.001, target_loss_weight=0.0),
    ),
    'mean teacher': (
        MeanTeacher,
        dict(
            mixing=None,
            pseudo_labeler=None,
            augmentation=None,
            decay=0.9,
            target_loss_weight=1.0,
            label_batch_statistics=True,
        ),
    ),
    'mpl': (
        MetaPseudoLabels,
        dict(
            discriminator=DISCRIMINATOR,
            feedback_rule=dict(
                type='LossProductFeedback', growth_epochs=40, full_after_epoch=25
            ),
            student_adv_weight=0.001,
            teacher_adv_weight=1.0,
            pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='image'),
            label_batch_statistics=False,
            uda_probability=0.0,
            uda_sigma=0.2,
        ),
    ),
}

_names = itertools.count()


@pytest.fixture(autouse=True)
def fresh_run():
    """What a Runner would set up: mmseg's names, and no iteration done yet."""
    init_default_scope('mmseg')
    MessageHub.get_instance(f'test_methods_{next(_names)}')


@pytest.fixture(scope='session')
def make_model():
    """Build a method, or a subclass, by its name, and its optim wrappers."""

    def make(name, segmentor=tiny_bisenet, generator=None, subclass=None, **changes):
        method, arguments = METHODS[name]
        torch.manual_seed(0)
        model = (subclass or method)(
            generator=dict(
                type='SegmentorGenerator', segmentor=segmentor(), **(generator or {})
            ),
            **{'data_preprocessor': PREPROCESSOR, **arguments, **changes},
        )
        if name == 'mean teacher':
            model.init_weights()
        trained = [
            key
            for key, child in model.named_children()
            if any(parameter.requires_grad for parameter in child.parameters())
        ]
        return model.train(), tiny_optim_wrapper(model, *trained)

    return make
