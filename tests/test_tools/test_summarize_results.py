import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_mean_and_sample_deviation_over_seeds(tmp_path):
    rows = [
        ('DSC', 0, 10.0), ('oracle', 0, 50.0), ('DSC', 1, 14.0), ('DSC', 2, 18.0)
    ]
    file = tmp_path / 'results.jsonl'
    file.write_text(''.join(
        json.dumps(
            dict(
                method=method,
                seed=seed,
                metrics=dict(mIoU=figure, aAcc=60.0, pixel_precision=55.5)))
        + '\n' for method, seed, figure in rows))
    table = subprocess.run(
        [sys.executable, 'tools/analysis/summarize_results.py', str(file)],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert table[0] == '| method | mIoU | aAcc | precision per pixel | seeds |'
    assert table[2:] == [
        '| DSC | 14.0 ± 4.0 | 60.0 ± 0.0 | 55.5 ± 0.0 | 3 |',
        '| oracle | 50.0 | 60.0 | 55.5 | 1 |',
    ]


def test_panoptic_runs_have_their_own_figures(tmp_path):
    metrics = dict(PQ=40.0, PQ_things=30.0, PQ_stuff=50.0, AP=20.0, AP50=45.0, mIoU=60)
    file = tmp_path / 'results.jsonl'
    file.write_text(json.dumps(dict(method='wide', seed=0, metrics=metrics)) + '\n')
    table = subprocess.run(
        [sys.executable, 'tools/analysis/summarize_results.py', str(file)],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert table[0] == (
        '| method | PQ | PQ things | PQ stuff | AP | AP50 | mIoU | seeds |')
    assert table[2:] == ['| wide | 40.0 | 30.0 | 50.0 | 20.0 | 45.0 | 60.0 | 1 |']
