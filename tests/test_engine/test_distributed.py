"""Which group of processes a launcher and a config ask for."""

from datetime import timedelta

import pytest
import torch

from segda_mm.engine import initialize_process_group


def test_missing_launcher_is_named(monkeypatch):
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError, match='torchrun'):
        initialize_process_group('pytorch')


@pytest.mark.parametrize('launcher', ['none', 'slurm', 'mpi'])
def test_other_launchers_are_left_to_the_runner(launcher):
    initialize_process_group(launcher)
    assert not torch.distributed.is_initialized()


@pytest.fixture
def started(monkeypatch):
    """What `init_process_group` is called with, on a machine without CUDA."""
    calls = []
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, '0')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(
        torch.distributed,
        'init_process_group',
        lambda *args, **kwargs: calls.append((args, kwargs)),
    )
    return calls


def test_backend_and_timeout_come_from_the_config(started, monkeypatch):
    nccl = dict(dist_cfg=dict(backend='nccl', timeout=90))
    initialize_process_group('pytorch', nccl)
    initialize_process_group('pytorch')
    assert started == [
        (('gloo',), dict(timeout=timedelta(seconds=90))),
        (('gloo',), dict(timeout=None)),
    ]
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'set_device', lambda device: None)
    initialize_process_group('pytorch', nccl)
    initialize_process_group('pytorch', dict(dist_cfg=dict(backend='gloo')))
    assert started[2:] == [
        ((), dict(backend='nccl', timeout=timedelta(seconds=90))),
        ((), dict(backend='gloo', timeout=None)),
    ]


@pytest.mark.parametrize(
    'dist_cfg, message',
    [
        (dict(backend='ncll'), r"dist_cfg\.backend is 'ncll'"),
        (dict(timeout=0), r'dist_cfg\.timeout is 0'),
        (dict(timeout='1h'), r"dist_cfg\.timeout is '1h'"),
    ],
)
def test_wrong_settings_are_named(started, dist_cfg, message):
    with pytest.raises(ValueError, match=message):
        initialize_process_group('pytorch', dict(dist_cfg=dist_cfg))
    assert not started
