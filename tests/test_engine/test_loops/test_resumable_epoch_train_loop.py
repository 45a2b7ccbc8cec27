"""What the loops refuse, and what MPLTrainLoop tells the model."""

import pytest

from segda_mm.apis import PreflightError
from segda_mm.methods import MetaPseudoLabels


@pytest.mark.parametrize(
    'dataloader, message',
    [
        (dict(sampler=dict(type='DefaultSampler')), 'sampler is a DefaultSampler'),
        (dict(num_workers=1, persistent_workers=True), 'persistent_workers is True'),
        (dict(batch_size=5, drop_last=True), 'an epoch has no batch'),
    ],
)
def test_unresumable_data_loaders_are_refused(street, dataloader, message):
    with pytest.raises(PreflightError, match=message):
        street.train('refused', [], dict(train_dataloader=dataloader))


def test_mpl_loop_tells_completed_epochs(street, monkeypatch):
    told = []
    monkeypatch.setattr(
        MetaPseudoLabels, 'set_progress', lambda model, *progress: told.append(progress)
    )
    street.train('told', [], config=street.mpl)
    assert told == [(0, 2)] * 2 + [(1, 2)] * 2
    other = {'train_cfg.type': 'ResumableEpochTrainLoop'}
    with pytest.raises(PreflightError, match="use train_cfg.type='MPLTrainLoop'"):
        street.train('refused', [], other, config=street.mpl)


def test_mpl_loop_refuses_a_model_without_progress(street):
    with pytest.raises(PreflightError, match='has no `set_progress`'):
        street.train('refused', [], {'train_cfg.type': 'MPLTrainLoop'})
