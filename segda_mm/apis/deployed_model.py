"""A trained model, built from its config and read from a checkpoint."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.models import BaseSegmentor

from segda_mm.engine.resume import find_resumable_checkpoint
from segda_mm.errors import PreflightError
from segda_mm.methods import DomainAdaptiveSegmentor
from segda_mm.models.checkpoints import load_network_weights, only_plain_checkpoints
from segda_mm.registry import DATASETS, MODELS

from .checks.config_errors import config_errors
from .config import load_config
from .network_stride import pad_to_stride


def load_model(
    cfg: Config, checkpoint: str | Path, predict_on: str | None = None
) -> BaseSegmentor:
    """Build the model of a config with the weights of a checkpoint.

    Args:
        cfg: A whole config.
        checkpoint: A local checkpoint that fits the model exactly; its code is not run.
        predict_on: One of a method's roles, as ``'student'`` or ``'teacher'``; by
            default what the config says. It becomes that of ``cfg``.

    Returns:
        The model on the CPU, in evaluation mode. It pads images to what its network
        takes, see :func:`pad_to_stride`.

    Raises:
        PreflightError: The checkpoint is missing or does not fit, or
            ``predict_on`` is no role of the model.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    if predict_on is not None:
        roles = getattr(MODELS.get(cfg.model.type), 'ROLES', ())
        if predict_on not in roles:
            raise PreflightError(
                f'--predict-on {predict_on}: {cfg.filename} trains a {cfg.model.type}, '
                + (f'of {" and ".join(roles)}' if roles else 'with one network')
            )
        cfg.model.predict_on = predict_on
    with only_plain_checkpoints(), config_errors(cfg):
        model = MODELS.build(copy.deepcopy(cfg.model))
    try:
        load_network_weights(model, str(checkpoint), '')
    except (FileNotFoundError, ValueError) as error:
        raise PreflightError(str(error)) from error
    pad_to_stride(model)
    return model.eval()


def deployed_network(model: BaseSegmentor) -> BaseSegmentor:
    """The one segmentor of a model that predicts."""
    return model.deployed if isinstance(model, DomainAdaptiveSegmentor) else model


def deployed_config(cfg: Config, model: BaseSegmentor) -> dict:
    """The segmentor's entry in the config that :func:`deployed_network` was built of.

    A role that has a network of its own kind has an entry of its own.
    """
    if not isinstance(model, DomainAdaptiveSegmentor):
        return cfg.model
    own = cfg.model.get(f'{model.predict_on}_generator')
    return (own or cfg.model.generator).segmentor


def class_meta(cfg: Config) -> dict[str, list]:
    """Names (``classes``) and colours (``palette``) of the config's classes."""
    tested = cfg.test_dataloader.dataset
    metainfo = tested.get('metainfo') or DATASETS.get(tested.type).METAINFO
    return dict(
        classes=list(metainfo['classes']),
        palette=[[int(channel) for channel in color] for color in metainfo['palette']],
    )


def averaging_views(cfg: Config, module: Any) -> dict:
    """Config of ``tta_model`` around a model, which is built or a config itself."""
    wrapper = dict(cfg.tta_model, module=module)
    if wrapper['type'] == 'SegTTAModel':
        # mmseg's own keeps all views in memory, and the last one's logits.
        wrapper['type'] = 'SemanticTTA'
    return wrapper


def chosen_checkpoint(weights: Path) -> Path:
    """The checkpoint of a run folder: its best, else the latest; a file is itself.

    Raises:
        PreflightError: There is none.
    """
    if not weights.is_dir():
        if not weights.is_file():
            raise PreflightError(f'there is no run, checkpoint or graph {weights}')
        return weights
    best = [*weights.glob('best_*.pth')]
    latest = None if best else find_resumable_checkpoint(str(weights))
    if latest is not None:
        return Path(latest)
    found = best or [*weights.glob('*.pth'), *weights.glob('*.safetensors')]
    if not found:
        raise PreflightError(
            f'{weights} holds no checkpoint (.pth); name the work dir of a run, a '
            'checkpoint or an .onnx'
        )
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def config_of_checkpoint(checkpoint: Path, config: str | Path | None = None) -> Config:
    """A config, or by default that which lies beside a checkpoint.

    Raises:
        PreflightError: There is none, or several.
    """
    if config is None:
        beside = [*checkpoint.parent.glob('*.py')]
        same = [path for path in beside if path.stem == checkpoint.stem]
        if len(same or beside) != 1:
            raise PreflightError(
                f'{len(beside) or "no"} configs (.py) lie beside {checkpoint}; name '
                'the one that it was trained with (--config)'
            )
        (config,) = same or beside
    return load_config(config)
