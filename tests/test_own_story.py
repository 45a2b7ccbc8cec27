"""A user's own data, from folders to adapted networks, without a line of Python."""

import json
import re
import runpy
from pathlib import Path

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope
from PIL import Image

from segda_cli.main import main
from segda_mm import Predictor
from segda_mm.apis import load_config
from segda_mm.apis.own.files import write_own_config
from segda_mm.apis.own.networks import read_network
from segda_mm.apis.own.settings import SOURCE_FREE
from segda_mm.models.checkpoints import under_prefix
from segda_mm.models.foreign_checkpoints import read_foreign_weights
from segda_mm.registry import MODELS
from segda_mm.testing.own_streets import CLASSES, write_own_streets

#: One line for a network of mmseg; so small, because this is a test.
NETWORK = (
    "network = dict(base='mmseg::segformer_mit-b0', backbone=dict(embed_dims=8, "
    'num_layers=[1] * 4), decode_head=dict(in_channels=[8, 16, 40, 64], channels=16))'
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_own_streets(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def segda(line):
    return main(line.split())


@pytest.mark.slow
def test_own_data_go_through_all_recipes(folder, capsys):
    target = '--target my_target drive.mp4 --epochs 1'
    assert segda(f'init my.py --source my/images my/masks {target}') == 0
    written = Path('my.py').read_text()
    # What lies in the folders: colours, which have a name where one is known, and size.
    assert all(f'={color}' in written for color in CLASSES.values())
    assert 'car=[0, 0, 142]' in written and 'size, epochs = (128, 96), 1' in written
    Path('my.py').write_text(f'{written}workers = 0\nbatch_size = 4\n{NETWORK}\n')
    assert len(Path('my.py').read_text().splitlines()) <= 25
    assert segda('check my.py --workers 0') == 0
    assert '0 problems in 2 data sets' in capsys.readouterr().out

    steps = {}
    for recipe in ('pseudo_label', 'mpl', 'mean_teacher', 'naive_student'):
        # Another recipe in the same folder goes on from the steps that are done.
        Path('my.py').write_text(
            Path('my.py').read_text().replace('own/mpl.py', f'own/{recipe}.py')
        )
        assert segda('adapt my.py') == 0
        results = json.loads(Path('work_dirs/my/results.json').read_text())
        assert results['judged_on'] == 'source'
        steps |= {row['name']: row for row in results['steps']}
        Path('my.py').write_text(
            Path('my.py').read_text().replace(f'own/{recipe}.py', 'own/mpl.py')
        )
    order = 'source_only dsc pseudo_label mpl mean_teacher naive_student'
    assert list(steps) == order.split()
    assert all(0 <= row['metrics']['mIoU'] <= 100 for row in steps.values())
    # Each step started from the network of the one before, and MPL from both of DSC.
    for name, before in (('dsc', 'source_only'), ('mpl', 'dsc')):
        model = load_config(f'work_dirs/my/{name}/my.py').model
        start = steps[before]['checkpoint']
        assert model.generator.segmentor.init_cfg.checkpoint == start
    assert model.discriminator.init_cfg.prefix == 'discriminator.'
    assert model.discriminator.init_cfg.checkpoint == start
    report = Path('work_dirs/my/report.html').read_text()
    assert 'naive_student' in report

    capsys.readouterr()
    run = results['network']
    assert segda(f'predict {run} drive.mp4 --out overlay.mp4') == 0
    assert Path('overlay.mp4').stat().st_size > 1000
    # A change is not mixed with what was begun with other settings.
    assert segda('adapt my.py --cfg-options batch_size=2') == 2
    assert 'batch_size' in capsys.readouterr().err


@pytest.mark.slow
def test_footage_alone_is_enough(folder, capsys):
    """The source is drawn; the default network starts from its installed weights."""
    drawn = 'drawn.num_images=8 drawn.size=[128,64] size=[128,64] workers=0'
    options = f'--cfg-options epochs=1 {drawn}'
    assert segda(f'adapt --target drive.mp4 {options}') == 0
    out = capsys.readouterr().out
    assert 'Network: work_dirs/adapt_drive/mpl/epoch_1.pth' in out
    results = json.loads(Path('work_dirs/adapt_drive/results.json').read_text())
    assert [row['name'] for row in results['steps']] == ['source_only', 'dsc', 'mpl']
    # Started again, nothing is repeated.
    assert segda(f'adapt --target drive.mp4 {options}') == 0
    again = json.loads(Path('work_dirs/adapt_drive/results.json').read_text())
    assert again == results


def test_a_first_look_is_small(folder):
    Path('large').mkdir()
    Image.new('RGB', (1920, 1080)).save('large/0.png')
    write_own_config('quick.py', ['large'], quick=True)
    said = runpy.run_path('quick.py')
    assert said['size'] == said['drawn']['size'] == (320, 192)
    cfg = load_config('quick.py', recipe='source_only')
    steps = said['drawn']['num_images'] / cfg.train_dataloader.batch_size
    assert steps * cfg.train_cfg.max_epochs == 200
    assert cfg.default_hooks.class_weights.type == 'ClassWeightHook'


@pytest.mark.slow
def test_a_first_look_ends_with_the_line_that_draws_it(folder, capsys):
    # The video has three frames.
    options = 'drawn.num_images=8 epochs=1 workers=0 batch_size=2'
    assert segda(f'adapt --target drive.mp4 --quick --cfg-options {options}') == 0
    out = capsys.readouterr().out
    assert 'Classes weigh in the losses: road' in out
    assert segda(re.search(r'^See it: segda (.+)$', out, re.MULTILINE)[1]) == 0
    assert Path('overlay.mp4').stat().st_size > 1000


@pytest.fixture
def zoo(folder):
    """A network as a zoo has it: a config, and a checkpoint that is no plain one."""
    Path('tiny.py').write_text(
        "_base_ = 'mmseg::segformer_mit-b0'\n"
        'model = dict(backbone=dict(embed_dims=8, num_layers=[1] * 4), '
        'decode_head=dict(in_channels=[8, 16, 40, 64], channels=16, num_classes=5))\n'
    )
    init_default_scope('mmseg')
    model = read_network('tiny.py', len(CLASSES)).segmentor
    content = dict(
        state_dict=MODELS.build(model).state_dict(),
        meta=dict(dataset_meta=dict(classes=[*CLASSES], palette=[*CLASSES.values()])),
        message_hub=dict(log_scalars=dict(loss=HistoryBuffer([1.0], [1]))),
    )
    torch.save(content, 'zoo.pth')
    return '--init zoo.pth --network tiny.py'


def weights_of(checkpoint):
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    return under_prefix(state, 'generator.segmentor.')


def test_a_trained_network_and_footage_are_enough(zoo, capsys):
    line = f'adapt --target drive.mp4 {zoo}'
    options = '--cfg-options epochs=1 workers=0 batch_size=2'
    assert segda(f'{line} --recipe batch_norm {options}') == 0
    out = capsys.readouterr().out
    assert 'nothing was judged' in out and 'mIoU' not in out
    written = Path('adapt_drive.py').read_text()
    assert 'source = None' in written and 'classes' not in written.split('\n', 2)[2]
    results = json.loads(Path('work_dirs/adapt_drive/results.json').read_text())
    (row,) = results['steps']
    assert results['judged_on'] is None and row['metrics'] == {}
    start = read_foreign_weights('zoo.pth')[0]
    adapted = weights_of(row['checkpoint'])
    moved = {name for name in start if not torch.equal(start[name], adapted[name])}
    assert moved and all('running_' in name for name in moved)
    # The classes are those of the checkpoint.
    assert Predictor(results['network']).classes == [*CLASSES]
    # Of another network, the file that is there is no longer.
    assert segda(f'{line.replace("zoo.pth", "other.pth")} {options}') == 2
    assert 'its init is zoo.pth, not other.pth' in capsys.readouterr().err
    assert segda(f'{line} --recipe tent {options}') == 2
    assert 'its recipe is batch_norm, not tent' in capsys.readouterr().err
    # However the file is written.
    file = Path('adapt_drive.py')
    file.write_text(file.read_text().replace("'tiny.py'", '"tiny.py"'))
    assert segda(f'{line} --recipe batch_norm {options}') == 0


@pytest.mark.slow
def test_all_recipes_without_a_source(zoo):
    for recipe in SOURCE_FREE:
        out = f'{recipe}.py'
        # Judged where some of the target is labelled.
        val = '--val my/images my/masks' if recipe == 'mic' else ''
        line = f'init {out} --target my_target drive.mp4 {val} {zoo} --recipe {recipe}'
        assert segda(f'{line} --epochs 1') == 0
        Path(out).write_text(f'{Path(out).read_text()}workers = 0\nbatch_size = 4\n')
        assert segda(f'check {out} --workers 0') == 0
        assert segda(f'adapt {out}') == 0
        results = json.loads(Path(f'work_dirs/{recipe}/results.json').read_text())
        assert [row['name'] for row in results['steps']] == [recipe]
        assert bool(results['steps'][0]['metrics']) == (recipe == 'mic')
        assert Predictor(results['network']).classes == [*CLASSES]
        assert Path(f'work_dirs/{recipe}/report.html').is_file()


@pytest.mark.parametrize(
    ('line', 'words'),
    [
        ('init my.py --target gone.mp4', 'gone.mp4: video does not exist'),
        ('init my.py --target empty', 'empty: folder holds no file'),
        ('init my.py --target notes.mp4', 'notes.mp4: has no frame'),
        ('init there.py --target my_target', 'there.py is there already'),
        ('init my.txt --target my_target', 'must end in .py'),
        ('init my.py --target my_target --recipe magic', 'there are batch_norm, dsc'),
        ('init my.py --source my/images gone --target my_target', 'gone: folder does'),
        (
            'init my.py --source my_target my_target --target my_target',
            'hold more than 100 different values',
        ),
        ('init my.py --target my_target --init gone.pth', 'no checkpoint gone.pth'),
        ('adapt there.py --init net.pth', '--init goes with --target; there.py says'),
        ('adapt there.py --quick', '--quick goes with --target'),
        ('adapt', 'name a config'),
        ('adapt gone.py', 'there is no config gone.py'),
        ('adapt mpl_bisenet_gta2cs', 'names none of the recipes for own data'),
        ('adapt there.py', 'colours that are no class'),
        ('check there.py --workers 0', 'colours that are no class'),
        ('adapt there.py --cfg-options epochs=0', 'epochs must be a whole number'),
        ('adapt there.py --cfg-options target=notes.mp4', 'notes.mp4: has no'),
        (
            'adapt there.py --cfg-options target.images=a',
            'target.images=a does not fit',
        ),
        (
            'adapt there.py --cfg-options init=gone.pth',
            'gone.pth, which does not exist',
        ),
    ],
)
def test_bad_input_is_a_sentence(folder, capsys, line, words):
    Path('empty').mkdir()
    Path('notes.mp4').write_text('no video')
    Path('there.py').write_text(
        "_base_ = 'segda_mm::own/dsc.py'\n"
        # The sky is left out.
        'classes = dict(road=[128, 64, 128], car=[0, 0, 142])\n'
        "source = dict(images='my/images', labels='my/masks')\n"
        "target, size, workers = 'my_target', (64, 64), 0\n"
        f'{NETWORK}\n'
    )
    assert segda(line) in (1, 2)
    told = capsys.readouterr()
    assert words in told.err + told.out
