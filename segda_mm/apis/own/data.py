"""From the few settings of a file about own data to a whole config.

A file names a recipe of ``configs/own`` as its ``_base_`` and gives :data:`SETTINGS`.
What follows from them (classes of heads, loaders, schedules) can only be settled when
the file is read, for MMEngine merges the recipe before the file's own values.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from ..config_files import read_config
from .class_tables import (
    ClassTable,
    class_map_of,
    classes_of_checkpoint,
    mask_values,
    read_classes,
)
from .networks import NetworkConfig, read_network, without_pretraining
from .settings import NUMBERS, SETTINGS, complete, require_known

#: The feedback's ramp of the paper, in its 50 epochs.
_RAMP = dict(growth_epochs=40, full_after_epoch=25)


def is_own(cfg: Config) -> bool:
    """Whether a config is a file about own data that is not settled yet."""
    return 'recipe' in cfg


def is_setting(key: str) -> bool:
    """Whether a dotted key is of a setting, which is used up when a file is settled."""
    return key.partition('.')[0] in (*SETTINGS, *NUMBERS)


def with_recipe(cfg: Config, recipe: str) -> Config:
    """The settings of a file about own data, with another recipe of ``configs/own``."""
    if cfg.recipe.name == recipe:
        return cfg
    other = read_config(f'segda_mm::own/{recipe}.py')
    for name in SETTINGS:
        if name in cfg:
            other[name] = cfg[name]
    if 'rounds' in cfg:
        # The networks of a plan need no source where the plan needs none.
        other.recipe.source_free = cfg.recipe.get('source_free', False)
    object.__setattr__(other, '_filename', cfg.filename)
    return other


def settle(cfg: Config, overridden: Mapping[str, Any]) -> None:
    """Put into a config what follows from its settings, which leave it; in place.

    Entries that the file sets itself win over what follows.

    Args:
        cfg: A file about own data, as it was read.
        overridden: What of the settings does not come from the file, by dotted keys;
            in the config already.

    Raises:
        PreflightError: Naming the setting that is missing or wrong.
    """
    require_known(cfg)
    recipe = cfg.recipe
    settings = ConfigDict({name: cfg.pop(name, None) for name in SETTINGS})
    numbers = ConfigDict({name: cfg.pop(name, None) for name in NUMBERS})
    complete(settings, recipe)
    source_free = settings.source is None
    if settings.classes is None:
        settings.classes = classes_of_checkpoint(settings.init.checkpoint)
    classes = read_classes(settings.classes)
    target = None
    if source_free or (recipe.name != 'source_only' and settings.target is not None):
        target = _footage(settings.target)
    if 'rounds' in cfg:
        _settle_plan(cfg, target, overridden)
        if source_free:
            cfg.teacher.setdefault('checkpoint', settings.init.checkpoint)
            cfg.mix_labeled = False
            cfg.evaluation = dict(judged=settings.val is not None)
        return
    _settle_data(cfg, settings, numbers, classes, target)
    network = read_network(settings.network, len(classes.names))
    teacher = None
    if 'light_generator' in cfg.get('model', ()):
        teacher = read_network(settings.teacher_network, len(classes.names))
    if settings.init is None and recipe.get('needs_init'):
        settings.init = _result_of(recipe.after, cfg, settings)
        cfg.make_checkpoint = f'segda adapt {cfg.filename}'
    if settings.init is not None:
        without_pretraining(network.segmentor)
        network.segmentor.init_cfg = dict(
            type='StartingWeights',
            checkpoint=settings.init.checkpoint,
            prefix=settings.init.get('prefix'),
            head=settings.init.get('head', 'load'),
            classes=classes.names,
        )
    _settle_model(cfg, settings, network, teacher, classes)
    rates = numbers.learning_rates
    for name, member in _members(cfg.optim_wrapper).items():
        learner = network
        if teacher is not None and name != 'light_generator':
            learner = teacher
        rate = rates.get(learner.name) or rates.other
        _set_rate(member, rate, numbers.rate_factor)
    epochs = recipe.get('epochs') or settings.epochs
    cfg.param_scheduler = [
        dict(part, end=epochs + 1) if part.get('by_epoch', True) else part
        for part in cfg.param_scheduler
    ]
    cfg.train_cfg.max_epochs = epochs
    cfg.train_cfg.val_interval = max(1, epochs // 5)
    cfg.from_scratch = cfg.get('from_scratch') or network.from_scratch
    for unused in ('max_epochs', 'miniature_config'):
        cfg.pop(unused, None)


def _footage(target: Mapping) -> dict:
    images = target['images']
    images = [images] if isinstance(images, str) else list(images)
    return dict(target, type='FootageDataset', images=images)


def _labeled(
    entry: Any, settings: ConfigDict, own: ClassTable, key: str, pipeline: list
) -> dict:
    """A labelled data set whose classes are one's own."""
    if entry == 'minicity':
        drawn = read_classes('cityscapes')
        return dict(
            type='DrawnStreetsDataset',
            **settings.drawn,
            class_map=class_map_of(drawn, own, {}, key),
            metainfo=own.metainfo,
            pipeline=pipeline,
        )
    return dict(
        type='MaskedImagesDataset',
        **{
            k: entry[k] for k in ('images', 'labels', 'subset', 'exclude') if k in entry
        },
        label_table=mask_values(entry, own, key),
        metainfo=own.metainfo,
        pipeline=pipeline,
    )


