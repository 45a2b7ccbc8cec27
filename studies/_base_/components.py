# What the experiments on single components share: seeds, tables and comparisons.
from studies.component_runs import (
    MEAN_TEACHER_PARTS as _MEAN_TEACHER_PARTS,
)
from studies.component_runs import UNLABELED_LOSSES as _UNLABELED_LOSSES

_base_ = './discriminators.py'
seeds = [0, 1, 2]
_mean_teachers = [f'mean teacher, {name}' for name in _MEAN_TEACHER_PARTS]
_rows = [
    'source-only + aug',
    'rare classes',
    'camera effects',
    'Fourier style',
    *_UNLABELED_LOSSES,
    'DSC + aug',
    'DSC, twice as long',
    'DSC, faster discriminator',
    'mean teacher',
    *_mean_teachers,
    'mean teacher, pretrained',
    'mean teacher, pretrained, median weights',
    'MPL',
    'MPL, student from scratch',
]
tables = [
    dict(
        name='components',
        title='Components',
        runs=_rows,
        figures={
            'mIoU': 'mIoU',
            'aAcc': 'aAcc',
            'pixel_precision': 'precision per pixel',
        },
        note='`MPL` has a student that starts, as its teacher does, from the end of `DSC + aug`. Both '
        '`MPL` are shorter than the others, and go on from there; so do both `mean teacher, '
        'pretrained`, for as long as the others, so that `DSC, twice as long` has as many steps as '
        "these have in all. `faster discriminator`: weights from He et al.'s "
        'initialization, which keeps the size of what passes through the layers, and ten times the '
        'learning rate and the adversarial weight of the paper.',
    ),
    dict(
        _base_._discriminators,
        runs=['DSC + aug', 'DSC, twice as long', 'DSC, faster discriminator'],
    ),
]
comparisons = [
    dict(
        name='differences',
        title='What each component adds',
        figure='mIoU',
        pairs=[
            *(
                (name, 'source-only + aug')
                for name in (
                    'rare classes',
                    'camera effects',
                    'Fourier style',
                    *_UNLABELED_LOSSES,
                    'DSC + aug',
                    'DSC, faster discriminator',
                    'mean teacher',
                )
            ),
            *(
                (name, 'DSC + aug')
                for name in (
                    *_UNLABELED_LOSSES,
                    'DSC, twice as long',
                    'DSC, faster discriminator',
                )
            ),
            *(
                (name, 'mean teacher')
                for name in (*_mean_teachers, 'mean teacher, pretrained')
            ),
            ('MPL', 'MPL, student from scratch'),
            ('MPL', 'DSC + aug'),
            *(
                (name, baseline)
                for name in (
                    'mean teacher, pretrained',
                    'mean teacher, pretrained, median weights',
                )
                for baseline in (
                    'source-only + aug',
                    'DSC + aug',
                    'DSC, twice as long',
                    'MPL',
                )
            ),
            ('mean teacher, pretrained, median weights', 'mean teacher, pretrained'),
        ],
    )
]
discussion = (
    'The discriminator of DSC as it is in the paper has learned nothing by the end of so short a training '
    '(its loss is <<discriminator.loss: DSC + aug>>). The faster one has (<<discriminator.loss: DSC, faster '
    'discriminator>>), and its gradient has a say (<<generator.adversarial.gradient_ratio: DSC, faster '
    'discriminator>> of that of the source), but mIoU is at <<mIoU: DSC, faster discriminator - DSC + aug>> '
    'against DSC as it is (each seed: <<each mIoU: DSC, faster discriminator - DSC + aug>>): that the '
    'discriminator does not learn is not what keeps adversarial training from a gain here.'
)
plots = [
    dict(
        name='bars',
        title='mIoU of all components',
        kind='bars',
        figure='mIoU',
        runs=_rows,
    )
]
