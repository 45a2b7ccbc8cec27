"""The command line of self-training: real trainings, labels and evaluations."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from segda_mm.datasets.formats.cityscapes_labels import THING_CLASSES
from segda_mm.minicity import write_cityscapes
from segda_mm.testing import tiny_panoptic_deeplab
from segda_mm.testing.toy_plan import write_toy_plan

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'self_train.py'


def run_main(*words):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [str(TOOL), *map(str, words)])
        return runpy.run_path(str(TOOL))['main']()


@pytest.fixture(scope='module')
def plan(tmp_path_factory):
    """A plan that was carried out to its end."""
    file = write_toy_plan(tmp_path_factory.mktemp('plan'))
    assert run_main(file) == 0
    return file


def outcome(work_dir):
    """Report, state and labels."""
    labels = {
        str(path.relative_to(work_dir)): path.read_bytes()
        for path in work_dir.glob('*-label/**/*.png')
    }
    return (
        json.loads((work_dir / 'report.json').read_text()),
        json.loads((work_dir / 'state.json').read_text()),
        labels,
    )


def test_a_plan_is_carried_out(plan):
    work = plan.parents[1] / 'work'
    report, state, labels = outcome(work)
    assert all(stage['finished'] for stage in state['stages'].values())
    assert [entry['round'] for entry in report['rounds']] == [0, 1, 2]
    assert all(entry['metrics']['mIoU'] >= 0 for entry in report['rounds'])
    assert len(labels) == 16
    for path in labels:
        pixels = np.asarray(Image.open(work / path))
        # The bonnet is void, and nothing else: labels are hard.
        np.testing.assert_array_equal(pixels == 255, np.indices((32, 64))[0] >= 28)
        assert pixels[:28].max() < 11
    assert report['labels'][0]['labeled'] == pytest.approx(100 * 28 / 32)
    assert report['labels'][0]['quality']['images'] == 8
    assert (work / 'labels_others.png').is_file()
    assert not list(work.rglob('*.unfinished'))


def test_killed_in_a_training_it_ends_alike(plan, tmp_path):
    work = tmp_path / 'killed'
    command = [sys.executable, str(TOOL), str(plan), '--work-dir', str(work)]
    process = subprocess.Popen(
        command,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        while not list(work.glob('1-student/epoch_*.pth')):
            assert process.poll() is None, 'it ended before it could be killed'
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run_main(plan, '--work-dir', work) == 0
    report, state, labels = outcome(work)
    whole_report, whole_state, whole_labels = outcome(plan.parents[1] / 'work')
    assert report == whole_report
    assert state == whole_state
    assert labels == whole_labels


def test_a_changed_plan_ends_in_advice(plan, capsys):
    assert run_main(plan, '--cfg-options', 'labeling.tta=False') == 2
    assert '1-label' in capsys.readouterr().err
    assert run_main(plan, '--redo-from', 'end') == 2
    assert 'no such stage' in capsys.readouterr().err


def test_instances_from_video_frames(tmp_path):
    """The miniature world: labelled images, one snippet, one round."""
    world = tmp_path / 'world'
    write_cityscapes(world, train=4, val=1, sequence_train=1, size=(128, 64))
    configs = ROOT / 'configs' / '_base_'
    cfg = Config.fromfile(configs / 'default_runtime.py')
    data = Config.fromfile(configs / 'datasets' / 'minicity_panoptic.py')
    cfg.merge_from_dict(data.to_dict())
    load, pack = data.test_pipeline[:2], data.test_pipeline[2]
    cfg.train_dataloader.batch_size = 2
    cfg.train_dataloader.dataset.pipeline = [*load, dict(type='PanopticTargets'), pack]
    for name in ('train', 'test'):
        cfg[f'{name}_dataloader'].dataset.data_root = str(world)
    cfg.model = tiny_panoptic_deeplab(19, THING_CLASSES, size=(65, 129))
    cfg.optim_wrapper = dict(
        type='GradientAveragingOptimWrapper', optimizer=dict(type='Adam', lr=0.01)
    )
    cfg.train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=2)
    cfg.test_cfg = dict(type='TestLoop')
    cfg.val_dataloader = cfg.val_evaluator = None
    cfg.tta_model = dict(type='PanopticTTA', scales=(0.5, 1.0), flip=True)
    cfg.tta_pipeline = cfg.test_pipeline
    cfg.dump(tmp_path / 'tiny.py')
    config = str(tmp_path / 'tiny.py')
    truth = dict(
        type='CityscapesPanopticDataset',
        data_root=str(world),
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    )
    plan = dict(
        work_dir=str(tmp_path / 'work'),
        unlabeled=dict(
            sequence=dict(
                images=dict(type='CityscapesSequenceDataset', data_root=str(world)),
                share=dict(fraction=0.1, seed=0),
                ego_car=dict(
                    annotated=str(world / 'gtFine' / 'train'), include_annotated=True
                ),
            ),
            extra=dict(
                images=dict(type='CityscapesImagesDataset', data_root=str(world)),
                truth=truth,
            ),
        ),
        labeled=dict(share=dict(fraction=0.5, seed=0)),
        # Fewer steps, and all that it predicts are things without a center: void.
        teacher=dict(config=config, steps=40),
        labeling=dict(num_workers=0),
        rounds=[dict(student=dict(config=config, steps=2))],
        mix_labeled=True,
    )
    Config(plan).dump(tmp_path / 'plan.py')
    assert run_main(tmp_path / 'plan.py') == 0
    report, _, labels = outcome(tmp_path / 'work')
    assert {'PQ', 'AP', 'mIoU'} <= set(report['rounds'][1]['metrics'])
    entries = {entry['set']: entry for entry in report['labels']}
    assert entries['sequence']['images'] == 3
    assert entries['extra']['images'] == 4
    # Four images have a truth, and the teacher was trained on two of them.
    assert entries['extra']['quality']['images'] == 2
    assert 'PQ' in entries['extra']['quality']
    assert entries['sequence']['quality'] is None
    for path in labels:
        if 'sequence' in path:
            city = world / 'gtFine' / 'train' / Path(path).parent.name
            ego = np.asarray(Image.open(next(city.glob('*_labelIds.png')))) == 1
            ids = np.asarray(Image.open(tmp_path / 'work' / path))
            assert ids.dtype == np.uint16
            assert ego.any()
            assert not ids[ego].any()
            assert (ids[~ego] > 0).mean() > 0.2
