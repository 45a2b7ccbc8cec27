"""Config keys which nothing would read."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from segda_mm.errors import PreflightError

from .preflight_arguments import arguments_of, component_names, find_components
from .preflight_variables import unread_names

#: Keys at the top of a config that the Runner does not take as arguments: its
#: own ``cfg.get`` calls, and what the tools read.
_TOOL_KEYS = (
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'labeler',
    'make_data',
    'miniature_config',
    'model_wrapper_cfg',
    'optional_checkpoints',
    'runner_type',
    'sync_bn',
    'tta_model',
    'tta_pipeline',
)

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_LOADER_EXTRAS = {
    'collate_fn',
    'disable_subprocess_warning',
    'num_batch_per_epoch',
    'worker_init_fn',
}

#: The Runner's own hooks, by the name under which a config changes them.
_HOOKS = ('checkpoint', 'logger', 'param_scheduler', 'runtime_info', 'timer')

#: What MMEngine's own constructor of optimizer wrappers looks for.
_PARAMWISE_KEYS = {
    'bias_decay_mult',
    'bias_lr_mult',
    'bypass_duplicate',
    'custom_keys',
    'dcn_offset_lr_mult',
    'dwconv_decay_mult',
    'flat_decay_mult',
    'norm_decay_mult',
}

#: Keys of typed entries that their builders take out first, by the name of the
#: entry.
_BUILDER_KEYS = {
    'norm_cfg': {'requires_grad'},
    'init_cfg': {'override', 'layer', 'bias', 'bias_prob', '_params_init_info'},
    'act_cfg': {'inplace'},
    'param_scheduler': {'convert_to_iter_based', 'epoch_length'},
    'default_hooks': {'priority'},
    'custom_hooks': {'priority'},
    'val_cfg': {'fp16'},
    'test_cfg': {'fp16'},
    'train_cfg': {'by_epoch'},
    'optim_wrapper': {'constructor', 'paramwise_cfg'},
}

#: What an entry at the top of a config is where it has no ``type``.
_DEFAULT_TYPES = {
    'log_processor': 'LogProcessor',
    'optim_wrapper': 'OptimWrapper',
    'test_cfg': 'TestLoop',
    'val_cfg': 'ValLoop',
    'visualizer': 'Visualizer',
}

_MEANINGS = {'_scope_', 'type'}


def check_keys(cfg: Config) -> None:
    """Refuse a config with keys that nothing reads.

    Looked at are the names at the top of the config's files, and the keys of
    every entry whose reader can be told: those with a ``type``, data loaders,
    optimizer wrappers and the Runner's own settings. Entries of a free form,
    as ``model.test_cfg``, and constructors that hand their ``**kwargs`` to
    something else are left to whoever reads them.

    Raises:
        PreflightError: naming each key, the nearest known one and the remedy.
    """
    # `test_pipeline` is what MMSegmentation's own inference reads.
    known = _top_keys() | {'test_pipeline'}
    unread = unread_names(cfg.filename, known) if cfg.filename else []
    problems = [
        f'{file}: nothing reads {name}{_nearest(name, _top_keys())} A name that is '
        'set again does not reach the places where a base config has used it: set '
        'the entry itself. Rename what is a mere note to begin with an underscore'
        for file, name, offered in unread
        if not offered or _is_misspelling(name, _top_keys())
    ]
    for name in sorted(_top_keys() & set(cfg)):
        if isinstance(cfg[name], dict | list | tuple):
            problems += _problems(cfg[name], name, name)
    if problems:
        where = f'{cfg.filename}: ' if cfg.filename else ''
        raise PreflightError(
            f'{where}the config has keys that nothing reads:'
            + ''.join(f'\n- {problem}' for problem in problems)
            + '\nCorrect them, or take them out.'
        )


def check_option(cfg: Config, dotted_key: str) -> None:
    """Refuse an override that would change nothing.

    Args:
        cfg: the config before the override.
        dotted_key: where the override goes, as ``train_cfg.max_epochs``.

    Raises:
        PreflightError: naming the key and the nearest known one; or, of a
            variable that the config's files have used already, the entries that
            hold its value.
    """
    top = dotted_key.partition('.')[0]
    if top in cfg and 'model' in cfg and not _is_read(cfg, top):
        holders = [
            key
            for name in sorted(_top_keys() & set(cfg))
            if _is_read(cfg, name)
            for key in _places_of(cfg[top], cfg[name], name)
        ]
        instead = f': override {" or ".join(holders[:4])}' if holders else ''
        raise PreflightError(
            f'--cfg-options {dotted_key}: nothing reads {top} any more. It is a '
            'variable of the config files, which have put its value where it is '
            f'needed before the override{instead}'
        )
    node: object = cfg
    names = dotted_key.split('.')
    for depth, name in enumerate(names):
        where = '.'.join(names[:depth])
        if isinstance(node, list | tuple):
            if not name.isdigit() or int(name) >= len(node):
                raise PreflightError(
                    f'--cfg-options {dotted_key}: {where} is a list of {len(node)}, '
                    f'so that a number up to {len(node) - 1} must follow, not {name}'
                )
            node = node[int(name)]
        elif not isinstance(node, Mapping | Config):
            raise PreflightError(
                f'--cfg-options {dotted_key}: {where} is {node!r} and has no '
                f'entries; set {where} itself'
            )
        elif name in node:
            node = node[name]
        else:
            known = _known_keys(cfg, node, where)
            if known is None:
                # Who reads it cannot be told; only what looks like a
                # misspelling of a neighbour is refused.
                if not _is_misspelling(name, node):
                    return
                known = set(node)
            if name not in known | {'_delete_'}:
                raise PreflightError(
                    f'--cfg-options {dotted_key}: nothing reads {name} in '
                    f'{where or "a config"}{_nearest(name, known)}'
                )
            return


def _top_keys() -> set[str]:
    of_runner = set(inspect.signature(Runner.__init__).parameters)
    return of_runner - {'self', 'cfg'} | set(_TOOL_KEYS)


def _is_read(cfg: Config, top: str) -> bool:
    if top == 'data_preprocessor':
        # The Runner adds it to a model that has none.
        return 'data_preprocessor' not in cfg.model
    return top in _top_keys()


def _known_keys(cfg: Config, node: Mapping, where: str) -> set[str] | None:
    if not where:
        # A plan of self-training, which has no model, knows its keys itself.
        return _top_keys() if 'model' in cfg else None
    name = re.sub(r'(\.\d+)*$', '', where).rpartition('.')[2]
    readers = _readers(node, name, top=where.partition('.')[0])
    return None if readers is None else readers | set(node)


def _problems(node: object, key: str, name: str) -> Iterator[str]:
    """Sentences on the keys below a node; ``name`` is its own, or its list's."""
    if isinstance(node, list | tuple):
        for index, child in enumerate(node):
            yield from _problems(child, f'{key}.{index}', name)
    if not isinstance(node, dict):
        return
    kind = node.get('type')
    if isinstance(kind, str) and not find_components(kind):
        near = difflib.get_close_matches(kind, component_names(), n=1, cutoff=0.8)
        for other in near:
            yield f'{key}.type: there is no {kind}; did you mean {other}?'
        return
    readers = _readers(node, name, key.partition('.')[0])
    for entry, child in node.items():
        if key == 'default_hooks' and isinstance(child, dict) and 'type' not in child:
            yield f'{key}.{entry}: it has no `type`{_nearest(entry, _HOOKS)}'
        elif readers is not None and entry not in readers:
            of = f' of {kind}' if kind else ''
            yield f'{key}.{entry}: nothing{of} reads it{_nearest(entry, readers)}'
        else:
            inner = name if name in ('default_hooks', 'param_scheduler') else entry
            yield from _problems(child, f'{key}.{entry}', inner)
    if isinstance(node.get('paramwise_cfg'), dict) and 'constructor' not in node:
        for entry in node['paramwise_cfg']:
            if entry not in _PARAMWISE_KEYS:
                yield (
                    f'{key}.paramwise_cfg.{entry}: nothing reads it'
                    f'{_nearest(entry, _PARAMWISE_KEYS)}'
                )


