"""Studies that take single components of adaptation apart, on one pair of domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from studies.adaptation import (
    DISCRIMINATOR_DECIMALS,
    FIGURES,
    adapted_row,
    changed,
    discriminator_table,
    longer,
    source_row,
)
from studies.study import Differences, Plot, Row, Study, Table
from studies.worlds import (
    World,
    after_resizing,
    before_packing,
    distorted,
    rare_classes,
)

#: Components of the mean teacher: name -> what it is without, or with instead.
MEAN_TEACHER_PARTS: dict[str, dict[str, Any]] = {
    'CutMix': {
        'model.mixing': dict(_delete_=True, type='CutMix', min_share=0.2, max_share=0.6)
    },
    'no mixing': {'model.mixing': None},
    'pixel weights': {
        'model.pseudo_labeler': dict(
            _delete_=True, type='PixelConfidence', exponent=1.0
        )
    },
    'median weights': {
        'model.pseudo_labeler': dict(
            _delete_=True, type='ClassMedian', cap=0.9, scope='image'
        )
    },
    'no strong augmentation': {'model.augmentation': None},
}

#: Losses on unlabelled images, with the weights of their papers.
UNLABELED_LOSSES: dict[str, dict[str, Any]] = {
    'entropy loss': dict(type='EntropyLoss', loss_weight=0.001),
    'maximum squares loss': dict(
        type='MaximumSquaresLoss', loss_weight=0.1, image_wise_weighting_ratio=0.2
    ),
}

#: A light discriminator that tells the domains apart within a few hundred steps, and
#: has a say in the generator's gradient. As it is in the paper it has not: each layer
#: with PyTorch's own initialization shrinks what passes through.
FASTER_DISCRIMINATOR = {
    'model.discriminator.init_cfg': dict(
        type='Kaiming', layer='Conv2d', a=0.2, mode='fan_in', nonlinearity='leaky_relu'
    ),
    'optim_wrapper.discriminator.optimizer.lr': 1e-3,
    'model.adv_weight': 0.01,
}

_CAMERA = dict(
    type='CameraEffects', blur_sigma=(0.1, 1.5), noise_sigma=(0, 16), prob=0.5
)


def component_rows(world: World) -> list[Row]:
    """Rows that have one component more or other than one of four baselines.

    These are source-only, DSC, the mean teacher and MPL, all with photometric
    distortion of the source images.
    """

    def fourier_style(cfg: Config) -> None:
        images = world.target_images()
        style = dict(type='FourierStyle', images=images, beta=0.02, prob=0.8)
        after_resizing(style)(cfg)

    dsc = adapted_row(world, 'DSC', ' + aug')
    mean_teacher = changed(adapted_row(world, 'mean teacher', ' + aug'), 'mean teacher')
    pretrained = changed(
        mean_teacher,
        'mean teacher, pretrained',
        {'model.generator.checkpoint_prefix': 'generator.segmentor.'},
        start={dsc.name: ['model.generator.checkpoint']},
    )
    mpl = changed(adapted_row(world, 'DSC + MPL', ' + aug'), 'MPL')
    return [
        source_row(world, 'source-only + aug', distorted),
        source_row(world, 'rare classes', distorted, rare_classes),
        source_row(world, 'camera effects', distorted, before_packing(_CAMERA)),
        source_row(world, 'Fourier style', distorted, fourier_style),
        *(
            changed(
                dsc, name, {'model.adv_weight': 0.0, 'model.unlabeled_losses': [loss]}
            )
            for name, loss in UNLABELED_LOSSES.items()
        ),
        dsc,
        longer(dsc, 'DSC, twice as long', world.epochs, 2),
        changed(dsc, 'DSC, faster discriminator', FASTER_DISCRIMINATOR),
        mean_teacher,
        *(
            changed(mean_teacher, f'mean teacher, {name}', part)
            for name, part in MEAN_TEACHER_PARTS.items()
        ),
        pretrained,
        changed(
            pretrained,
            'mean teacher, pretrained, median weights',
            MEAN_TEACHER_PARTS['median weights'],
        ),
        mpl,
        changed(
            mpl,
            'MPL, student from scratch',
            {'model.student_checkpoint': None},
            start={dsc.name: ['model.teacher_checkpoint.checkpoint']},
        ),
    ]


def component_study(
    world: World, title: str, introduction: str, seeds: Sequence[int] = (0, 1, 2)
) -> Study:
    """What single components add."""
    rows = component_rows(world)
    names = [row.name for row in rows]
    source = 'source-only + aug'
    of_source = ('rare classes', 'camera effects', 'Fourier style', *UNLABELED_LOSSES)
    of_dsc = (*UNLABELED_LOSSES, 'DSC, twice as long', 'DSC, faster discriminator')
    pretrained = 'mean teacher, pretrained'
    both = f'{pretrained}, median weights'
    pairs = [
        *((name, source) for name in (*of_source, 'DSC + aug')),
        ('DSC, faster discriminator', source),
        ('mean teacher', source),
        *((name, 'DSC + aug') for name in of_dsc),
        *((f'mean teacher, {name}', 'mean teacher') for name in MEAN_TEACHER_PARTS),
        (pretrained, 'mean teacher'),
        ('MPL', 'MPL, student from scratch'),
        ('MPL', 'DSC + aug'),
        *(
            (name, baseline)
            for name in (pretrained, both)
            for baseline in (source, 'DSC + aug', 'DSC, twice as long', 'MPL')
        ),
        (both, pretrained),
    ]
    note = (
        '`MPL` and `mean teacher, pretrained` go on from the end of `DSC + aug`, MPL '
        'for half as many epochs; `DSC, twice as long` has as many steps as the latter '
        "has in all. `faster discriminator`: He et al.'s initialization, and ten times "
        'the learning rate and the adversarial weight of the paper.'
    )
    of_discriminators = ['DSC + aug', *of_dsc[-2:]]
    return Study(
        title,
        introduction,
        seeds,
        rows,
        changes=[world.unlabeled_figures],
        tables=[
            Table('Components', names, FIGURES, note=note),
            discriminator_table(of_discriminators),
        ],
        differences=[Differences('What each component adds', pairs)],
        plots=[Plot('Components', 'bars', names)],
        decimals=DISCRIMINATOR_DECIMALS,
    )
