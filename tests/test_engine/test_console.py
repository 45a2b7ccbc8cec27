"""What a run shows on a console, with and without a terminal."""

import io
import sys

import pytest
from mmengine.logging import MMLogger
from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from segda_cli.main import main
from segda_mm.apis import PreflightError, load_config, train
from segda_mm.engine.console import quiet_console
from segda_mm.testing.toy_job import write_toy_job


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def config(tmp_path):
    return str(write_toy_job(tmp_path))


def test_short_lines_and_the_config_in_the_file_only(config, tmp_path, capsys):
    assert main(['train', config, '--no-report']) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) < 8 and max(map(len, told[:-1])) < 100
    assert told[-1] == f'results: {tmp_path / "work"}'
    assert sum(line.startswith('epoch 2/2 done, loss ') for line in told) == 1
    metrics = [line for line in told if line.startswith('validation: ')]
    assert metrics and 'mIoU' in metrics[0] and 'IoU.' not in metrics[0]
    (log,) = (tmp_path / 'work').glob('*/*.log')
    for kept in ('System environment', 'Config:', 'per class results', 'Epoch(train)'):
        assert kept in log.read_text()

    # A used folder is left alone, and that is all that is said.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / 'work').iterdir()}
    assert main(['train', config]) == 2
    out, err = capsys.readouterr()
    assert out == '' and err.count('\n') == 1
    assert 'work holds a run already (epoch_2.pth). Go on with it (--resume)' in err
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / 'work').iterdir()}
    assert after == before
    with pytest.raises(PreflightError, match='holds a run already'):
        train(load_config(config))
    assert main(['train', config, '--resume']) == 0
    # Tables are what a test is for.
    capsys.readouterr()
    assert main(['test', config, str(tmp_path / 'work' / 'epoch_2.pth')]) == 0
    told = capsys.readouterr().out
    assert '|  road ' in told and 'test: aAcc' in told and 'Config:' not in told
    assert (tmp_path / 'work' / 'epoch_2_metrics.json').is_file()


def test_rates_of_single_weights_are_not_told(capsys):
    logger = MMLogger.get_instance('rates')
    wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1.0))
    rates = dict(custom_keys=dict(weight=dict(lr_mult=2.0)))
    for told in (True, False):
        DefaultOptimWrapperConstructor(wrapper, rates)(nn.Linear(1, 1))
        out, err = capsys.readouterr()
        assert ('weight:lr=2.0' in out + err) is told
        quiet_console(logger)


def test_a_bar_on_a_terminal_and_the_error_after_it(config, monkeypatch, capfd):
    monkeypatch.setattr(sys, 'stdout', screen := Terminal())
    hook = 'default_hooks.finite_loss.type=FiniteLossHook'
    options = ('--cfg-options', 'optim_wrapper.optimizer.lr=nan', hook)
    assert main(['train', config, *options]) == 1
    shown = screen.getvalue()
    assert 'epoch 1/2' in shown and '/4' in shown
    assert 'Config:' not in shown
    assert sys.stdout is screen
    # The sentence is all that is left to see.
    assert capfd.readouterr().err.startswith('segda train: ')
