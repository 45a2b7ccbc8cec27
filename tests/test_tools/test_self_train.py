"""The command line of self-training: real trainings, labels and evaluations."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from segda_cli.main import main
from segda_mm.datasets.formats.cityscapes_labels import THING_CLASSES
from segda_mm.minicity import write_cityscapes
from segda_mm.testing import tiny_panoptic_deeplab
from segda_mm.testing.toy_plan import write_toy_plan

ROOT = Path(__file__).parents[2]
SELF_TRAIN = ('-m', 'segda_cli', 'self-train')
TORCHRUN = ('-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2')


def run_main(*words):
    return main(['self-train', *map(str, words)])


def start(work_dir, plan, launcher=(), options=()):
    """Start the tool; what it says goes to a file, so that no full pipe stops it."""
    words = [sys.executable, *launcher, *SELF_TRAIN]
    with work_dir.with_suffix('.txt').open('w') as output:
        return subprocess.Popen(
            [*words, plan, '--work-dir', work_dir, *options],
            cwd=plan.parent,
            env=dict(os.environ, PYTHONPATH=str(ROOT), CUDA_VISIBLE_DEVICES=''),
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def end(process, work_dir):
    """Wait for the end, and return its code and what was said."""
    try:
        code = process.wait(timeout=600)
    finally:
        # Ends the workers too; nothing to do where it has ended.
        process.terminate()
    return code, work_dir.with_suffix('.txt').read_text()[-3000:]


def wait_for_student(process, work_dir):
    """Wait until the first student has a checkpoint."""
    while not list(work_dir.glob('1-student/epoch_*.pth')):
        assert process.poll() is None, end(process, work_dir)
        time.sleep(0.01)


def outcome(work_dir):
    """Report, state and labels."""
    files = work_dir.glob('*-label/**/*.png')
    labels = {str(path.relative_to(work_dir)): path.read_bytes() for path in files}
    report, state = (
        json.loads((work_dir / name).read_text())
        for name in ('report.json', 'state.json')
    )
    assert all(stage['finished'] for stage in state['stages'].values())
    assert not list(work_dir.rglob('*.unfinished'))
    return report, state, labels


@pytest.fixture(scope='module')
def plan(tmp_path_factory):
    """A plan that was carried out to its end."""
    file = write_toy_plan(tmp_path_factory.mktemp('plan'))
    assert run_main(file) == 0
    return file


def test_a_plan_is_carried_out(plan, capsys):
    work = plan.parents[1] / 'work'
    report, _, labels = outcome(work)
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
    assert (work / 'report.html').is_file()

    assert run_main(plan, '--cfg-options', 'labeling.tta=False') == 2
    assert '1-label' in capsys.readouterr().err


@pytest.mark.slow
def test_killed_in_a_training_it_ends_alike(plan, tmp_path):
    work = tmp_path / 'killed'
    process = start(work, plan)
    try:
        wait_for_student(process, work)
    finally:
        process.kill()
        process.wait()
    assert run_main(plan, '--work-dir', work) == 0
    assert outcome(work) == outcome(plan.parents[1] / 'work')


def workers(process):
    """Process ids of the workers of a torchrun, by rank."""
    children = Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text()
    ranks = {}
    for pid in map(int, children.split()):
        for entry in Path(f'/proc/{pid}/environ').read_bytes().split(b'\0'):
            if entry.startswith(b'RANK='):
                ranks[int(entry.removeprefix(b'RANK='))] = pid
    return ranks


@pytest.mark.slow
def test_a_killed_process_ends_the_plan_which_then_goes_on(tmp_path):
    plan = write_toy_plan(tmp_path)
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    options = (TORCHRUN, ['--launcher=pytorch'])
    code, output = end(start(whole, plan, *options), whole)
    assert code == 0, output

    process = start(killed, plan, *options)
    wait_for_student(process, killed)
    ranks = workers(process)
    assert ranks.keys() == {0, 1}
    os.kill(ranks[1], signal.SIGKILL)
    code, output = end(process, killed)
    assert code != 0
    assert 'SIGKILL' in output or 'exitcode' in output
    assert not Path(f'/proc/{ranks[0]}').exists()
    assert not (killed / 'report.json').exists()

    code, output = end(start(killed, plan, *options), killed)
    assert code == 0, output
    report, _, labels = outcome(killed)
    assert (report, _, labels) == outcome(whole)
    assert (len(report['rounds']), len(labels)) == (3, 16)
    # One process logs, and none leaves files where the command was started.
    assert len(list(whole.glob('0-teacher/*/*.log'))) == 1
    assert sorted(path.name for path in plan.parent.iterdir()) == ['plan.py', 'tiny.py']


def test_instances_from_video_frames(tmp_path):
    """The miniature world: labelled images, one snippet, one round."""
    world, config = tmp_path / 'world', str(tmp_path / 'tiny.py')
    write_cityscapes(world, train=4, val=1, sequence_train=1, size=(128, 64))
    configs = ROOT / 'configs' / '_base_'
    cfg = Config.fromfile(configs / 'panoptic_runtime.py')
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
    cfg.tta_model.scales = (0.5, 1.0)
    cfg.dump(config)
    truth = dict(
        type='CityscapesPanopticDataset',
        data_root=str(world),
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    )
    sequence = dict(
        images=dict(type='CityscapesSequenceDataset', data_root=str(world)),
        share=dict(fraction=0.1, seed=0),
        ego_car=dict(annotated=str(world / 'gtFine' / 'train')),
    )
    images = dict(type='CityscapesImagesDataset', data_root=str(world))
    plan = dict(
        work_dir=str(tmp_path / 'work'),
        unlabeled=dict(sequence=sequence, extra=dict(images=images, truth=truth)),
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
    assert (entries['sequence']['images'], entries['extra']['images']) == (3, 4)
    # Four images have a truth, and the teacher was trained on two of them.
    assert entries['extra']['quality']['images'] == 2
    assert 'PQ' in entries['extra']['quality']
    assert entries['sequence']['quality'] is None
    for path in (path for path in labels if 'sequence' in path):
        city = world / 'gtFine' / 'train' / Path(path).parent.name
        ego = np.asarray(Image.open(next(city.glob('*_labelIds.png')))) == 1
        ids = np.asarray(Image.open(tmp_path / 'work' / path))
        assert ids.dtype == np.uint16
        assert ego.any() and not ids[ego].any()
        assert (ids[~ego] > 0).mean() > 0.2
