"""From drawn streets to real ones: what adapts a network that has learned something."""

from __future__ import annotations

from collections.abc import Callable

from mmengine.config import Config

from studies.changes import source_images, trained_for
from studies.study import Differences, Gap, Plot, Row, Study, Table

PAIR = 'bisenetv1-lite0_minicity2camvid-192x256'
SOURCE = f'configs/supervised/supervised_{PAIR}.py'
ADVERSARIAL = f'configs/adversarial/adversarial-dsc_{PAIR}.py'
MEAN_TEACHER = f'configs/mean_teacher/mean-teacher_{PAIR}.py'
#: Of 66 steps: 400 drawn images in batches of 6.
EPOCHS, EPOCHS_AFTER, EPOCHS_SHORT = 8, 2, 4
#: Of 50 steps: the 305 images of the target.
EPOCHS_ALONE = 3
#: Of what goes on from a trained network.
RATE_AFTER = 1e-3
TARGET = dict(
    type='CamVidImagesDataset',
    data_root='data/camvid',
    images='images/train',
    sequences=('0006R0', '0016E5'),
)
DISCRIMINATOR = {
    'discriminator.loss': 'loss of the discriminator',
    'discriminator.accuracy_source': 'right on the source',
    'discriminator.accuracy_target': 'right on the target',
    'generator.adversarial.gradient_ratio': 'adversarial gradient',
}


def averaged(cfg: Config) -> None:
    """Change: every figure is of the moving average of the weights, 100 steps wide."""
    cfg.default_hooks.ema = dict(type='EMAHook', momentum=0.01, update_buffers=True)
    cfg.train_cfg.val_interval = 1


def goes_on(key: str) -> dict:
    """Change: the lower rate of a training that goes on."""
    return {f'{key}.optimizer.lr': RATE_AFTER}


def adversarial(name: str, *changes: object) -> Row:
    """A row with a discriminator, from the trained source."""
    learns = {'optim_wrapper.discriminator.optimizer.lr': 1e-3}
    prefix = {'model.generator.checkpoint_prefix': ''}
    always = [trained_for(EPOCHS_AFTER), goes_on('optim_wrapper.generator')]
    start = {'source': ['model.generator.checkpoint']}
    return Row(name, ADVERSARIAL, [*always, learns, prefix, *changes], start)


def mean_teacher(name: str, *changes: object, after: str = 'source') -> Row:
    """A row with a mean teacher, from a trained source, read by its student."""
    always = [
        trained_for(EPOCHS_AFTER),
        goes_on('optim_wrapper.student_generator'),
        {
            'model.predict_on': 'student',
            'model.decay': 0.99,
            'model.pseudo_labeler.threshold': 0.9,
            'model.generator.checkpoint_prefix': '',
        },
    ]
    start = {after: ['model.generator.checkpoint']}
    return Row(name, MEAN_TEACHER, [*always, *changes], start)


def source_free(name: str, change: Callable[[Config], None]) -> Row:
    """A row of the trained source's network and images of the target alone."""
    prefix = {'model.generator.checkpoint_prefix': ''}
    always = [trained_for(EPOCHS_ALONE), goes_on('optim_wrapper.generator'), prefix]
    start = {'source': ['model.generator.checkpoint']}
    return Row(name, ADVERSARIAL, [*always, change], start)


def continued(name: str, *changes: object, after: str = 'source') -> Row:
    """A row that learns on from source labels: the control, and what changes it."""
    always = [trained_for(EPOCHS_AFTER), goes_on('optim_wrapper')]
    return Row(name, SOURCE, [*always, *changes], {after: ['load_from']})


def one_look(cfg: Config) -> None:
    """Change: streets of the game look alone."""
    source_images(cfg).data_root = 'data/minicity_game/gta5'


def real_labels(cfg: Config) -> None:
    """Change: the labels of the target; an epoch is 51 steps."""
    pipeline = cfg.train_dataloader.dataset.pipeline
    cfg.train_dataloader.dataset = dict(
        type='CamVidDataset',
        data_root=TARGET['data_root'],
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        sequences=TARGET['sequences'],
        pipeline=pipeline,
    )