def _readers(node: Mapping, name: str, top: str) -> set[str] | None:
    """The keys that an entry may have; None where they cannot be told.

    Args:
        node: the entry.
        name: its key, or that of the list it is in.
        top: the first key of its path.
    """
    if name in _LOADERS or (name == 'dataloader' and 'dataset' in node):
        return _parameters(DataLoader.__init__) | _LOADER_EXTRAS
    if name == 'randomness' == top:
        return _parameters(Runner.set_randomness)
    if name == 'auto_scale_lr' == top:
        return {'base_batch_size', 'enable'}
    if top == 'optim_wrapper' and 'optimizer' in node and 'type' not in node:
        return _parameters(OptimWrapper.__init__) | _BUILDER_KEYS[top] | _MEANINGS
    kind = node.get('type')
    if kind is None and name == top and 'constructor' not in node:
        kind = _DEFAULT_TYPES.get(name)
    if kind is None:
        return None
    components = find_components(kind) if isinstance(kind, str) else [kind]
    readers: set[str] = set()
    for component in components:
        arguments = arguments_of(component)
        if arguments is None:
            return None
        readers |= arguments
    extras = _BUILDER_KEYS.get(name, set())
    if top == 'optim_wrapper' and 'optimizer' in node:
        extras = _BUILDER_KEYS[top]
    return readers | extras | _MEANINGS if components else None


def _parameters(function: Callable) -> set[str]:
    return set(inspect.signature(function).parameters) - {'self'}


def _places_of(value: object, node: object, key: str) -> Iterator[str]:
    """Dotted keys below a node whose entries hold a value."""
    if node == value:
        yield key
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _places_of(value, child, f'{key}.{name}')
    elif isinstance(node, list | tuple):
        for index, child in enumerate(node):
            yield from _places_of(value, child, f'{key}.{index}')


def _is_misspelling(name: str, known: Iterable[str]) -> bool:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.85)
    return any(re.sub(r'\d', '', name) != re.sub(r'\d', '', key) for key in near)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = [key for key in known if isinstance(key, str)]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f'; did you mean {near[0]}?' if near else '.'
