# What paper A tunes, on the miniature world: networks, optimizers and rates. Its methods are
# compared in minicity_game2real.py.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import schedule as _schedule

title = 'Miniature world: networks, optimizers and learning rates'
introduction = (
    'The supervised rows of Table I, Table II and Figures 4, 6 and 7 of "Meta Pseudo Labels for '
    'Real-Time Semantic Segmentation", on the miniature world: 19 classes, 256x128, batches of 4, 200 '
    'images of each look to train on and 60 of other cities of the real look to evaluate on. '
    'Networks are BiSeNet with a quarter of their channels, from scratch; trainings take 6 epochs of '
    '50 steps, those with pseudo labels 3 more after DSC. Rates of Adam and RMSprop, which the paper '
    'does not give, are those of `configs/_base_/schedules`.')
seeds = [0, 1, 2, 3, 4]


def _network(depth):
    segmentor = _Config.fromfile(f'configs/_base_/models/bisenetv1_r{depth}_quarter.py').model
    segmentor = segmentor.to_dict()
    segmentor.pop('data_preprocessor')
    return segmentor


def _optimizer(**optimizer):
    return dict(_delete_=True, **optimizer)


_oracle = 'configs/supervised/supervised_bisenetv1-r18_1xb4_minicity-cityscapes-128x256.py'
_dsc = 'configs/adversarial/adversarial-dsc_bisenetv1-r18_1xb4_minicity-128x256.py'
_labels = 'configs/pseudo_label/pseudo-label-dsc_bisenetv1-r18_1xb4_minicity-128x256.py'
_both = ('generator', 'discriminator')
_small, _large = _network(18), _network(101)
_supervised = {**_schedule((), 6), 'model': _small}
_adversarial = {**_schedule(_both, 6), 'model.generator.segmentor': _small}
_after = {**_schedule(_both, 3), 'model.generator.segmentor': _small}
common_options = {'train_cfg.val_interval': 2}
runs = {
    'supervised, R18': dict(config=_oracle, options=_supervised),
    'supervised, R101': dict(config=_oracle, options={**_supervised, 'model': _large}),
    'supervised, R18, Adam': dict(
        config=_oracle,
        options={
            **_supervised, 'optim_wrapper.optimizer':
            _optimizer(type='Adam', lr=1e-3, weight_decay=1e-4, fused=True)
        }),
    'supervised, R18, RMSprop': dict(
        config=_oracle,
        options={
            **_supervised, 'optim_wrapper.optimizer':
            _optimizer(type='RMSprop', lr=1e-3, momentum=0.9, weight_decay=1e-4)
        }),
    'DSC': dict(config=_dsc, options=_adversarial),
    'DSC, D with SGD': dict(
        config=_dsc,
        options={
            **_adversarial, 'optim_wrapper.discriminator.optimizer':
            _optimizer(type='SGD', lr=1e-4, momentum=0.9, weight_decay=1e-4)
        }),
    'DSC, D with RMSprop': dict(
        config=_dsc,
        options={
            **_adversarial, 'optim_wrapper.discriminator.optimizer':
            _optimizer(type='RMSprop', lr=1e-4)
        }),
    'cost of FCD': dict(
        kind='measurement', command=['tools/analysis/discriminator_costs.py', 'FCDiscriminator']),
    'cost of DSC': dict(
        kind='measurement', command=['tools/analysis/discriminator_costs.py', 'DSCDiscriminator'])
}
_rates = {'2.5e-2': 2.5e-2, '1.25e-2': 1.25e-2, '5e-2': 5e-2, '2.5e-4': 2.5e-4}
for _name, _rate in _rates.items():
    runs[f'DSC + PL, lr {_name}'] = dict(
        config=_labels,
        options={**_after, 'optim_wrapper.generator.optimizer.lr': _rate},
        start_from=dict(run='DSC', keys=['model.generator.checkpoint']))
_pl = [f'DSC + PL, lr {name}' for name in _rates]
_optimizers = ['supervised, R18', 'supervised, R18, Adam', 'supervised, R18, RMSprop']
_discriminators = ['DSC', 'DSC, D with SGD', 'DSC, D with RMSprop']

_figures = {'mIoU': 'mIoU', 'pixel_precision': 'precision per pixel'}
_other_data = (
    'The figures of the paper are of Cityscapes at 1024x512, with networks pretrained on ImageNet.')
tables = [
    dict(
        name='table_1',
        title='Supervised networks (Table I)',
        runs=['supervised, R18', 'supervised, R101'],
        figures=_figures,
        per_class='iou',
        published={
            'supervised, R18': dict(mIoU=45.6, pixel_precision=71.5),
            'supervised, R101': dict(mIoU=54.7, pixel_precision=80.5)
        },
        note=_other_data),
    dict(
        name='table_2',
        title='Cost of the discriminators (Table II)',
        runs=['cost of FCD', 'cost of DSC'],
        figures={
            'parameters': 'parameters',
            'gflops': 'GFLOPs',
            'forward_ms': 'forward, ms',
            'training_ms': 'forward and backward, ms',
            'saved_mib': 'kept for the backward pass, MiB'
        },
        published={
            'cost of FCD': dict(parameters=2781000, gflops=30.89),
            'cost of DSC': dict(parameters=189424, gflops=2.147)
        },
        note='One map of 19 x 512 x 1024, batch 1, on the machine of the line.'),
    dict(
        name='figure_4_values',
        title='Optimizers of the supervised network (Figure 4)',
        runs=_optimizers,
        figures=_figures,
        published={'supervised, R18': dict(mIoU=53.0, pixel_precision=80.4)},
        note=_other_data + ' It gives the value of SGD only, with ResNet-101.'),
    dict(
        name='figure_6_values',
        title='Optimizers of the discriminator (Figure 6)',
        runs=_discriminators,
        figures=_figures,
        published={'DSC': dict(mIoU=30.7, pixel_precision=70.6)},
        note=_other_data),
    dict(
        name='figure_7_values',
        title='Learning rates of pseudo labels (Figure 7)',
        runs=_pl,
        figures=_figures,
        published={'DSC + PL, lr 1.25e-2': dict(mIoU=32.3, pixel_precision=73.8)},
        note=_other_data)
]
comparisons = [
    dict(
        name='differences',
        title='Differences',
        figure='mIoU',
        pairs=[('supervised, R101', 'supervised, R18'),
               ('supervised, R18, Adam', 'supervised, R18'),
               ('supervised, R18, RMSprop', 'supervised, R18'), ('DSC, D with SGD', 'DSC'),
               ('DSC, D with RMSprop', 'DSC'), *[(name, 'DSC') for name in _pl]])
]
plots = [
    dict(
        name='figure_4', title='Optimizers (Figure 4)', kind='curves', figure='mIoU',
        runs=_optimizers),
    dict(
        name='figure_6', title='Optimizers of the discriminator (Figure 6)', kind='curves',
        figure='mIoU', runs=_discriminators),
    dict(
        name='figure_7', title='Learning rates of pseudo labels (Figure 7)', kind='curves',
        figure='mIoU', runs=_pl)
]
decimals = dict(parameters=0, gflops=3, forward_ms=2, training_ms=2)
