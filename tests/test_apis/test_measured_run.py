import json

import pytest

from segda_mm.apis import measured_run

TRAIN = """
import sys, pathlib
folder = pathlib.Path(sys.argv[sys.argv.index('--work-dir') + 1])
(folder / 'train_arguments').open('a').write(' '.join(sys.argv[1:]) + '\\n')
(folder / 'epoch_2.pth').write_text('')
(folder / 'last_checkpoint').write_text('/elsewhere/epoch_2.pth')
"""
TEST = """
import sys, json, pathlib
folder = pathlib.Path(sys.argv[sys.argv.index('--work-dir') + 1])
tta = '--tta' in sys.argv
assert sys.argv[2] == str(folder / 'epoch_2.pth')
name = 'epoch_2_tta' if tta else 'epoch_2'
(folder / f'{name}_metrics.json').write_text(json.dumps(dict(tta=tta)))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose tools note how they were called."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools/train.py').write_text(TRAIN)
    (tmp_path / 'tools/test.py').write_text(TEST)
    return tmp_path


def test_a_run_is_trained_evaluated_and_resumed(project):
    folder = project / 'run'
    reports = measured_run.train_and_test(
        'config.py', folder, ['randomness.seed=3'], [(), ('--tta',)]
    )
    assert [report['tta'] for report in reports] == [False, True]
    assert reports[0]['train_minutes'] >= 0
    measured_run.train_and_test('config.py', folder)
    first, second = (folder / 'train_arguments').read_text().splitlines()
    assert first == f'config.py --work-dir {folder} --cfg-options randomness.seed=3'
    assert second == f'config.py --work-dir {folder} --resume'
    assert json.loads((folder / 'epoch_2_metrics.json').read_text()) == dict(tta=False)


def test_a_failed_training_is_not_evaluated(project):
    (project / 'tools/train.py').write_text('raise SystemExit(1)')
    with pytest.raises(Exception, match='non-zero exit status 1'):
        measured_run.train_and_test('config.py', project / 'run')
    assert not (project / 'run/test.txt').exists()
