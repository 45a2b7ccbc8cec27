"""The shipped configs of the methods, small enough to be trained in a second."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from segda_mm.datasets.formats.cityscapes_labels import THING_CLASSES
from segda_mm.minicity import write_cityscapes, write_gta5

from .tiny_models import tiny_bisenet, tiny_daformer, tiny_panoptic_deeplab

#: The config of each method, below ``configs``.
TINY_METHODS = dict(
    supervised='supervised/supervised_bisenetv1-r18_minicity-gta5-128x256.py',
    adversarial='adversarial/adversarial-dsc_bisenetv1-r18_minicity-128x256.py',
    pseudo_label='pseudo_label/pseudo-label-dsc_bisenetv1-r18_minicity-128x256.py',
    mpl='mpl/mpl-change-dsc_bisenetv1-r18_minicity-128x256.py',
    mean_teacher='mean_teacher/mean-teacher_bisenetv1-r18_minicity-128x256.py',
    daformer='mic/mic-daformer_lite0_minicity-128x256.py',
    heavy_teacher='heavy_teacher/heavy-teacher_lite0-bisenetv1-lite0_minicity-128x256.py',
    tent='source_free/tent_bisenetv1-lite0_minicity-128x256.py',
    own_medians='source_free/source-free-median_bisenetv1-lite0_minicity-128x256.py',
    mic='mic/mic_bisenetv1-r18_minicity-128x256.py',
    panoptic='panoptic_deeplab/panoptic-deeplab_r18_minicity-256x512.py',
)

_WIDTH, _HEIGHT = _SIZE = (128, 64)


def write_tiny_world(folder: Path) -> None:
    """Write the data of all methods: 8 source, 6 target and 1 validation image."""
    write_gta5(folder / 'gta5', num_images=8, seed=0, size=_SIZE)
    write_cityscapes(folder / 'cityscapes', train=6, val=1, seed=0, size=_SIZE)


def tiny_method_config(
    method: str, configs: str | Path, world: str | Path, num_workers: int = 0
) -> Config:
    """The shipped config of a method, with a tiny network and tiny images.

    It trains for two epochs in batches of two, from random weights, and writes a
    checkpoint after every step, of which it keeps two.

    Args:
        method: One of :data:`TINY_METHODS`, or a config of another method.
        configs: The folder of configs.
        world: What :func:`write_tiny_world` wrote.
        num_workers: Of every data loader.
    """
    cfg = Config.fromfile(Path(configs, TINY_METHODS.get(method, method)))
    if method == 'panoptic':
        size = (_HEIGHT + 1, _WIDTH + 1)
        cfg.model = tiny_panoptic_deeplab(19, THING_CLASSES, size)
    elif method == 'supervised':
        preprocessor = cfg.model.data_preprocessor
        cfg.model = dict(tiny_bisenet(19), data_preprocessor=preprocessor)
    else:
        large = method in ('daformer', 'heavy_teacher')
        cfg.model.generator.segmentor = (tiny_daformer if large else tiny_bisenet)(19)
    if method == 'heavy_teacher':
        cfg.model.light_generator.segmentor = tiny_bisenet(19)
    elif method == 'mpl':
        cfg.model.teacher_checkpoint = None
        cfg.model.student_checkpoint = None
    elif method in ('pseudo_label', 'tent', 'own_medians'):
        cfg.model.generator.checkpoint = None
    if method in ('pseudo_label', 'own_medians'):
        # The labels of epoch 1 must be found again after a kill in it.
        cfg.custom_hooks[-1].epochs = [0, 1]
    cfg.train_dataloader.batch_size = 2
    cfg.train_cfg.max_epochs, cfg.train_cfg.val_interval = 2, 10
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=1, max_keep_ckpts=2
    )
    loaders = 'train_dataloader', 'val_dataloader', 'test_dataloader'
    for key in (*loaders, 'custom_hooks'):
        _shrink(cfg[key], world, num_workers)
    return cfg


def _shrink(node: object, world: str | Path, num_workers: int) -> None:
    """Point a part of a config at the tiny world, and resize to its images."""
    if isinstance(node, dict):
        sizes = dict(
            num_workers=num_workers,
            scale=_SIZE,
            scales=[(_WIDTH * t // 10, _HEIGHT * t // 10) for t in (7, 10, 13)],
            crop_size=(_HEIGHT, _WIDTH),
        )
        for key, value in node.items():
            if key == 'data_root':
                node[key] = str(Path(world, Path(value).name))
            elif key in sizes:
                node[key] = sizes[key]
            else:
                _shrink(value, world, num_workers)
    elif isinstance(node, list | tuple):
        for value in node:
            _shrink(value, world, num_workers)
