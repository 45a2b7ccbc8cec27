"""Labels of several processes and of killed ones against those of one process."""

import pytest

from segda_mm.apis import label, load_config


@pytest.fixture(scope='module')
def uncut(semantic_job, tmp_path_factory):
    """Files of one process without and with thresholds; and the two manifests."""
    root = tmp_path_factory.mktemp('uncut')
    median = dict(type='ClassMedian', cap=0.9, scope='dataset')
    config, job = semantic_job['config'], dict(semantic_job)
    del job['config']
    manifests = [
        label(
            load_config(config),
            **job,
            out=root / name,
            pseudo_labeler=pseudo_labeler,
            num_workers=0,
        )
        for name, pseudo_labeler in (('one', None), ('dataset_one', median))
    ]
    return root, manifests


@pytest.mark.parametrize(
    ('reference', 'other'),
    [('one', 'two'), ('one', 'killed'), ('dataset_one', 'dataset_killed')],
)
def test_files_are_equal_byte_by_byte(uncut, elsewhere, contents, reference, other):
    expected, found = contents(uncut[0] / reference), contents(elsewhere / other)
    assert len([name for name in expected if name.endswith('.png')]) == 7
    assert found == expected


def test_thresholds_change_the_labels(uncut):
    without, with_them = uncut[1]
    assert without['void_share'] == 0
    assert 0.2 < with_them['void_share'] < 0.6