def _settle_data(
    cfg: Config,
    settings: ConfigDict,
    numbers: ConfigDict,
    classes: ClassTable,
    target: dict | None,
) -> None:
    load, pack = dict(type='LoadImageFromFile'), dict(type='PackSegInputs')
    pack['meta_keys'] = cfg.meta_keys
    width, height = size = tuple(settings.size)
    resize = dict(type='Resize', scale=size, keep_ratio=False)
    flip, labels = dict(type='RandomFlip', prob=0.5), dict(type='LoadLabelIds')
    train_pipeline = [
        load,
        labels,
        dict(
            type='RandomResize',
            scale=size,
            ratio_range=tuple(numbers.scale_range),
            keep_ratio=False,
        ),
        dict(type='RandomCrop', crop_size=(height, width), cat_max_ratio=0.75),
        flip,
        dict(type='PhotoMetricDistortion'),
        pack,
    ]
    cfg.test_pipeline = [load, resize, labels, pack]
    views = [
        dict(resize, scale=(int(width * r), int(height * r)))
        for r in numbers.tta_ratios
    ]
    cfg.tta_pipeline[1].transforms[0] = views
    source = settings.source
    if source is not None:
        source = _labeled(source, settings, classes, 'source', train_pipeline)
    trained = source
    whole: dict = {}
    if target is not None:
        whole = dict(target, metainfo=classes.metainfo, pipeline=[load, resize, pack])
        hooks = cfg.get('custom_hooks', ())
        gets_labels = any(
            hook.type == 'MedianThresholdPseudoLabelHook' for hook in hooks
        )
        given = [dict(type='LoadPseudoLabels')] if gets_labels else []
        target['pipeline'] = [load, *given, resize, flip, pack]
        if numbers.recipe.name == 'source_only':
            # The network of a plan: the labels that it learns from come with it.
            trained = dict(whole, pipeline=train_pipeline)
        elif source is None or numbers.recipe.get('target_alone'):
            trained = dict(target, metainfo=classes.metainfo)
        else:
            trained = dict(
                type='DomainPairDataset', length='source', source=source, target=target
            )
        for hook in hooks:
            if 'dataloader' in hook:
                hook.dataloader.setdefault('dataset', whole)
                hook.dataloader.setdefault('batch_size', settings.batch_size)
    _derive(cfg, 'train_dataloader', dict(dataset=trained))
    cfg.train_dataloader.batch_size = settings.batch_size
    # Where nothing of the target is labelled, what can be seen is what was learned.
    name = 'source' if settings.val is None else 'val'
    tested = whole
    if settings[name] is not None:
        tested = _labeled(settings[name], settings, classes, name, cfg.test_pipeline)
    for loader in ('val_dataloader', 'test_dataloader'):
        _derive(cfg, loader, dict(dataset=tested))
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[loader].num_workers = settings.workers
    if settings.val is None:
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None


