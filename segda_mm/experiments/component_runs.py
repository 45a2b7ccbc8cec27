"""The runs that take single components of adaptation apart, on one pair of domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .adaptation_runs import (
    AUGMENTED,
    World,
    adapted_run,
    longer,
    source_pipeline,
    source_run,
    source_with,
    supervised_config,
)

#: Components of the mean teacher: name -> what it is without, or with instead.
MEAN_TEACHER_PARTS = {
    'CutMix': {
        'model.mixing': dict(_delete_=True, type='CutMix', min_share=0.2, max_share=0.6)
    },
    'no mixing': {'model.mixing': None},
    'pixel weights': {
        'model.pseudo_label_weights': dict(
            _delete_=True, type='PixelConfidenceWeights', exponent=1.0
        )
    },
    'median weights': {
        'model.pseudo_label_weights': dict(
            _delete_=True, type='ClassMedianWeights', cap=0.9, scope='image'
        )
    },
    'no strong augmentation': {'model.augmentation': None},
}

#: Losses on unlabelled images, with the weights of their papers.
UNLABELED_LOSSES = {
    'entropy loss': dict(type='EntropyLoss', loss_weight=0.001),
    'maximum squares loss': dict(
        type='MaximumSquaresLoss', loss_weight=0.1, image_wise_weighting_ratio=0.2
    ),
}

#: Options for a light discriminator that tells the domains apart within a few hundred
#: steps, and has a say in the generator's gradient. As it is in the paper it has not:
#: each layer with PyTorch's own initialization shrinks what passes through.
FASTER_DISCRIMINATOR = {
    'model.discriminator.init_cfg': dict(
        type='Kaiming', layer='Conv2d', a=0.2, mode='fan_in', nonlinearity='leaky_relu'
    ),
    'optim_wrapper.discriminator.optimizer.lr': 1e-3,
    'model.adv_weight': 0.01,
}


def component_runs(world: World) -> dict[str, dict]:
    """The entries ``runs`` of an experiment, all with photometric distortion.

    Source-only and it with each of: more images of rare classes, blur and noise,
    target style by Fourier amplitudes, DSC, also with a discriminator that learns
    faster, losses on unlabelled images. ``mean teacher`` and it with each of its parts
    left out or replaced, with a student that goes on from DSC, and with what of these
    helps together. DSC for as many steps as that student has in all. Meta Pseudo Labels
    with a student from scratch and with one pretrained.

    Args:
        world: The pair of domains.

    Returns:
        Name -> entry.
    """
    distorted = source_pipeline(world, supervised_config(world.source), AUGMENTED)
    fourier = dict(type='FourierStyle', images=world.target_images, beta=0.02, prob=0.8)
    camera = dict(
        type='CameraEffects', blur_sigma=(0.1, 1.5), noise_sigma=(0, 16), prob=0.5
    )
    source_only, dsc = 'source-only' + AUGMENTED, 'DSC' + AUGMENTED
    runs = {
        source_only: source_run(world, distorted),
        'rare classes': source_run(world, distorted, rare=True),
        'camera effects': source_run(world, [*distorted[:-1], camera, distorted[-1]]),
        'Fourier style': source_run(world, source_with(fourier, distorted)),
        dsc: adapted_run(world, 'DSC', AUGMENTED),
    }
    runs['DSC, twice as long'] = longer(runs[dsc], world.epochs, 2)
    runs['DSC, faster discriminator'] = _changed(runs[dsc], FASTER_DISCRIMINATOR)
    for name, loss in UNLABELED_LOSSES.items():
        losses = {'model.adv_weight': 0.0, 'model.unlabeled_losses': [loss]}
        runs[name] = _changed(runs[dsc], losses)
    runs['mean teacher'] = adapted_run(world, 'mean teacher', AUGMENTED)
    for name, options in MEAN_TEACHER_PARTS.items():
        runs[f'mean teacher, {name}'] = _changed(runs['mean teacher'], options)
    runs['mean teacher, pretrained'] = _changed(
        runs['mean teacher'],
        {'model.generator.checkpoint_prefix': 'generator.segmentor.'},
        start_from=dict(run=dsc, keys=['model.generator.checkpoint']),
    )
    runs['mean teacher, pretrained, median weights'] = _changed(
        runs['mean teacher, pretrained'], MEAN_TEACHER_PARTS['median weights']
    )
    runs['MPL'] = adapted_run(world, 'DSC + MPL', AUGMENTED)
    runs['MPL, student from scratch'] = _changed(
        runs['MPL'],
        {'model.student_checkpoint': None},
        start_from=dict(run=dsc, keys=['model.teacher_checkpoint.checkpoint']),
    )
    return runs


def _changed(
    entry: Mapping[str, Any], options: Mapping[str, Any], **others: Any
) -> dict:
    return dict(entry, options={**entry['options'], **options}, **others)
