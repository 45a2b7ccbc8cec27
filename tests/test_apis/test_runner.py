import pytest

from segda_mm.apis import PreflightError, build_runner, load_config
from segda_mm.engine.runner import AdaptationRunner


def test_runners_of_one_second_do_not_share_a_name_or_history(toy_config):
    first, second = (build_runner(load_config(toy_config)) for _ in range(2))
    assert isinstance(first, AdaptationRunner)
    assert first.experiment_name != second.experiment_name
    assert first.message_hub is not second.message_hub
    assert first.logger is not second.logger


def test_the_safe_runner_without_runner_type(toy_config):
    cfg = load_config(toy_config)
    cfg.pop('runner_type')
    assert type(build_runner(cfg)) is AdaptationRunner


def test_a_runner_that_runs_code_of_checkpoints_is_refused(toy_config):
    cfg = load_config(toy_config, ['runner_type=Runner'])
    with pytest.raises(PreflightError, match="runner_type is 'Runner', which runs"):
        build_runner(cfg)


def test_none_leaves_a_default_hook_out(toy_config):
    options = {'default_hooks.timer': None}
    hooks = build_runner(load_config(toy_config, options)).hooks
    names = {type(hook).__name__ for hook in hooks}
    assert 'IterTimerHook' not in names and 'CheckpointHook' in names
