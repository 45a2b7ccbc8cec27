"""The runs that compare the methods of adaptation on one pair of domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

_ADVERSARIAL = ('generator', 'discriminator')
_FOUR = (
    'student_generator',
    'student_discriminator',
    'teacher_generator',
    'teacher_discriminator',
)
_BOTH_ROLES = (
    'model.teacher_checkpoint.checkpoint',
    'model.student_checkpoint.checkpoint',
)

#: What the names of runs with photometric distortion of the source end with.
AUGMENTED = ' + aug'

#: The same, of those whose source images have the target's colors as well, and whose
#: network is evaluated with the BatchNorm statistics of the target.
TARGET_LOOK = ' + target look'

#: The same, of those that train three times as long.
LONG = ', long'


@dataclass(frozen=True)
class Method:
    """A method of adaptation.

    Attributes:
        config: Beginning of the name of its configs, below ``configs``.
        networks: That it trains.
        after: The method that it goes on from, if it does.
        keys: Of its config, which take the checkpoint of that one.
    """

    config: str
    networks: tuple[str, ...]
    after: str | None = None
    keys: tuple[str, ...] = ()


METHODS = {
    'FCD': Method('adversarial/adversarial-fcd', _ADVERSARIAL),
    'DSC': Method('adversarial/adversarial-dsc', _ADVERSARIAL),
    'DSC + PL': Method(
        'pseudo_label/pseudo-label-dsc',
        _ADVERSARIAL,
        'DSC',
        ('model.generator.checkpoint',),
    ),
    'DSC + MPL': Method('mpl/mpl-product-dsc', _FOUR, 'DSC', _BOTH_ROLES),
    'DSC + MPL (loss change)': Method('mpl/mpl-change-dsc', _FOUR, 'DSC', _BOTH_ROLES),
    'mean teacher': Method('mean_teacher/mean-teacher', ('student_generator',)),
}


@dataclass(frozen=True)
class World:
    """A pair of domains, and how long is trained on them.

    Attributes:
        source: What the names of its configs with ``bisenetv1-r18_`` end with, of the
            labelled source.
        pair: The same, of source and target together.
        target: The same, of the labelled target, for the oracle.
        segmentor: Config of the network of every method, without preprocessor.
        discriminator_channels: Of the layers of every discriminator; None: the
            paper's.
        photometric: The transform that ``+ aug`` inserts before the packing of the
            source images.
        epochs: Of a training from scratch.
        epochs_after: Of a method that goes on from another one.
        feedback: Arguments of ``LossProductFeedback``, to suit ``epochs_after``.
        source_images: Config of the labelled data set of the source, without pipeline.
        target_images: Config of the data set of target images, without pipeline.
        unlabeled: Config of a data loader over target images as they are evaluated.
    """

    source: str
    pair: str
    target: str
    segmentor: Mapping[str, Any]
    discriminator_channels: tuple[int, ...] | None
    photometric: Mapping[str, Any]
    epochs: int
    epochs_after: int
    feedback: Mapping[str, Any]
    source_images: Mapping[str, Any]
    target_images: Mapping[str, Any]
    unlabeled: Mapping[str, Any]


def adaptation_runs(world: World) -> dict[str, dict]:
    """The entries ``runs`` of an experiment.

    Every method twice, with and without photometric distortion of the source images,
    source-only in both ways, and the oracle. Then, trained on distorted source images
    alone, what is known of the target without a label: the statistics that its images
    leave in BatchNorm, their colors on the source's images, and both together, which
    is also tried with more images of rare classes. Methods with :data:`TARGET_LOOK`
    have both too; their mean teacher goes on from the end of DSC. Of what has it, all
    but the mean teacher and the rare classes is also trained three times as long, and
    so are the oracle and source-only with distortion.

    Args:
        world: The pair of domains.

    Returns:
        Name -> entry.
    """
    runs: dict[str, dict] = {}
    for suffix in ('', AUGMENTED):
        runs['source-only' + suffix] = source_run(
            world, source_pipeline(world, supervised_config(world.source), suffix)
        )
        for name in METHODS:
            runs[name + suffix] = adapted_run(world, name, suffix)
    runs['oracle'] = dict(
        config=supervised_config(world.target), options=supervised_options(world)
    )
    distorted = source_pipeline(world, supervised_config(world.source), AUGMENTED)
    colored = source_pipeline(world, supervised_config(world.source), TARGET_LOOK)
    batch_norm = _adaptive_batch_norm(world)
    runs['source-only + aug + BatchNorm'] = source_run(world, distorted, **batch_norm)
    runs['source-only + aug + colors'] = source_run(world, colored)
    for suffix, rare in (('', False), (' + rare classes', True)):
        runs['source-only' + TARGET_LOOK + suffix] = source_run(
            world, colored, rare=rare, **batch_norm
        )
    for name in ('DSC', 'DSC + PL'):
        runs[name + TARGET_LOOK] = adapted_run(world, name, TARGET_LOOK)
    runs['mean teacher' + TARGET_LOOK] = _pretrained_mean_teacher(world)
    for name in ('source-only' + AUGMENTED, 'source-only' + TARGET_LOOK, 'oracle'):
        runs[name + LONG] = longer(runs[name], world.epochs, 3)
    dsc, labels = 'DSC' + TARGET_LOOK, 'DSC + PL' + TARGET_LOOK
    for name, epochs in ((dsc, world.epochs), (labels, world.epochs_after)):
        runs[name + LONG] = longer(runs[name], epochs, 3)
    runs[labels + LONG]['start_from'] = dict(runs[labels]['start_from'], run=dsc + LONG)
    return runs


def validation_options(
    unlabeled: Mapping[str, Any], held_out: Mapping[str, Any]
) -> dict[str, Any]:
    """Options for the figures that a checkpoint can be chosen by.

    Args:
        unlabeled: Config of a data loader over target images.
        held_out: Config of a labelled data set of the source that is not trained on.
    """
    return {
        'default_hooks.target_entropy': dict(
            type='TargetEntropyHook', dataloader=unlabeled
        ),
        'default_hooks.source_validation': dict(
            type='SourceValidationHook',
            dataloader=dict(batch_size=1, num_workers=0, dataset=held_out),
            evaluator=dict(type='PerClassIoUMetric', iou_metrics=['mIoU']),
        ),
    }


def schedule(epochs: int) -> dict[str, Any]:
    """Options for the poly decay of the papers over a number of epochs.

    Args:
        epochs: Of the training.
    """
    # One more than there are: the last epoch still learns.
    poly = dict(
        type='PolyLR', power=0.9, eta_min=0, begin=0, end=epochs + 1, by_epoch=True
    )
    return {
        'param_scheduler': [poly],
        'train_cfg.max_epochs': epochs,
    }


def supervised_config(data: str) -> str:
    """Path of the config of a training on labels.

    Args:
        data: ``source`` or ``target`` of a :class:`World`.
    """
    return f'configs/supervised/supervised_bisenetv1-r18_{data}.py'


def source_run(
    world: World,
    pipeline: Sequence[Mapping[str, Any]],
    rare: bool = False,
    **options: Any,
) -> dict:
    """The entry of a training on source labels alone.

    Args:
        world: The pair of domains.
        pipeline: Of the source images.
        rare: Whether images of rare classes are drawn more often.
        options: Dotted keys -> values.
    """
    if rare:
        data = {'train_dataloader.dataset': rare_classes(world, pipeline)}
    else:
        data = {'train_dataloader.dataset.pipeline': pipeline}
    return dict(
        config=supervised_config(world.source),
        options={**supervised_options(world), **data, **options},
    )


def adapted_run(world: World, name: str, suffix: str) -> dict:
    """The entry of a method of adaptation.

    Args:
        world: The pair of domains.
        name: Key of :data:`METHODS`.
        suffix: :data:`AUGMENTED`, :data:`TARGET_LOOK` or nothing; also that of the
            name of the run that it goes on from.
    """
    method = METHODS[name]
    config = f'configs/{method.config}_bisenetv1-r18_{world.pair}.py'
    epochs = world.epochs if method.after is None else world.epochs_after
    pipeline = source_pipeline(world, config, suffix)
    options = {
        **schedule(epochs),
        'model.generator.segmentor': world.segmentor,
        'train_dataloader.dataset.source.pipeline': pipeline,
    }
    if name != 'mean teacher' and world.discriminator_channels is not None:
        options['model.discriminator.channels'] = world.discriminator_channels
    if name == 'DSC + MPL':
        for key, value in world.feedback.items():
            options[f'model.feedback_rule.{key}'] = value
    if any(network.startswith('student') for network in method.networks):
        options['default_hooks.agreement'] = dict(
            type='TeacherStudentAgreementHook', dataloader=world.unlabeled
        )
    if suffix == TARGET_LOOK:
        options.update(_adaptive_batch_norm(world))
    entry = dict(config=config, options=options)
    if method.after is not None:
        entry['start_from'] = dict(run=method.after + suffix, keys=list(method.keys))
    return entry


def source_pipeline(world: World, config: str, suffix: str) -> list[Mapping[str, Any]]:
    """The transforms of the source images of a config.

    Args:
        world: The pair of domains.
        config: Path of the config of a training on one or both of its domains.
        suffix: :data:`AUGMENTED`, with the photometric distortion of the world;
            :data:`TARGET_LOOK`, also with the target's colors; or nothing, without
            any.
    """
    dataset = Config.fromfile(config).train_dataloader.dataset
    pipeline = [
        step
        for step in dataset.get('source', dataset).pipeline
        if step['type'] != world.photometric['type']
    ]
    if suffix:
        pipeline.insert(len(pipeline) - 1, world.photometric)
    if suffix == TARGET_LOOK:
        colors = dict(
            type='ColorStatistics',
            images=world.target_images,
            strength=(0.0, 1.0),
            prob=0.8,
        )
        pipeline = source_with(colors, pipeline)
    return pipeline


def supervised_options(world: World) -> dict[str, Any]:
    """Options of every training on labels."""
    return {**schedule(world.epochs), 'model': world.segmentor}


def longer(entry: Mapping[str, Any], epochs: int, times: int) -> dict[str, Any]:
    """The entry of a training with a multiple of its epochs, validated as often.

    Args:
        entry: Of the training.
        epochs: Of the training as it is.
        times: Factor of the epochs.
    """
    options = {**schedule(times * epochs), 'train_cfg.val_interval': epochs}
    return dict(entry, options={**entry['options'], **options})


def rare_classes(world: World, pipeline: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The data set of the source that draws images of rare classes more often.

    Args:
        world: The pair of domains.
        pipeline: Of the source images.
    """
    return dict(
        _delete_=True,
        type='RareClassDataset',
        dataset=dict(world.source_images, pipeline=pipeline),
        temperature=0.1,
        min_pixels_share=0.0015,
    )


def source_with(
    transform: Mapping[str, Any], pipeline: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """A pipeline of source images with a transform more, behind their resizing."""
    resized = [step['type'] for step in pipeline].index('Resize') + 1
    return [*pipeline[:resized], transform, *pipeline[resized:]]


def _pretrained_mean_teacher(world: World) -> dict:
    entry = adapted_run(world, 'mean teacher', TARGET_LOOK)
    options = {
        **entry['options'],
        **schedule(world.epochs_after),
        'model.generator.checkpoint_prefix': 'generator.segmentor.',
        # As for pseudo labels, which go on from there as well.
        'optim_wrapper.student_generator.optimizer.lr': 1.25e-2,
    }
    start = dict(run='DSC' + TARGET_LOOK, keys=['model.generator.checkpoint'])
    return dict(entry, options=options, start_from=start)


def _adaptive_batch_norm(world: World) -> dict[str, Any]:
    return {
        'default_hooks.adaptive_batch_norm': dict(
            type='AdaptiveBatchNormHook',
            dataloader=dict(world.unlabeled, batch_size=4),
        )
    }
