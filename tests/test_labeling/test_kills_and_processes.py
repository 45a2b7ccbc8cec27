"""Labels of several processes and of killed ones against those of one process."""

import json
import signal

import pytest

DATASET = dict(pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='dataset'))


def contents(folder):
    """Bytes of all files but those that name the network's origin alone."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


@pytest.fixture(scope='module')
def folders(semantic_job, label_elsewhere, tmp_path_factory):
    root = tmp_path_factory.mktemp('labels')

    def labelling(name, **options):
        return dict(semantic_job, out=str(root / name), **options)

    two, batch = dict(world_size=2), dict(num_workers=0, batch_size=3)
    codes = label_elsewhere(
        labelling('one', label=dict(num_workers=0)),
        labelling('two', label=batch, **two),
        labelling('killed', label=batch, kill_at=2, **two),
        labelling('killed', label=dict(num_workers=2, batch_size=2)),
        labelling('dataset_one', label=dict(DATASET, num_workers=1)),
        labelling('dataset_two', label=DATASET | batch, **two),
        labelling('dataset_killed', label=DATASET | batch, kill_at=3),
        labelling('dataset_killed', label=DATASET | batch, **two),
    )
    killed = -signal.SIGKILL
    assert codes[2] == [killed, killed], label_elsewhere.stderr
    assert codes[6] == [killed], label_elsewhere.stderr
    assert codes[:2] + codes[3:6] + codes[7:] == [
        [0],
        [0, 0],
        [0],
        [0],
        [0, 0],
        [0, 0],
    ], label_elsewhere.stderr
    return root


@pytest.mark.parametrize(
    ('reference', 'other'),
    [
        ('one', 'two'),
        ('one', 'killed'),
        ('dataset_one', 'dataset_two'),
        ('dataset_one', 'dataset_killed'),
    ],
)
def test_files_are_equal_byte_by_byte(folders, reference, other):
    expected, found = contents(folders / reference), contents(folders / other)
    assert len([name for name in expected if name.endswith('.png')]) == 7
    assert found == expected


def test_thresholds_change_the_labels(folders):
    without, with_them = (
        json.loads((folders / name / 'manifest.json').read_text())
        for name in ('one', 'dataset_one')
    )
    assert without['void_share'] == 0
    assert 0.2 < with_them['void_share'] < 0.6
