"""A training of fewer epochs."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config


def shorten(cfg: Config, epochs: int) -> dict[str, float]:
    """Options which end a training, and what is scheduled in it, earlier.

    Args:
        cfg: a config with ``train_cfg.max_epochs``.
        epochs: the new number of epochs.

    Returns:
        Dotted config keys and their new values, as ``cfg-options``: the last
        epoch, the end of every learning-rate schedule that lasts as long as
        the training, and the ramp of a loss-product feedback in proportion.
    """
    whole = cfg.train_cfg.max_epochs
    options = {'train_cfg.max_epochs': epochs}
    for key, scheduler in _schedulers(cfg.get('param_scheduler'), 'param_scheduler'):
        # Some end one epoch later, so that the last epoch still learns.
        beyond = scheduler.get('end', 0) - whole
        if beyond >= 0:
            options[f'{key}.end'] = epochs + beyond
    rule = cfg.model.get('feedback_rule', {})
    for name in ('growth_epochs', 'full_after_epoch'):
        if name in rule:
            options[f'model.feedback_rule.{name}'] = rule[name] * epochs / whole
    return options


def _schedulers(node: object, key: str) -> Iterator[tuple[str, dict]]:
    if isinstance(node, list | tuple):
        for index, child in enumerate(node):
            yield from _schedulers(child, f'{key}.{index}')
    elif isinstance(node, dict) and 'type' in node:
        yield key, node
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _schedulers(child, f'{key}.{name}')
