"""Learning rates that end with the training, whatever its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmengine.config import Config

#: Schedules whose rate is 0 at their end, unless told otherwise, and by which entry.
_TO_ZERO = dict(
    PolyLR='eta_min', CosineAnnealingLR='eta_min', PolyParamScheduler='eta_min'
)

#: Entries of a feedback rule that count epochs.
_RAMP = ('growth_epochs', 'full_after_epoch')


def follow_epochs(cfg: Config, before: int | None, given: Sequence[str] = ()) -> None:
    """Let schedules, and the feedback's ramp, last as long as the training; in place.

    Those that lasted to its end end with the new one, by epoch or by step; others, as
    a warm-up, stay. A last one that would reach 0 while the training goes on lasts to
    its end too.

    Args:
        cfg: A whole config.
        before: ``train_cfg.max_epochs`` before it was overridden.
        given: Keys that were overridden by hand, which stay.
    """
    epochs = (cfg.get('train_cfg') or {}).get('max_epochs')
    if not epochs:
        return
    before = before or epochs
    for key, part in schedulers_of(cfg):
        end = part.get('end')
        if end is None or any(name.startswith(key) for name in given):
            continue
        by_epoch = part.get('by_epoch', True)
        if by_epoch and end >= before:
            # Some end one epoch later, so that the last epoch still learns.
            _move(part, end + epochs - before)
        elif not by_epoch and epochs != before and is_last(cfg, key):
            _move(part, round(end * epochs / before))
        if (
            by_epoch
            and part['end'] < epochs
            and is_last(cfg, key)
            and ends_at_zero(part)
        ):
            _move(part, epochs + 1)
    rule = (cfg.get('model') or {}).get('feedback_rule') or {}
    for name in _RAMP:
        key = f'model.feedback_rule.{name}'
        if name in rule and epochs != before and key not in given:
            rule[name] = rule[name] * epochs / before


def schedulers_of(cfg: Config) -> Iterator[tuple[str, dict]]:
    """The parts of ``param_scheduler`` and their keys, of all optimizers."""
    yield from _below(cfg.get('param_scheduler'), 'param_scheduler')


def ends_at_zero(part: dict) -> bool:
    """Whether nothing is learned behind the end of a schedule."""
    floor = _TO_ZERO.get(str(part.get('type')))
    return floor is not None and not part.get(floor) and not part.get('eta_min_ratio')


def is_last(cfg: Config, key: str) -> bool:
    """Whether no schedule of the same optimizer and kind ends later."""
    owner = key.rpartition('.')[0] if key[-1].isdigit() else key
    parts = dict(schedulers_of(cfg))
    part = parts[key]
    ends = [
        other['end']
        for name, other in parts.items()
        if name.startswith(owner)
        and other.get('end') is not None
        and other.get('by_epoch', True) == part.get('by_epoch', True)
    ]
    return part['end'] >= max(ends)


def _move(part: dict, end: int) -> None:
    if part.get('T_max') is not None:
        part['T_max'] += end - part['end']
    part['end'] = end


def _below(node: object, key: str) -> Iterator[tuple[str, dict]]:
    if isinstance(node, dict) and 'type' in node:
        yield key, node
        return
    entries = enumerate(node) if isinstance(node, list | tuple) else ()
    for name, child in node.items() if isinstance(node, dict) else entries:
        yield from _below(child, f'{key}.{name}')
