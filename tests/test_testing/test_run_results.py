"""Two results are equal only if every bit of them is."""

import copy
import json

import pytest
import torch

from segda_mm.testing.run_results import find_difference, results_of_run

NAN = float('nan')


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        (torch.tensor([0.0]), torch.tensor([-0.0])),
        (torch.tensor([0]), torch.tensor([0], dtype=torch.int32)),
        (torch.zeros(2, 1), torch.zeros(1, 2)),
        (0.1 + 0.2, 0.3),
        (1, True),
        ([1], [1, 2]),
        (dict(a=1), dict(a=1, b=2)),
        (dict(a=1, b=2), dict(a=1)),
    ],
)
def test_what_differs_in_a_bit_differs(one, other):
    nans = dict(weights=torch.tensor([1.0, NAN]), rate=NAN, groups=[(0.9, 1)])
    assert find_difference(nans, copy.deepcopy(nans)) is None
    found = find_difference(dict(a=[0, dict(b=one)]), dict(a=[0, dict(b=other)]))
    assert found.startswith('a.1.b')


def test_results_are_those_that_a_repeated_run_has_too(tmp_path):
    def write(folder, seconds, figure):
        folder.mkdir()
        histories = {'train/time': seconds, 'train/loss': figure}
        content = dict(
            state_dict={},
            optimizer={},
            param_schedulers=[],
            meta=dict(epoch=1, iter=2),
            message_hub=dict(log_scalars=histories),
        )
        torch.save(content, folder / 'iter_2.pth')
        (folder / 'last_checkpoint').write_text('/elsewhere/iter_2.pth')
        origin = dict(labels_of=seconds, images=figure)
        (folder / 'manifest.json').write_text(json.dumps(origin))
        return results_of_run(folder)

    one = write(tmp_path / 'one', seconds=1, figure=5)
    assert find_difference(one, write(tmp_path / 'two', seconds=2, figure=5)) is None
    other = write(tmp_path / 'other', seconds=1, figure=6)
    assert find_difference(one, other) == 'iter_2.pth.logs.train/loss'
    del one['iter_2.pth'], other['iter_2.pth']
    assert find_difference(one, other) == 'manifest.json.images'