def label_hook(cfg: Config, epochs: int) -> dict:
    """What labels the target by class medians before each epoch."""
    return dict(
        type='MedianThresholdPseudoLabelHook',
        epochs=list(range(epochs)),
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='dataset'),
        dataloader=dict(batch_size=1, num_workers=0, dataset=cfg.label_dataset),
    )


def pseudo_labels(cfg: Config) -> None:
    """Change: labels of class medians in the place of the discriminator's gradient."""
    cfg.model.adv_weight = 0.0
    cfg.model.target_loss_weight = 0.5
    cfg.train_dataloader.dataset.target.pipeline = cfg.pseudo_label_pipeline
    cfg.custom_hooks = [*cfg.custom_hooks, label_hook(cfg, EPOCHS_AFTER)]


def target_alone(cfg: Config) -> None:
    """Change: a mean teacher without a source."""
    cfg.train_dataloader.dataset = cfg.train_dataloader.dataset.target
    cfg.model.mixing = None
    trained_for(EPOCHS_ALONE)(cfg)


def tent(cfg: Config) -> None:
    """Change: normalisation layers that learn to be certain, without a source."""
    cfg.train_dataloader.dataset = cfg.train_dataloader.dataset.target
    cfg.model = dict(
        type='SourceFree',
        data_preprocessor=cfg.model.data_preprocessor,
        generator=cfg.model.generator,
        trained='norm',
        unlabeled_losses=[dict(type='EntropyLoss', loss_weight=1.0)],
        target_loss_weight=0.0,
    )
    del cfg.optim_wrapper['discriminator']
    cfg.custom_hooks = []


def own_medians(cfg: Config) -> None:
    """Change: all weights learn class-median labels of their own, without a source."""
    tent(cfg)
    cfg.model.update(trained='all', unlabeled_losses=[], target_loss_weight=1.0)
    cfg.train_dataloader.dataset.pipeline = cfg.pseudo_label_pipeline
    cfg.custom_hooks = [label_hook(cfg, EPOCHS_ALONE)]


def batch_norm(cfg: Config) -> None:
    """Change: statistics of the target, and no step."""
    tent(cfg)
    # No weight moves whose average could be taken.
    del cfg.default_hooks['ema']
    cfg.train_cfg.update(type='NoStepLoop', max_epochs=1)
    cfg.param_scheduler = []
    loader = dict(batch_size=6, num_workers=0, dataset=cfg.label_dataset)
    cfg.custom_hooks = [dict(type='AdaptiveBatchNormHook', dataloader=loader)]


def restyled(place: int, transform: dict) -> Callable[[Config], None]:
    """A change: source images in the style of target images."""

    def change(cfg: Config) -> None:
        source_images(cfg).pipeline.insert(place, dict(transform, images=TARGET))

    return change


def rare_classes(cfg: Config) -> None:
    """Change: drawn streets with rare classes are drawn more often."""
    drawn = dict(
        type='RareClassDataset',
        dataset=source_images(cfg),
        temperature=0.1,
        min_pixels_share=0.0015,
    )
    if 'source' in cfg.train_dataloader.dataset:
        cfg.train_dataloader.dataset.source = drawn
    else:
        cfg.train_dataloader.dataset = drawn


def on_target_frames(cfg: Config) -> None:
    """Change: evaluated on labelled frames of the target, for choosing alone."""
    cfg.test_dataloader.dataset.update(
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        sequences=('0006R0',),
    )


colors = restyled(2, dict(type='ColorStatistics', strength=(0.0, 1.0), prob=0.8))
fourier = restyled(3, dict(type='FourierStyle', beta=0.02, prob=0.5))
whole = {'model.mixing': None}
masked = {
    'model.masking': dict(type='BlockMask', ratio=0.7, block_size=32),
    'model.masked_loss_weight': 1.0,
}
# Pixels count by their confidence, all labels a quarter.
gentle = {
    'model.target_loss_weight': 0.25,
    'model.pseudo_labeler': dict(_delete_=True, type='PixelConfidence', exponent=4.0),
}
certain = {
    'model.adv_weight': 0.0,
    'model.unlabeled_losses': [dict(type='EntropyLoss', loss_weight=0.02)],
}

