"""From a method's checkpoint to files that others read."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from segda_mm import __version__
from segda_mm.errors import PreflightError
from segda_mm.files import atomic_file, write_text
from segda_mm.models.checkpoints import (
    read_state_dict,
    sha256_of_file,
    under_prefix,
    write_safetensors,
)
from segda_mm.models.foreign_checkpoints import read_foreign_weights
from segda_mm.models.losses import PixelCrossEntropyLoss
from segda_mm.outputs import note_files, require_own_files

from .config import children
from .deployed_model import (
    class_meta,
    deployed_config,
    deployed_network,
    load_model,
)
from .onnx.export import export_onnx


def export(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    predict_on: str | None = None,
) -> Path:
    """Write the network that predicts as a file, which is returned.

    Args:
        cfg: The config of the run.
        checkpoint: A local checkpoint of the run.
        out: ``.pth`` for a plain segmentor of mmseg (:func:`export_segmentor`), or
            ``.onnx`` for a graph of logits (:func:`export_onnx`).
        predict_on: See :func:`load_model`.

    Raises:
        PreflightError: It has another suffix, or as the two functions.
    """
    suffix = Path(out).suffix
    if suffix == '.onnx':
        export_onnx(cfg, checkpoint, out, predict_on=predict_on)
    elif suffix == '.pth':
        export_segmentor(cfg, checkpoint, out, predict_on)
    else:
        raise PreflightError(f'{out}: the name of the file must end in .pth or .onnx')
    return Path(out)


def export_segmentor(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    predict_on: str | None = None,
) -> tuple[Path, Path]:
    """Write the network that predicts as a checkpoint and config of mmseg.

    ``mmseg.apis.init_model(config, checkpoint)`` and ``MMSegInferencer(config,
    checkpoint)`` predict with them, without this package.

    Args:
        cfg: The config of the run.
        checkpoint: A local checkpoint of the run.
        out: The ``.pth`` to write; the config goes beside it as ``.py``.
        predict_on: See :func:`load_model`.

    Returns:
        The two files: config, checkpoint.

    Raises:
        PreflightError: As :func:`load_model`, or the network is made of parts that
            mmseg does not have.
    """
    model = load_model(cfg, checkpoint, predict_on)
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
            'alone cannot build. Use the checkpoint with its own config'
        )
    segmentor = deployed_config(cfg, model)
    padding = getattr(model.data_preprocessor, 'test_cfg', None)
    model = deployed_network(model)
    out = Path(out)
    config = out.with_suffix('.py')
    require_own_files([out, config], filter(None, [checkpoint, cfg.filename]))
    write_text(config, _plain_config(cfg, segmentor, padding).pretty_text)
    content = dict(
        state_dict=model.state_dict(), meta=dict(dataset_meta=class_meta(cfg))
    )
    with atomic_file(out) as unfinished:
        torch.save(content, unfinished)
    note_files([out, config])
    return config, out


def _plain_config(cfg: Config, segmentor: dict, padding: dict | None) -> Config:
    preprocessor = dict(cfg.model.data_preprocessor, type='SegDataPreProcessor')
    if padding is not None:
        # Perhaps more than the config says: what the network takes.
        preprocessor['test_cfg'] = dict(padding)
    # mmseg needs one of size and size_divisor while training only.
    preprocessor.pop('size_divisor', None)
    model = dict(copy.deepcopy(segmentor), data_preprocessor=preprocessor)
    _simplify(model)
    pipeline = [
        dict(type='PackSegInputs') if step['type'] == 'PackSegInputs' else step
        for step in cfg.test_pipeline
        if step['type'] != 'LoadLabelIds'
    ]
    dataset = dict(type='BaseSegDataset', metainfo=class_meta(cfg), pipeline=pipeline)
    return Config(
        dict(
            default_scope='mmseg',
            model=model,
            test_pipeline=pipeline,
            test_dataloader=dict(dataset=dataset),
            visualizer=dict(type='SegLocalVisualizer', name='visualizer'),
        )
    )


def _simplify(node: Any) -> None:
    """Take out of a segmentor's config, in place, what mmseg cannot read or miss."""
    if isinstance(node, dict):
        init_cfg = node.get('init_cfg')
        # The weights are in the checkpoint; the file they began with may be gone.
        if isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained':
            node['init_cfg'] = None
        if node.get('type') == 'PixelCrossEntropyLoss':
            node.update(type='CrossEntropyLoss', avg_non_ignore=True)
    for _, child in children(node):
        _simplify(child)


def export_weights(
    checkpoint: str | Path,
    out: str | Path,
    network: str | None = None,
    foreign: bool = False,
) -> dict[str, str]:
    """Write the weights of one network as ``.safetensors``, or as a plain ``.pth``.

    Args:
        checkpoint: A local checkpoint of any method, ``.pth`` or ``.safetensors``.
        out: The file to write. A ``.pth`` tells classes and palette too, if
            ``checkpoint`` does.
        network: What the keys of the network begin with, and lose, as
            ``'teacher_generator.segmentor'``; ``''`` takes all weights. None: the
            only one there is.
        foreign: Take also what other programs write, as MMEngine's Runner or a model
            zoo; see :func:`~segda_mm.models.foreign_checkpoints.read_foreign_weights`.

    Returns:
        What the file says of itself: ``source``, ``source_sha256``, ``prefix``
        and ``writer``.

    Raises:
        PreflightError: ``out`` has another suffix, the checkpoint is missing or
            no plain one, or has several networks or none of that name.
    """
    suffix = Path(out).suffix
    if suffix not in ('.safetensors', '.pth'):
        raise PreflightError(
            f'{out}: the name of the file must end in .safetensors or .pth'
        )
    try:
        table: dict[str, list] = {}
        if foreign:
            state, table = read_foreign_weights(checkpoint)
        else:
            state = read_state_dict(checkpoint)
        require_own_files([out], [checkpoint])
        prefix = _prefix(state, network, checkpoint)
        metadata = dict(
            format='pt',
            source=Path(checkpoint).name,
            source_sha256=sha256_of_file(checkpoint),
            prefix=prefix,
            writer=f'segda-mm {__version__}',
        )
        part = under_prefix(state, prefix)
        if suffix == '.safetensors':
            write_safetensors(out, part, metadata)
        else:
            meta = dict(metadata, **(dict(dataset_meta=table) if table else {}))
            with atomic_file(out) as unfinished:
                torch.save(dict(state_dict=part, meta=meta), unfinished)
        note_files([out])
    except (FileNotFoundError, ValueError) as error:
        raise PreflightError(str(error)) from error
    return metadata


def _prefix(state: Iterable[str], network: str | None, checkpoint: str | Path) -> str:
    """What the keys of a network begin with, or of the only one where None is named."""
    known = ['']
    # A plain segmentor or classifier has no name in front of its parts.
    if not any(name.startswith('backbone.') for name in state):
        children = dict.fromkeys(name.partition('.')[0] for name in state)
        inner = {child: f'{child}.segmentor.' for child in children}
        known = [
            place if any(name.startswith(place) for name in state) else f'{child}.'
            for child, place in inner.items()
        ]
    if network is None and len(known) == 1:
        return known[0]
    if network is None:
        raise PreflightError(
            f'{checkpoint} holds {len(known)} networks; choose one with --network: '
            + ', '.join(known)
        )
    prefix = f'{network}.' if network and not network.endswith('.') else network
    if not any(name.startswith(prefix) for name in state):
        raise PreflightError(
            f'{checkpoint} has no weights under {prefix!r}; its networks: '
            + ', '.join(known)
        )
    return prefix
