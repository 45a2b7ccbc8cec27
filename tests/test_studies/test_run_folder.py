import json
import os
import time

import pytest

from studies.run_folder import RunFolder, slug


def test_names_become_folders():
    assert slug('DSC + PL (no τ), 10 %') == 'dsc-pl-no-10'


def checkpoint(folder, name='epoch_1.pth'):
    (folder.path / name).write_text('')
    (folder.path / 'last_checkpoint').write_text(f'/elsewhere/{name}')


def test_from_nothing_over_cut_to_finished(tmp_path):
    folder = RunFolder(tmp_path / 'a' / 'seed0', 'now')
    assert not folder.is_cut() and folder.last_checkpoint() is None
    folder.prepare()
    folder.begin('last_checkpoint')
    assert not folder.is_cut()
    checkpoint(folder)
    assert folder.is_cut() and folder.last_checkpoint() is None
    assert folder.minutes is None
    folder.finish()
    assert not folder.is_cut()
    assert folder.last_checkpoint() == folder.path / 'epoch_1.pth'
    assert 0 <= folder.minutes < 0.1


def test_minutes_of_a_killed_call_count_up_to_its_last_checkpoint(tmp_path):
    folder = RunFolder(tmp_path / 'seed0', 'now')
    folder.prepare()
    folder.begin('last_checkpoint')
    checkpoint(folder)
    state = json.loads((folder.path / 'run.json').read_text())
    later = state['begun'] + 120
    os.utime(folder.path / 'last_checkpoint', (later, later))
    folder.begin('last_checkpoint')
    folder.finish()
    assert folder.minutes == pytest.approx(2, abs=0.1)
    # A call that was killed before it wrote anything adds nothing.
    other = RunFolder(tmp_path / 'seed1', 'now')
    other.prepare()
    checkpoint(other)
    long_ago = time.time() - 600
    os.utime(other.path / 'last_checkpoint', (long_ago, long_ago))
    other.begin('last_checkpoint')
    other.begin('last_checkpoint')
    other.finish()
    assert other.minutes == pytest.approx(0, abs=0.1)


def test_what_another_config_left_does_not_count_and_is_kept_aside(tmp_path):
    old = RunFolder(tmp_path / 'seed0', '0123456789')
    old.prepare()
    old.begin('last_checkpoint')
    checkpoint(old)
    old.finish()
    new = RunFolder(tmp_path / 'seed0', 'now')
    assert new.last_checkpoint() is None and not new.is_cut() and new.minutes is None
    new.prepare()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'seed0',
        'seed0-01234567',
    ]
    assert (tmp_path / 'seed0-01234567' / 'epoch_1.pth').exists()
    assert not list(new.path.glob('*.pth'))
    old.prepare()
    new.prepare()
    assert (tmp_path / 'seed0-01234567-2').is_dir()


def test_preparing_again_changes_nothing(tmp_path):
    folder = RunFolder(tmp_path / 'seed0', 'now')
    folder.prepare()
    checkpoint(folder)
    folder.prepare()
    assert folder.is_cut()


def log(folder, calls):
    for name, lines in calls.items():
        file = folder / name / 'vis_data' / 'scalars.json'
        file.parent.mkdir(parents=True)
        file.write_text(''.join(json.dumps(line) + '\n' for line in lines))


def test_validations_of_all_calls_the_later_one_of_an_epoch(tmp_path):
    calls = {
        '20260101_000000': [
            dict(loss=1.0, epoch=1, iter=4, step=4),
            {
                'mIoU': 10.0,
                'IoU.car': 5.0,
                'time': 0.1,
                'data_time': 0.1,
                'step': 1,
                'source_IoU.car': 7.0,
            },
            dict(mIoU=20.0, entropy=0.5, step=2),
        ],
        '20260101_000100': [
            dict(mIoU=21.0, entropy=float('nan'), step=2),
            dict(mIoU=30.0, step=10),
        ],
    }
    log(tmp_path, calls)
    assert RunFolder(tmp_path, 'now').validations() == [
        dict(epoch=1, mIoU=10.0),
        dict(epoch=2, mIoU=21.0, entropy=None),
        dict(epoch=10, mIoU=30.0),
    ]


def test_what_the_training_logged_last(tmp_path):
    folder = RunFolder(tmp_path, 'now')
    assert folder.end_of_training() == {}
    seconds = {'time': 0.1, 'data_time': 0.1}
    log(
        tmp_path,
        {
            '20260101_000100': [
                {
                    'loss': 2.0,
                    'discriminator.loss': 0.5,
                    **seconds,
                    'epoch': 2,
                    'iter': 5,
                    'step': 5,
                },
                {
                    'loss': 1.0,
                    'discriminator.loss': float('nan'),
                    **seconds,
                    'epoch': 2,
                    'iter': 6,
                    'step': 6,
                },
                {'mIoU': 20.0, **seconds, 'step': 2},
            ],
            '20260101_000000': [dict(loss=9.0, epoch=1, iter=1, step=1)],
        },
    )
    assert folder.end_of_training() == {'loss': 1.0, 'discriminator.loss': None}


def test_only_the_last_checkpoint_of_each_training_stays(tmp_path):
    for stage in ('', '1-student'):
        folder = RunFolder(tmp_path / stage, 'now')
        folder.path.mkdir(exist_ok=True)
        for name in ('best_mIoU_epoch_1.pth', 'epoch_2.pth', 'epoch_1.pth'):
            (folder.path / name).write_text('')
        checkpoint(folder, 'epoch_2.pth')
    RunFolder(tmp_path, 'now').drop_spare_checkpoints()
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob('*.pth')) == [
        '1-student/epoch_2.pth',
        'epoch_2.pth',
    ]