adapted = [
    # Of 0.001, the paper's weight, so short a training feels nothing.
    adversarial('DSC', {'model.adv_weight': 0.01}),
    adversarial('entropy', certain),
    adversarial('pseudo labels', pseudo_labels),
    mean_teacher('mean teacher'),
    mean_teacher('mean teacher, whole images', whole),
    mean_teacher('mean teacher, whole images, gentle', whole, gentle),
    mean_teacher('MIC', masked),
    mean_teacher('MIC, whole images', whole, masked),
    mean_teacher('MIC, whole images, rare classes', whole, masked, rare_classes),
    continued('colors', colors),
    continued('Fourier', fourier),
    continued('rare classes', rare_classes),
    source_free('no source: BatchNorm', batch_norm),
    source_free('no source: Tent', tent),
    source_free('no source: own medians', own_medians),
    mean_teacher('no source: mean teacher', target_alone),
    mean_teacher('no source: MIC', target_alone, masked),
]
CONTROL = 'source, longer'
SHORT, ONE_LOOK = 'source, 264 steps', 'one look, 264 steps'
EARLY, EARLY_CONTROL = 'early mean teacher', 'source, 264 and 132 steps'
trained = [
    Row('source', SOURCE, [trained_for(EPOCHS)]),
    continued(CONTROL),
    *adapted,
    # As many steps as of the control from its beginning.
    Row('oracle', SOURCE, [trained_for(13), real_labels]),
    Row(SHORT, SOURCE, [trained_for(EPOCHS_SHORT)]),
    Row(ONE_LOOK, SOURCE, [trained_for(EPOCHS_SHORT), one_look]),
    continued(EARLY_CONTROL, after=SHORT),
    mean_teacher(EARLY, whole, after=SHORT),
]
names = [row.name for row in adapted]
chosen_on = [
    Row(f'{row.name}; 0006R0', SOURCE, [on_target_frames], of=row.name)
    for row in trained
]
study = Study(
    'Drawn streets to real ones',
    'Source: 400 drawn streets of the varied look, 320x240, 19 classes mapped by name to '
    "CamVid's 11 (`one look`: the game look alone). Target: the 305 CamVid day frames of "
    '`0006R0` and `0016E5` in the training list, as images only; evaluated on the 101 '
    'frames of `0016E5` in the validation list. BiSeNet-Lite0 with ImageNet weights, '
    'full width, crops of 256x192, batches of 6, AdamW. `source` trains for 528 steps at '
    '2e-3; every row of adaptation goes on from it for 132 more at 1e-3, and so does '
    'its control, `source, longer`, on source labels alone; rows of `no source` for 150 '
    'steps of target images alone, and `BatchNorm` for none. All figures are of averaged '
    'weights (`EMAHook`, 100 steps wide), of the last step. The length of '
    'the source, the gentle labels and what was taken to further seeds followed what '
    'seed 0 had shown on these frames: of `Fourier`, seeds 1 and 2 alone confirm it. '
    'Labels of `0006R0` are there for choices without these frames. The rows of 264 '
    'steps tell what the looks of the drawn world bring, and what a mean teacher does that '
    'begins before its source is learned.',
    seeds=(0, 1, 2),
    rows=[*trained, *chosen_on],
    changes=[averaged],
    tables=[
        Table(
            'Results',
            [row.name for row in trained],
            {'mIoU': 'mIoU', 'aAcc': 'aAcc'},
            by_class='iou',
        ),
        Table(
            'On the frames that choices are made on',
            [row.name for row in chosen_on],
            {'mIoU': 'mIoU'},
        ),
        Table(
            'What the discriminator has learned',
            ['DSC'],
            DISCRIMINATOR,
            note='Over the last steps. One that cannot tell the domains apart has a loss '
            'of 0.6931; the adversarial gradient is a part of that of the source loss, '
            'in the decode head.',
        ),
    ],
    differences=[
        Differences('Every method against its control', [(n, CONTROL) for n in names]),
        Differences(
            'Self-training, with the source drawn alike',
            [('MIC, whole images, rare classes', 'rare classes')],
        ),
        Differences(
            'The drawn world, and when adaptation begins',
            [(SHORT, ONE_LOOK), (EARLY, EARLY_CONTROL)],
        ),
    ],
    gaps=[Gap('Share of the gap to the oracle', CONTROL, 'oracle', names)],
    plots=[Plot('Methods', 'bars', [row.name for row in trained])],
    decimals=dict(zip(DISCRIMINATOR, (4, 2, 2, 4), strict=True)),
)
