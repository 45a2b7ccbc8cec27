from mmengine.runner import Runner

from segda_mm.apis import build_runner, load_config
from segda_mm.engine.runner import AdaptationRunner


def test_runners_of_one_second_do_not_share_a_name_or_history(toy_config):
    first, second = (build_runner(load_config(toy_config)) for _ in range(2))
    assert isinstance(first, AdaptationRunner)
    assert first.experiment_name != second.experiment_name
    assert first.message_hub is not second.message_hub
    assert first.logger is not second.logger


def test_plain_runner_without_runner_type(toy_config):
    cfg = load_config(toy_config)
    cfg.pop('runner_type')
    assert type(build_runner(cfg)) is Runner
