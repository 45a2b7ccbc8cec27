import json
from pathlib import Path

import pytest

from segda_mm.apis.results_table import fill_results, results_table, table_of_file


def run(method, seed, mIoU):
    return dict(
        method=method,
        seed=seed,
        metrics=dict(mIoU=mIoU, aAcc=60.0, pixel_precision=55.5),
    )


def test_mean_and_sample_deviation_over_seeds():
    rows = [
        run('DSC', 0, 10.0),
        run('oracle', 0, 50.0),
        run('DSC', 1, 14.0),
        run('DSC', 2, 18.0),
    ]
    table = results_table(rows).splitlines()
    assert table[0] == '| method | mIoU | aAcc | precision per pixel | seeds |'
    assert table[2:] == [
        '| DSC | 14.0 ± 4.0 | 60.0 ± 0.0 | 55.5 ± 0.0 | 3 |',
        '| oracle | 50.0 | 60.0 | 55.5 | 1 |',
    ]


def test_panoptic_runs_have_their_own_figures():
    metrics = dict(PQ=40.0, PQ_things=30.0, PQ_stuff=50.0, AP=20.0, AP50=45.0, mIoU=60)
    table = results_table([dict(method='wide', seed=0, metrics=metrics)]).splitlines()
    assert table[0] == (
        '| method | PQ | PQ things | PQ stuff | AP | AP50 | mIoU | seeds |'
    )
    assert table[2:] == ['| wide | 40.0 | 30.0 | 50.0 | 20.0 | 45.0 | 60.0 | 1 |']


def test_every_block_of_a_page_gets_the_table_of_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = 'text\n'
    for name, mIoU in (('a', 10.0), ('b', 20.0)):
        Path(f'{name}.jsonl').write_text(json.dumps(run('DSC', 0, mIoU)) + '\n')
        page += f'<!-- results of {name}.jsonl: begin -->\nold\n'
        page += f'<!-- results of {name}.jsonl: end -->\n'
    page += '<!-- performance table: begin -->\nkept\n<!-- performance table: end -->\n'
    filled = fill_results(page)
    first, second = filled.split('results of a.jsonl: end')
    assert '| DSC | 10.0 |' in first and '| DSC | 20.0 |' in second
    assert 'old' not in filled and 'begin -->\nkept\n<!--' in filled


def test_what_is_wrong_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match='no line "<!-- results of FILE: begin -->"'):
        fill_results('text\n')
    with pytest.raises(ValueError, match=r'absent\.jsonl has no results'):
        table_of_file('absent.jsonl')
    Path('speed.jsonl').write_text('{"benchmark": "labeling"}\n')
    with pytest.raises(ValueError, match=r"speed\.jsonl: .* has no 'metrics'"):
        table_of_file('speed.jsonl')
