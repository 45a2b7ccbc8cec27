"""What the loop refuses, and what MPLTrainLoop tells the model."""

import pytest


def _train(toy, tmp_path, dataloader=None, **changes):
    config = toy.toy_config(work_dir=tmp_path, max_epochs=2, **changes)
    config['train_dataloader'].update(dataloader or {})
    runner = toy.ToyRunner(**config)
    runner.train()
    return runner


@pytest.mark.parametrize(
    'dataloader, message',
    [
        (
            dict(sampler=dict(type='DefaultSampler')),
            r'train_dataloader\.sampler is a DefaultSampler',
        ),
        (
            dict(num_workers=1, persistent_workers=True),
            r'train_dataloader\.persistent_workers is True',
        ),
        (dict(batch_size=13, drop_last=True), 'an epoch has no batch'),
    ],
)
def test_unresumable_data_loaders_are_refused(toy, tmp_path, dataloader, message):
    with pytest.raises(ValueError, match=message):
        _train(toy, tmp_path, dataloader)


def test_a_built_data_set_without_seeds_is_refused(toy, tmp_path):
    with pytest.raises(ValueError, match='without `set_epoch`'):
        _train(toy, tmp_path, dict(dataset=toy.ToyImages()))


def test_a_seeded_data_set_is_not_wrapped_twice(toy, tmp_path):
    dataset = dict(type='CounterSeededDataset', dataset=dict(type='ToyImages'))
    runner = _train(toy, tmp_path, dict(dataset=dataset))
    assert isinstance(runner.train_dataloader.dataset.dataset, toy.ToyImages)


def test_mpl_loop_tells_completed_epochs(toy, tmp_path):
    told = []

    class Listener(toy.ToyAdversarial):
        def set_progress(self, epoch, max_epochs):
            told.append((epoch, max_epochs))

    _train(
        toy,
        tmp_path,
        model=Listener(),
        train_cfg=dict(type='MPLTrainLoop', max_epochs=2),
    )
    assert told == [(0, 2)] * 6 + [(1, 2)] * 6


def test_mpl_loop_refuses_a_model_without_progress(toy, tmp_path):
    with pytest.raises(TypeError, match='has no `set_progress`'):
        _train(toy, tmp_path, train_cfg=dict(type='MPLTrainLoop', max_epochs=2))


def test_a_model_that_waits_for_progress_is_refused(toy, tmp_path):
    class Listener(toy.ToyAdversarial):
        def set_progress(self, epoch, max_epochs):
            raise AssertionError

    with pytest.raises(TypeError, match="use train_cfg.type='MPLTrainLoop'"):
        _train(toy, tmp_path, model=Listener())
