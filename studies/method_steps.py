"""The training steps of all methods, on random images in the memory."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

from segda_mm.apis.training import enable_mixed_precision
from segda_mm.engine.hooks import HeadAccuracyHook
from segda_mm.registry import MODEL_WRAPPERS, MODELS
from segda_mm.testing import domain_batch, segmentation_batch
from studies.records import ROOT

#: Name of a method -> its config.
METHODS = dict(
    supervised='configs/supervised/supervised_bisenetv1-r18_gta5-720x1280.py',
    adversarial='configs/adversarial/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py',
    mpl='configs/mpl_bisenet_gta2cs.py',
    mean_teacher='configs/mean_teacher/mean-teacher_bisenetv1-r18_gta2cs-512x1024.py',
    mic='configs/mic/mic_bisenetv1-r18_gta2cs-512x1024.py',
    daformer='configs/daformer/daformer_mitb0_gta2cs-512x512.py',
    heavy_teacher=(
        'configs/heavy_teacher/heavy-teacher_mitb2-bisenetv1-r18_gta2cs-512x1024.py'
    ),
    tent='configs/source_free/tent_bisenetv1-r18_gta2cs-512x1024.py',
)
NUM_CLASSES = 19

Step = Callable[[], dict]


def method_config(method: str) -> Config:
    """The config of a method, which looks for no file."""
    cfg = Config.fromfile(ROOT / METHODS[method])
    init_default_scope(cfg.default_scope)
    _without_files(cfg.model)
    return cfg


def build_step(
    cfg: Config,
    device: str,
    batch_size: int,
    size: tuple[int, int],
    amp: bool = False,
) -> tuple[nn.Module, Step]:
    """The model of a method, from seed 0, and its training step.

    Each call of the step takes the same random images, and hooks of the config that
    make steps faster are in effect. In a group of processes the model is wrapped.
    """
    torch.manual_seed(0)
    if amp:
        enable_mixed_precision(cfg)
    # Optimizers would list every parameter.
    MMLogger.get_current_instance().setLevel('WARNING')
    model = MODELS.build(cfg.model).to(device).train()
    if cfg.default_hooks.get('channels_last') is not None:
        model.to(memory_format=torch.channels_last)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    is_pair = cfg.train_dataloader.dataset.type == 'DomainPairDataset'
    make = domain_batch if is_pair else segmentation_batch
    data = make(num_images=batch_size, size=size, num_classes=NUM_CLASSES)
    HeadAccuracyHook().before_train(SimpleNamespace(model=model))
    if get_world_size() > 1:
        model = MODEL_WRAPPERS.build(dict(cfg.model_wrapper_cfg, module=model))
    return model, lambda: model.train_step(data, optim_wrapper)


def _without_files(node: object) -> None:
    """Leave out pretrained weights, which change no time."""
    if isinstance(node, dict):
        node.update(dict.fromkeys({'init_cfg', 'checkpoint'} & set(node)))
    for part in node.values() if isinstance(node, dict) else node:
        if isinstance(part, dict | list | tuple):
            _without_files(part)