def _derive(cfg: Config, key: str, derived: dict) -> None:
    """Put an entry below what the file itself says there."""
    own = cfg.get(key) or {}
    cfg[key] = Config._merge_a_into_b(
        copy.deepcopy(own), ConfigDict(copy.deepcopy(derived))
    )


def _result_of(recipe: str, cfg: Config, settings: ConfigDict) -> dict:
    """What `segda adapt` leaves of a recipe, to start from."""
    folder = Path('work_dirs', Path(cfg.filename).stem, recipe)
    checkpoint = str(folder / f'epoch_{settings.epochs}.pth')
    return dict(checkpoint=checkpoint, discriminator_prefix='discriminator.')


def _settle_model(
    cfg: Config,
    settings: ConfigDict,
    network: NetworkConfig,
    teacher: NetworkConfig | None,
    classes: ClassTable,
) -> None:
    if 'generator' not in cfg.get('model', ()):
        segmentor = dict(network.segmentor, data_preprocessor=network.data_preprocessor)
        _derive(cfg, 'model', segmentor)
        return
    generator = dict(segmentor=network.segmentor, **network.generator)
    model = dict(data_preprocessor=network.data_preprocessor, generator=generator)
    if teacher is not None:
        # Its labels decide: images are normalised as it is used to. Layers of the light
        # one adapt to it.
        model = dict(
            data_preprocessor=teacher.data_preprocessor,
            generator=dict(segmentor=teacher.segmentor, **teacher.generator),
            light_generator=generator,
        )
    _derive(cfg, 'model', model)
    if settings.source is None and 'mixing' in cfg.model:
        # Of the source, parts would be pasted.
        cfg.model.mixing = None
    if 'discriminator' in cfg.model:
        cfg.model.discriminator.num_classes = len(classes.names)
    rule = cfg.model.get('feedback_rule', {})
    for key, of_paper in _RAMP.items():
        if rule.get(key) == of_paper:
            rule[key] = of_paper * settings.epochs / 50
    for role in ('student_checkpoint', 'teacher_checkpoint'):
        if role in cfg.model:
            # Both networks start by the segmentor's init_cfg.
            cfg.model[role] = None
    init = ConfigDict(settings.init or {})
    # That of pseudo labels is a new one, as in the paper.
    if 'teacher_checkpoint' in cfg.model and init.get('discriminator_prefix'):
        cfg.model.discriminator.init_cfg = dict(
            type='StrictPretrained',
            checkpoint=init.checkpoint,
            prefix=init['discriminator_prefix'],
        )
    cfg.model.generator.pop('checkpoint_prefix', None)


def _members(wrapper: ConfigDict) -> dict[str, ConfigDict]:
    """The optimizer wrappers of a config: one, or one for each network by its name."""
    if 'optimizer' in wrapper:
        return {'': wrapper}
    return {name: part for name, part in wrapper.items() if isinstance(part, dict)}


def _set_rate(member: ConfigDict, rate: ConfigDict, factor: float) -> None:
    if 'lr' in member.optimizer:
        return
    member.optimizer.lr = rate.lr * factor
    if member.get('paramwise_cfg') is None:
        member.paramwise_cfg = dict(
            custom_keys={rate.encoder: dict(lr_mult=rate.lr_mult)}
        )


def _settle_plan(
    cfg: Config, target: dict | None, overridden: Mapping[str, Any]
) -> None:
    """All networks of a plan are those of this very file, trained on the source."""
    # What was overridden holds for the networks of the plan as well.
    cfg['_settings'] = dict(overridden)
    _derive(cfg, 'teacher', dict(config=str(cfg.filename)))
    _derive(cfg, 'unlabeled', dict(target=dict(images=target)))
    cfg.rounds = copy.deepcopy(cfg.rounds)
    for part in cfg.rounds:
        part.student.setdefault('config', str(cfg.filename))
