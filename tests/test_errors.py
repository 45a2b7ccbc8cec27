from __future__ import annotations

import pickle

import pytest

from segda_mm.datasets import DataError, MissingDataError


@pytest.mark.parametrize(
    'error',
    [
        DataError('is broken', file='a/b.png', remedy='Mend it', name='b.png'),
        MissingDataError('does not exist', folder='a', expected='images'),
    ],
)
def test_errors_cross_process_borders_whole(error):
    assert str(error).startswith('a')
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    # PyTorch rebuilds a worker's error from its text alone.
    assert str(type(error)('all of it')) == 'all of it'
