"""Studies of what paper A tunes by: networks, optimizers and learning rates."""

from __future__ import annotations

from studies.adaptation import CONTINUED, adapted_row, changed, oracle_row
from studies.study import Differences, Plot, Study, Table
from studies.worlds import World, optimizer

#: Row -> the optimizer of the supervised network. That of paper A's best, SGD, is that
#: of the configs; it gives no rates of the others.
SUPERVISED_OPTIMIZERS = {
    'supervised, R18, Adam': dict(type='Adam', lr=1e-3, weight_decay=1e-4, fused=True),
    'supervised, R18, RMSprop': dict(
        type='RMSprop', lr=1e-3, momentum=0.9, weight_decay=1e-4
    ),
}

#: Row -> the optimizer of the discriminator, which is Adam in the configs.
DISCRIMINATOR_OPTIMIZERS = {
    'DSC, D with SGD': dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=1e-4),
    'DSC, D with RMSprop': dict(type='RMSprop', lr=1e-4),
}

#: Row -> learning rate of the training on pseudo labels.
LABEL_RATES = {
    f'DSC + PL, lr {rate}': float(rate)
    for rate in ('2.5e-2', '1.25e-2', '5e-2', '2.5e-4')
}

_FIGURES = {'mIoU': 'mIoU', 'pixel_precision': 'precision per pixel'}
_NOTE = 'The paper: Cityscapes at 1024x512, networks pretrained on ImageNet.'


def paper_a_study(world: World, title: str, introduction: str) -> Study:
    """The supervised rows of Table I, and Figures 4, 6 and 7."""
    supervised = oracle_row(world, 'supervised, R18')
    dsc = adapted_row(world, 'DSC')
    labels = adapted_row(world, 'DSC + PL')
    key = 'optim_wrapper.discriminator.optimizer'
    rows = [
        supervised,
        changed(supervised, 'supervised, R101', world.large_network),
        *(
            changed(supervised, name, *optimizer('optim_wrapper.optimizer', **settings))
            for name, settings in SUPERVISED_OPTIMIZERS.items()
        ),
        dsc,
        *(
            changed(dsc, name, *optimizer(key, **settings))
            for name, settings in DISCRIMINATOR_OPTIMIZERS.items()
        ),
        *(
            changed(labels, name, {'optim_wrapper.generator.optimizer.lr': rate})
            for name, rate in LABEL_RATES.items()
        ),
    ]
    r18 = ['supervised, R18', *SUPERVISED_OPTIMIZERS]
    discriminators = ['DSC', *DISCRIMINATOR_OPTIMIZERS]
    return Study(
        title,
        introduction,
        (0, 1, 2),
        rows,
        changes=[world.unlabeled_figures],
        tables=[
            Table(
                'Supervised networks (Table I)',
                ['supervised, R18', 'supervised, R101'],
                _FIGURES,
                by_class='iou',
                published={
                    'supervised, R18': (45.6, 71.5),
                    'supervised, R101': (54.7, 80.5),
                },
                note=_NOTE,
            ),
            Table(
                'Optimizers of the supervised network (Figure 4)',
                r18,
                _FIGURES,
                published={'supervised, R18': (53.0, 80.4)},
                note=_NOTE + ' It gives the value of SGD only, with ResNet-101.',
            ),
            Table(
                'Optimizers of the discriminator (Figure 6)',
                discriminators,
                _FIGURES,
                published={'DSC': (30.7, 70.6)},
                note=_NOTE,
            ),
            Table(
                'Learning rates of pseudo labels (Figure 7)',
                [*LABEL_RATES],
                _FIGURES,
                published={'DSC + PL, lr 1.25e-2': (32.3, 73.8)},
                note=_NOTE if world.fresh_students else f'{_NOTE} {CONTINUED}',
            ),
        ],
        differences=[
            Differences(
                'Differences',
                [
                    ('supervised, R101', 'supervised, R18'),
                    *((name, r18[0]) for name in SUPERVISED_OPTIMIZERS),
                    *((name, 'DSC') for name in DISCRIMINATOR_OPTIMIZERS),
                    *((name, 'DSC') for name in LABEL_RATES),
                ],
            )
        ],
        plots=[
            Plot('Figure 4', 'curves', r18),
            Plot('Figure 6', 'curves', discriminators),
            Plot('Figure 7', 'curves', [*LABEL_RATES]),
        ],
    )
