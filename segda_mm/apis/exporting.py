"""From a method's checkpoint to a plain MMSegmentation segmentor."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from mmengine.config import Config
from mmseg.models import BaseSegmentor

from segda_mm.errors import PreflightError
from segda_mm.files import atomic_file
from segda_mm.methods import DomainAdaptiveSegmentor
from segda_mm.models.losses import PixelCrossEntropyLoss

from .deployed_model import build_model, class_meta, deployed_network, load_weights
from .write_atomically import write_text


def export_segmentor(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    predict_on: str | None = None,
) -> tuple[Path, Path]:
    """Write the network that predicts as a checkpoint and config of mmseg.

    The result needs nothing of this package: ``mmseg.apis.init_model(config,
    checkpoint)`` predicts with it.

    Args:
        cfg: the config of the run, as :func:`load_config` gives it.
        checkpoint: a local checkpoint of the run.
        out: the ``.pth`` to write; the config goes beside it as ``.py``.
        predict_on: ``'student'`` or ``'teacher'`` for a run of Meta Pseudo
            Labels; by default what its config says.

    Returns:
        The two files: config, checkpoint.

    Raises:
        PreflightError: the checkpoint is missing or does not fit,
            ``predict_on`` is given for a model with one network, or the
            network is made of parts that mmseg does not have.
    """
    model = build_model(cfg, predict_on)
    _require_plain(model, cfg)
    load_weights(model, checkpoint)
    segmentor = cfg.model
    if isinstance(model, DomainAdaptiveSegmentor):
        model, segmentor = model.deployed, cfg.model.generator.segmentor

    out = Path(out)
    config = out.with_suffix('.py')
    write_text(config, _plain_config(cfg, segmentor).pretty_text)
    content = dict(
        state_dict=model.state_dict(), meta=dict(dataset_meta=class_meta(cfg))
    )
    with atomic_file(out) as unfinished:
        torch.save(content, unfinished)
    return config, out


def _require_plain(model: BaseSegmentor, cfg: Config) -> None:
    own = {
        type(part).__name__
        for name, part in deployed_network(model).named_modules()
        # SegDataPreProcessor and CrossEntropyLoss take their places.
        if name != 'data_preprocessor'
        and not isinstance(part, PixelCrossEntropyLoss)
        and type(part).__module__.partition('.')[0] == 'segda_mm'
    }
    if own:
        names = sorted(name for name in own if not name.startswith('_'))
        raise PreflightError(
            f'{cfg.filename} predicts with {", ".join(names)}, which MMSegmentation '
            'alone cannot build, so there is no plain segmentor to export. Use the '
            'checkpoint with its own config, as tools/test.py does (--out writes '
            'predictions)'
        )


def _plain_config(cfg: Config, segmentor: dict) -> Config:
    preprocessor = dict(cfg.model.data_preprocessor, type='SegDataPreProcessor')
    # mmseg needs one of size and size_divisor while training only.
    preprocessor.pop('size_divisor', None)
    model = dict(copy.deepcopy(segmentor), data_preprocessor=preprocessor)
    _drop_pretrained(model)
    _replace_losses(model)
    pipeline = [
        dict(type='PackSegInputs') if step['type'] == 'PackSegInputs' else step
        for step in cfg.test_pipeline
        if step['type'] != 'LoadLabelIds'
    ]
    return Config(dict(default_scope='mmseg', model=model, test_pipeline=pipeline))


def _drop_pretrained(node: object) -> None:
    # The weights are in the checkpoint; the file they began with may be gone.
    if isinstance(node, dict):
        init_cfg = node.get('init_cfg')
        if isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained':
            node['init_cfg'] = None
        for child in node.values():
            _drop_pretrained(child)
    elif isinstance(node, list | tuple):
        for child in node:
            _drop_pretrained(child)


def _replace_losses(node: object) -> None:
    if isinstance(node, dict):
        if node.get('type') == 'PixelCrossEntropyLoss':
            node.update(type='CrossEntropyLoss', avg_non_ignore=True)
        for child in node.values():
            _replace_losses(child)
    elif isinstance(node, list | tuple):
        for child in node:
            _replace_losses(child)
