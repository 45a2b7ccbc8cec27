# What the experiments on the tuning of paper A share: seeds, tables, comparisons and plots.
from studies.tuning_runs import (
    DISCRIMINATOR_OPTIMIZERS as _DISCRIMINATOR_OPTIMIZERS,
)
from studies.tuning_runs import LABEL_RATES as _LABEL_RATES
from studies.tuning_runs import (
    SUPERVISED_OPTIMIZERS as _SUPERVISED_OPTIMIZERS,
)

seeds = [0, 1, 2]
_figures = {'mIoU': 'mIoU', 'pixel_precision': 'precision per pixel'}
_other_data = 'The figures of the paper are of Cityscapes at 1024x512, with networks pretrained on ImageNet.'
tables = [
    dict(
        name='table_1',
        title='Supervised networks (Table I)',
        runs=['supervised, R18', 'supervised, R101'],
        figures=_figures,
        per_class='iou',
        published={
            'supervised, R18': dict(mIoU=45.6, pixel_precision=71.5),
            'supervised, R101': dict(mIoU=54.7, pixel_precision=80.5),
        },
        note=_other_data,
    ),
    dict(
        name='table_2',
        title='Cost of the discriminators (Table II)',
        runs=['cost of FCD', 'cost of DSC'],
        figures={
            'parameters': 'parameters',
            'gflops': 'GFLOPs',
            'forward_ms': 'forward, ms',
            'training_ms': 'forward and backward, ms',
            'saved_mib': 'kept for the backward pass, MiB',
        },
        published={
            'cost of FCD': dict(parameters=2781000, gflops=30.89),
            'cost of DSC': dict(parameters=189424, gflops=2.147),
        },
        note='One map of 19 x 512 x 1024, batch 1, on the machine of the line.',
    ),
    dict(
        name='figure_4_values',
        title='Optimizers of the supervised network (Figure 4)',
        runs=['supervised, R18', *_SUPERVISED_OPTIMIZERS],
        figures=_figures,
        published={'supervised, R18': dict(mIoU=53.0, pixel_precision=80.4)},
        note=_other_data + ' It gives the value of SGD only, with ResNet-101.',
    ),
    dict(
        name='figure_6_values',
        title='Optimizers of the discriminator (Figure 6)',
        runs=['DSC', *_DISCRIMINATOR_OPTIMIZERS],
        figures=_figures,
        published={'DSC': dict(mIoU=30.7, pixel_precision=70.6)},
        note=_other_data,
    ),
    dict(
        name='figure_7_values',
        title='Learning rates of pseudo labels (Figure 7)',
        runs=[*_LABEL_RATES],
        figures=_figures,
        published={'DSC + PL, lr 1.25e-2': dict(mIoU=32.3, pixel_precision=73.8)},
        note=_other_data,
    ),
]
comparisons = [
    dict(
        name='differences',
        title='Differences',
        figure='mIoU',
        pairs=[
            ('supervised, R101', 'supervised, R18'),
            ('supervised, R18, Adam', 'supervised, R18'),
            ('supervised, R18, RMSprop', 'supervised, R18'),
            ('DSC, D with SGD', 'DSC'),
            ('DSC, D with RMSprop', 'DSC'),
            *[(name, 'DSC') for name in _LABEL_RATES],
        ],
    )
]
plots = [
    dict(
        name='figure_4',
        title='Optimizers (Figure 4)',
        kind='curves',
        figure='mIoU',
        runs=['supervised, R18', *_SUPERVISED_OPTIMIZERS],
    ),
    dict(
        name='figure_6',
        title='Optimizers of the discriminator (Figure 6)',
        kind='curves',
        figure='mIoU',
        runs=['DSC', *_DISCRIMINATOR_OPTIMIZERS],
    ),
    dict(
        name='figure_7',
        title='Learning rates of pseudo labels (Figure 7)',
        kind='curves',
        figure='mIoU',
        runs=[*_LABEL_RATES],
    ),
]
decimals = dict(parameters=0, gflops=3, forward_ms=2, training_ms=2)
