"""Which group of processes a launcher and a config ask for."""

from datetime import timedelta

import pytest
import torch

from segda_mm.engine import initialize_process_group

ENVIRONMENT = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')


def test_missing_launcher_is_named(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError, match='torchrun'):
        initialize_process_group('pytorch')


def test_backend_and_timeout_come_from_the_config(monkeypatch):
    started = []
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, '0')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(
        torch.distributed,
        'init_process_group',
        lambda *args, **kwargs: started.append((args, kwargs)),
    )
    # Other launchers are left to the Runner.
    initialize_process_group('slurm')
    nccl = dict(dist_cfg=dict(backend='nccl', timeout=90))
    initialize_process_group('pytorch', nccl)
    initialize_process_group('pytorch')
    assert started == [
        (('gloo',), dict(timeout=timedelta(seconds=90))),
        (('gloo',), {}),
    ]
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'set_device', lambda device: None)
    initialize_process_group('pytorch', nccl)
    initialize_process_group('pytorch', dict(dist_cfg=dict(backend='gloo')))
    assert started[2:] == [
        ((), dict(backend='nccl', timeout=timedelta(seconds=90))),
        ((), dict(backend='gloo')),
    ]
