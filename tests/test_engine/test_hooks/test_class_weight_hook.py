"""Every loss gets the weights of the labels, but those that have or take none."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss

from segda_mm.apis import PreflightError
from segda_mm.models.losses import PixelCrossEntropyLoss
from segda_mm.ops.class_weights import class_weights
from segda_mm.registry import DATASETS, HOOKS

HOOK = dict(type='ClassWeightHook', cap=1.5)


@pytest.mark.parametrize('job', ['config', 'mpl'])
def test_every_loss_takes_those_of_the_labels(street, job):
    """Of a labelled data set, and of the source of pairs."""
    runner = street.train(f'weighted_{job}', [HOOK], config=getattr(street, job))
    dataset = runner.cfg.train_dataloader.dataset
    source = DATASETS.build(dataset.get('source', dataset))
    counts = np.zeros(256, int)
    for index in range(len(source)):
        labels = source[index]['data_samples'].gt_sem_seg.data
        counts += np.bincount(labels.ravel(), minlength=256)
    expected = class_weights(counts[:3], power=0.5, cap=1.5).tolist()
    weights = [
        module.class_weight
        for module in runner.model.modules()
        if hasattr(module, 'class_weight')
    ]
    assert len(weights) >= 1 and all(found == expected for found in weights)


def test_a_loss_keeps_weights_of_its_own(street):
    own = {'model.decode_head.loss_decode.class_weight': [1.0, 2.0, 3.0]}
    runner = street.train('own', [HOOK], own)
    assert runner.model.decode_head.loss_decode.class_weight == [1.0, 2.0, 3.0]
    heads = runner.model.auxiliary_head
    assert all(head.loss_decode.class_weight[0] != 1 for head in heads)


def test_one_sigmoid_channel_has_no_weights(street):
    """Of two classes; the training says so and goes on."""
    sigmoid = dict(type='CrossEntropyLoss', use_sigmoid=True)
    options = {'model.auxiliary_head': []}
    options['model.decode_head'] = dict(num_classes=3, loss_decode=sigmoid)
    runner = street.train('sigmoid', [HOOK], options)
    assert runner.model.decode_head.loss_decode.class_weight is None
    (log,) = Path(runner.work_dir).rglob('*.log')
    assert 'no loss of model takes class_weight' in log.read_text('utf-8')


def test_what_cannot_be_weighed_is_refused(street):
    images = SimpleNamespace(dataset=DATASETS.build(street.images))
    model = torch.nn.ModuleList([PixelCrossEntropyLoss()])
    runner = SimpleNamespace(model=model, train_dataloader=images)
    with pytest.raises(ValueError, match='train_dataloader.dataset has no classes'):
        HOOKS.build(HOOK).before_train(runner)
    runner.model.append(CrossEntropyLoss(avg_non_ignore=True))
    with pytest.raises(ValueError, match="use type='PixelCrossEntropyLoss'"):
        HOOKS.build(HOOK).before_train(runner)
    with pytest.raises(PreflightError, match='cap is 0.5'):
        street.train('capped', [dict(HOOK, cap=0.5)])
