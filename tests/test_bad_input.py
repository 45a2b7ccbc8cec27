"""What a user can get wrong: refused in words, before or instead of damage."""

import ast
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segda_mm.apis import PreflightError, evaluate, load_config, train
from segda_mm.apis.training import find_checkpoint
from segda_mm.engine.runner import AdaptationRunner
from segda_mm.errors import FileNotWrittenError, TrainingStoppedError
from segda_mm.testing.toy_job import write_toy_job

ROOT = Path(__file__).parents[1]
TABLE = ROOT / 'docs' / 'bad_input.md'

LOAD_IDS = {
    'train_dataloader.dataset.pipeline': [
        dict(type='LoadImageFromFile'),
        dict(type='LoadLabelIds', table={0: 0, 1: 1, 2: 2, 255: 255}),
        dict(type='PackSegInputs'),
    ]
}


@pytest.fixture(scope='module', autouse=True)
def without_reports():
    """That on the machine costs seconds in every run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdaptationRunner, '_log_env', lambda self, env_cfg: None)
        yield


@pytest.fixture
def job(tmp_path):
    return write_toy_job(tmp_path)


@pytest.fixture(scope='module')
def untouched_job(tmp_path_factory):
    """For tests that change no file of it."""
    return write_toy_job(tmp_path_factory.mktemp('untouched'))


def label_file(job, name, split='train'):
    return job.parent.parent / 'data' / 'labels' / split / f'{name}.png'


def overwrite(file, change):
    labels = np.asarray(Image.open(file)).copy()
    Image.fromarray(change(labels)).save(file)


def with_a_nine(labels):
    labels[5, 5] = 9
    return labels


WIDER = {
    f'model.{head}.num_classes': 5
    for head in ('decode_head', 'auxiliary_head.0', 'auxiliary_head.1')
}


@pytest.mark.parametrize(
    'options, message',
    [
        (
            {'train_dataloader.batch_size': 1},
            r'batch_size is 1, but BatchNorm .* backbone\..* one value of each .* '
            'set train_dataloader.batch_size to 2',
        ),
        (
            {'train_dataloader.batch_size': 3},
            r'last batch of an epoch has 1 image \(4 images in batches of 3\).*'
            'train_dataloader.drop_last=True',
        ),
        (
            {'train_dataloader.batch_size': 5, 'train_dataloader.drop_last': True},
            'an epoch has no batch: .*has 4 samples',
        ),
        (WIDER, r'has 3 classes \(road, car, sky, ...\), but the model tells 5 apart'),
        (
            {'train_dataloader.dataset.img_suffix': '.jpg'},
            "train_dataloader.dataset: .*no image fits .*img_suffix='.jpg'",
        ),
        ({'resume': True}, 'nothing to resume.*without --resume'),
        ({'load_from': 'gone.pth'}, 'load_from names .*gone.pth, which does not'),
        (
            {'train_dataloader.sampler.type': 'InfiniteSampler'},
            'train_dataloader.sampler is a InfiniteSampler',
        ),
        (
            {'default_hooks.checkpoint': dict(type='CheckpointHook', max_keep_ckpts=1)},
            'default_hooks.checkpoint.max_keep_ckpts is 1',
        ),
    ],
)
def test_a_training_that_cannot_start(untouched_job, options, message):
    work_dir = untouched_job.parent.parent / 'work'
    with pytest.raises(PreflightError, match=message):
        train(load_config(untouched_job, options))
    assert not list(work_dir.glob('*.pth'))


def test_labels_that_the_model_does_not_know(job):
    file = label_file(job, 0)
    overwrite(file, with_a_nine)
    with pytest.raises(PreflightError, match=rf'{file}: has labels \[9\].*0 to 2'):
        train(load_config(job))


def test_a_wrong_label_in_the_midst_of_training(job):
    file = label_file(job, 3)
    overwrite(file, with_a_nine)
    options = {**LOAD_IDS, 'train_dataloader.num_workers': 1}
    with pytest.raises(TrainingStoppedError) as caught:
        train(load_config(job, options))
    assert str(caught.value).startswith(f'{file}: has ids [9] in 1 pixels')
    assert 'Traceback' not in str(caught.value)


def test_a_wrong_label_in_an_evaluation(job, tmp_path):
    cfg = load_config(job, {'train_cfg.max_epochs': 1})
    train(cfg)
    file = label_file(job, 1, 'val')
    overwrite(file, with_a_nine)
    options = {
        key.replace('train', 'test', 1): value for key, value in LOAD_IDS.items()
    }
    with pytest.raises(PreflightError, match=rf'{file}: has ids \[9\]'):
        evaluate(load_config(job, options), find_checkpoint(cfg.work_dir))


def test_a_loss_that_is_not_finite(job):
    options = {
        'optim_wrapper.optimizer.lr': 1e30,
        'default_hooks.finite_loss': dict(type='FiniteLossHook'),
    }
    with pytest.raises(TrainingStoppedError) as caught:
        train(load_config(job, options))
    message = str(caught.value)
    assert 'the loss of iteration 2 (epoch 1) is not finite' in message
    assert re.search(r'terms: .*decode\.loss_ce = nan', message)
    assert message.count(f'{job.parent.parent}/data/images/train/') == 2
    assert not list((job.parent.parent / 'work').glob('*.pth'))


def test_a_full_disk(job, monkeypatch):
    def fail(self, out_dir, filename, *args, **kwargs):
        raise FileNotWrittenError(Path(out_dir, filename), 'No space left on device')

    monkeypatch.setattr(AdaptationRunner, 'save_checkpoint', fail)
    with pytest.raises(TrainingStoppedError, match=r'epoch_1\.pth was not written'):
        train(load_config(job))


@pytest.fixture(scope='module')
def begun(tmp_path_factory):
    """A job of which one epoch is done."""
    job = write_toy_job(tmp_path_factory.mktemp('begun'))
    # Cut in the middle of its schedule.
    train(load_config(job, {'train_cfg.max_epochs': 1, 'param_scheduler.0.end': 2}))
    return job


@pytest.mark.parametrize(
    'options, message',
    [
        ({'param_scheduler.0.end': 9}, r'\(PolyLR\): end was 2 and is 9 now'),
        ({'train_dataloader.batch_size': 4}, 'batch_size was 2 and is 4 now'),
        (
            {'optim_wrapper.optimizer': dict(_delete_=True, type='Adam', lr=0.01)},
            'optim_wrapper.optimizer: betas was None',
        ),
        (
            {'optim_wrapper.accumulative_counts': 3},
            'those pending at iteration 2 were not saved',
        ),
        (WIDER, r'conv_seg.*\[3,(.|\n)*\[5,(.|\n)*num_classes of its heads'),
        (
            {
                'train_dataloader.dataset.metainfo.classes': ['car', 'road', 'sky'],
            },
            r"dataset were \['road', 'car', 'sky'\] and are \['car', 'road', 'sky'\]",
        ),
    ],
)
def test_another_run_is_not_resumed(begun, options, message):
    cfg = load_config(begun, options)
    with pytest.raises(PreflightError, match=message) as caught:
        train(cfg, resume='auto')
    assert re.search(
        r'epoch_1\.pth (cannot be resumed|does not fit)', str(caught.value)
    )


def without_head(content):
    for key in list(content['state_dict']):
        if key.startswith('decode_head'):
            del content['state_dict'][key]


@pytest.mark.parametrize(
    'spoil, message',
    [
        (lambda content: content.pop('optimizer'), 'holds no optimizer, as .*best'),
        (without_head, r'does not fit(.|\n)*missing keys(.|\n)*decode_head'),
        (
            lambda content: content['state_dict'].update({'d.x': torch.ones(1)}),
            r'does not fit the model EncoderDecoder(.|\n)*unexpected key.*d\.x',
        ),
        (lambda content: content.pop('meta'), 'does not tell its iteration'),
    ],
)
def test_a_checkpoint_that_no_run_can_go_on_from(begun, tmp_path, spoil, message):
    cfg = load_config(begun)
    content = torch.load(find_checkpoint(cfg.work_dir), weights_only=True)
    spoil(content)
    file = tmp_path / 'best_mIoU_epoch_1.pth'
    torch.save(content, file)
    with pytest.raises(PreflightError, match=message):
        train(cfg, resume=file)


def test_half_a_checkpoint(begun, tmp_path):
    cfg = load_config(begun)
    whole = find_checkpoint(cfg.work_dir).read_bytes()
    file = tmp_path / 'epoch_1.pth'
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PreflightError, match=f'{file} cannot be read'):
        train(cfg, resume=file)


@pytest.mark.parametrize(
    'tool, arguments, message',
    [
        ('train.py', ['--launcher', 'pytorch'], 'start with `torchrun'),
        ('test.py', ['gone.pth'], 'there is no checkpoint gone.pth'),
    ],
)
def test_tools_end_with_a_sentence(
    untouched_job, capsys, monkeypatch, tmp_path, tool, arguments, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('RANK', raising=False)
    monkeypatch.setattr(sys, 'argv', [tool, str(untouched_job), *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / 'tools' / tool), run_name='__main__')
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f'segda {Path(tool).stem}: ')
    assert re.search(message, told)
    assert 'Traceback' not in told


def test_every_row_of_the_table_names_its_test():
    text = TABLE.read_text()
    rows = re.findall(r'^\| (.+) \| (.+) \| `(.+?)::(.+?)` \|$', text, re.M)
    lines = [line for line in text.splitlines() if line[:1] == '|']
    # But for the heads and rulers of the sections.
    sections = sum(set(line) <= set('| -') for line in lines)
    assert len(rows) == len(lines) - 2 * sections
    assert len({given for given, *_ in rows}) == len(rows) >= 30
    for _, _, file, name in rows:
        tree = ast.parse((ROOT / 'tests' / file).read_text())
        names = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
        assert name in names, (file, name)
