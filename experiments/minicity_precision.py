# Whether what makes training faster costs accuracy: memory layout and bfloat16.
from mmengine.config import Config as _Config

from segda_mm.experiments.adaptation_runs import schedule as _schedule

title = 'Channels last and bfloat16: does accuracy hold?'
introduction = (
    'BiSeNet-R18 with a quarter of its channels, trained from scratch on the 200 labelled images of '
    'the real look of the miniature world for 6 epochs of 50 steps (19 classes, 256x128, batches of '
    '4), evaluated on 60 images of other cities. Each row is the same training but for memory layout '
    'and precision; `python tools/dataset_converters/make_minicity.py` writes the images.'
)
seeds = [0, 1, 2]

_segmentor = _Config.fromfile(
    'configs/_base_/models/bisenetv1_r18_quarter.py'
).segmentor.to_dict()
_segmentor.pop('data_preprocessor')
_config = 'configs/supervised/supervised_bisenetv1-r18_minicity-cityscapes-128x256.py'
common_options = {**_schedule(6), 'train_cfg.val_interval': 6, 'model': _segmentor}
runs = {
    'float32, channels first': dict(
        config=_config, options={'default_hooks.channels_last': None}
    ),
    'float32, channels last': dict(config=_config),
    'bfloat16, channels last': dict(
        config=_config,
        options={'optim_wrapper.type': 'GradientAveragingBFloat16OptimWrapper'},
    ),
}
tables = [
    dict(
        name='precision',
        title='Accuracy',
        runs=list(runs),
        figures={
            'mIoU': 'mIoU',
            'aAcc': 'aAcc',
            'pixel_precision': 'precision per pixel',
        },
    )
]
comparisons = [
    dict(
        name='differences',
        title='Against the plain training',
        figure='mIoU',
        pairs=[
            ('float32, channels last', 'float32, channels first'),
            ('bfloat16, channels last', 'float32, channels first'),
        ],
    )
]
discussion = (
    'Channels last changes mIoU by <<mIoU: float32, channels last - float32, channels first>> (each seed: '
    '<<each mIoU: float32, channels last - float32, channels first>>) and bfloat16 by <<mIoU: bfloat16, '
    'channels last - float32, channels first>> (<<each mIoU: bfloat16, channels last - float32, channels '
    'first>>). Sums are rounded in another order, so that single runs part; what counts is that the '
    'differences have no sign of their own beside the spread over seeds. Prediction and evaluation are '
    'in float32 in all rows.'
)
