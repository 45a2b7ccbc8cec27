"""Verdicts on discriminators, from accuracies given step by step."""

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
        hub, warnings = MessageHub(request.node.name), []
        logger = SimpleNamespace(warning=warnings.append)
        runner = SimpleNamespace(message_hub=hub, iter=0, logger=logger)
        hook = AdversarialHealthHook(window=4)
        for runner.iter, pair in enumerate(pairs):
            names = (f'{name}.accuracy_source', f'{name}.accuracy_target')
            outputs = dict(zip(names, pair), loss=1.0)
            for key, value in outputs.items():
                hub.update_scalar(f'train/{key}', value)
            hook.after_train_iter(runner, 0, outputs=outputs)
        return warnings

    return feed


def test_won(watch):
    (warning,) = watch([(0.99, 0.97)] * 4, name='student_discriminator')
    assert 'student_discriminator has won' in warning
    assert 'optim_wrapper.student_discriminator.optimizer.lr' in warning
    assert 'model.student_adv_weight' in warning
    assert 'source 0.990, target 0.970' in warning


def test_what_a_lost_one_is_told_keeps_its_logits_apart(watch):
    # Always answering "source" is guessing too.
    (warning,) = watch([(1.0, 0.0)] * 4)
    assert 'has lost' in warning
    told = re.search(r'model\.discriminator\.init_cfg=dict\((.*?)\)', warning)
    deviations = []
    for init_cfg in (None, dict(re.findall(r"(\w+)='(\w+)'", told[1]))):
        torch.manual_seed(0)
        network = DSCDiscriminator(4, init_cfg=init_cfg)
        network.init_weights()
        probs = torch.randn(2, 4, 64, 64).mul(3).softmax(1)
        deviations.append(network.layers(probs).std().item())
    assert deviations[0] < 0.01 < 0.1 < deviations[1] < 10


@pytest.mark.parametrize(
    'accuracies, count',
    [
        ([(1.0, 0.8)] * 4, 0),
        # A window that is not whole, and the mean of one that is.
        ([(1.0, 1.0)] * 3, 0),
        ([(1.0, 1.0)] * 3 + [(0.5, 0.9)] * 5, 0),
        # Means 0.945 and 0.955.
        ([(1.0, 1.0)] * 3 + [(0.78, 0.82)], 0),
        ([(1.0, 1.0)] * 3 + [(0.82, 0.82)], 1),
    ],
)
def test_the_mean_of_a_window_counts(watch, accuracies, count):
    assert len(watch(accuracies)) == count
    assert watch(accuracies, name='classifier') == []
