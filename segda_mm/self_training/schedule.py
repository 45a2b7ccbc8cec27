"""The length of a training in steps."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config

#: Checkpoints of a training whose length the plan gives.
NUM_CHECKPOINTS = 20


def set_length(cfg: Config, steps: int, batches_per_epoch: int) -> None:
    """Make a training about ``steps`` long, and its schedules with it.

    Trainings consist of whole epochs, so the number is rounded to them.
    Schedules that last to the end of the training end with the new end;
    others, as a warm-up, stay.

    Args:
        cfg: A whole config with ``train_cfg.max_epochs``, changed in place.
        steps: Wanted number of steps.
        batches_per_epoch: Steps of an epoch.
    """
    epochs = max(1, round(steps / batches_per_epoch))
    whole = cfg.train_cfg.max_epochs
    schedulers = list(_schedulers(cfg.get('param_scheduler')))
    last_step = max(
        (s['end'] for s in schedulers if not s.get('by_epoch', True) and 'end' in s),
        default=0,
    )
    for scheduler in schedulers:
        end = scheduler.get('end')
        if end is None:
            continue
        if not scheduler.get('by_epoch', True):
            if end == last_step:
                scheduler['end'] = epochs * batches_per_epoch
        elif end >= whole:
            # Some end one epoch later, so that the last epoch still learns.
            scheduler['end'] = epochs + end - whole
    cfg.train_cfg.max_epochs = epochs
    checkpoint = dict(
        type='SafeCheckpointHook',
        by_epoch=True,
        interval=max(1, epochs // NUM_CHECKPOINTS),
        max_keep_ckpts=2,
        save_last=True,
    )
    cfg.merge_from_dict(dict(default_hooks=dict(checkpoint=checkpoint)))


def _schedulers(node: object) -> Iterator[dict]:
    if isinstance(node, list | tuple):
        for child in node:
            yield from _schedulers(child)
    elif isinstance(node, dict) and 'type' in node:
        yield node
    elif isinstance(node, dict):
        for child in node.values():
            yield from _schedulers(child)
