"""Verdicts on discriminators, from accuracies given step by step."""

import logging
import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub

from segda_mm.engine import AdversarialHealthHook
from segda_mm.models import DSCDiscriminator


@pytest.fixture
def watch(request):
    """Feed accuracies to a hook with a window of 4; return its warnings."""

    def feed(pairs, name='discriminator'):
        hub = MessageHub(f'{request.node.name}')
        warnings = []
        runner = SimpleNamespace(
            message_hub=hub, iter=0, logger=SimpleNamespace(warning=warnings.append)
        )
        hook = AdversarialHealthHook(window=4)
        for runner.iter, (source, target) in enumerate(pairs):
            outputs = {
                'loss': 1.0,
                f'{name}.accuracy_source': source,
                f'{name}.accuracy_target': target,
            }
            for key, value in outputs.items():
                hub.update_scalar(f'train/{key}', value)
            hook.after_train_iter(runner, 0, outputs=outputs)
        return warnings

    logging.captureWarnings(False)
    return feed


def test_won(watch):
    warnings = watch([(0.99, 0.97)] * 4, name='student_discriminator')
    assert len(warnings) == 1
    assert 'student_discriminator has won' in warnings[0]
    assert 'optim_wrapper.student_discriminator.optimizer.lr' in warnings[0]
    assert 'model.student_adv_weight' in warnings[0]
    assert 'source 0.990, target 0.970' in warnings[0]


def test_lost_though_one_accuracy_is_perfect(watch):
    # Always answering "source" is guessing too.
    warnings = watch([(1.0, 0.0)] * 4)
    assert len(warnings) == 1 and 'has lost' in warnings[0]


def test_the_beginning_that_a_lost_one_is_told_keeps_logits_apart(watch):
    told = re.search(
        r'model\.discriminator\.init_cfg=dict\((.*?)\)', watch([(1.0, 0.0)] * 4)[0]
    )
    init_cfg = dict(re.findall(r"(\w+)='(\w+)'", told[1]))
    assert set(init_cfg) == {'type', 'layer', 'mode'}
    deviations = {}
    for name, given in (('as it is', None), ('told', init_cfg)):
        torch.manual_seed(0)
        network = DSCDiscriminator(4, init_cfg=given)
        network.init_weights()
        probs = torch.randn(2, 4, 64, 64).mul(3).softmax(1)
        deviations[name] = network.layers(probs).std().item()
    assert deviations['as it is'] < 0.01 < 0.1 < deviations['told'] < 10


@pytest.mark.parametrize(
    'accuracies',
    [
        [(1.0, 0.8)] * 4,
        # A window that is not whole, and the mean of one that is.
        [(1.0, 1.0)] * 3,
        [(1.0, 1.0)] * 3 + [(0.5, 0.9)] * 5,
        # Mean 0.945 of the limit of 0.95.
        [(1.0, 1.0)] * 3 + [(0.78, 0.82)],
    ],
)
def test_neither_won_nor_lost(watch, accuracies):
    assert watch(accuracies) == []


def test_the_mean_of_a_window_counts(watch):
    # Means 0.955 and 0.955.
    assert len(watch([(1.0, 1.0)] * 3 + [(0.82, 0.82)])) == 1
    assert watch([(1.0, 1.0)] * 4, name='classifier') == []
