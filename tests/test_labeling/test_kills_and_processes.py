"""Labels of several processes and of killed ones against those of one process."""

import pytest

from segda_mm.apis import label, load_config

MEDIAN = dict(type='ClassMedian', cap=0.9, scope='dataset')


@pytest.mark.parametrize(
    ('others', 'pseudo_labeler'),
    [(('two', 'killed'), None), (('dataset_killed',), MEDIAN)],
)
def test_files_are_equal_byte_by_byte(
    semantic_job, elsewhere, contents, tmp_path, others, pseudo_labeler
):
    job = dict(semantic_job, out=tmp_path, pseudo_labeler=pseudo_labeler)
    manifest = label(load_config(job.pop('config')), **job, num_workers=0)
    expected = contents(tmp_path)
    assert len([name for name in expected if name.endswith('.png')]) == 7
    for other in others:
        assert contents(elsewhere / other) == expected
    if pseudo_labeler is None:
        assert manifest['void_share'] == 0
    else:
        assert 0.2 < manifest['void_share'] < 0.6
