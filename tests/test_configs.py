"""Every config builds, and every method takes real steps on real files."""

import re
from collections.abc import ValuesView
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.optim import OptimWrapperDict
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from PIL import Image

from segda_mm.apis import PreflightError, load_config, train
from segda_mm.apis.checks.preflight import require_data
from segda_mm.apis.own.class_tables import CITYSCAPES_TO_CAMVID
from segda_mm.datasets import CamVidDataset
from segda_mm.engine.optimizers import ChildOptimWrapperConstructor
from segda_mm.minicity import write_cityscapes, write_gta5
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet

ROOT = Path(__file__).parents[1] / 'configs'
CONFIGS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob('*.py')
    # Plans of self-training, and recipes for own data, have tests of their own.
    if not {'_base_', 'naive_student', 'own'} & set(path.parts)
)
NAME = re.compile(
    r'[a-z]+(-[a-z]+)*_((mitb2|lite0)-)?(bisenetv1-)?(r18|r101|lite0|mitb0|mitb5|x71|wr38|wr41)(-drop-path)?_'
    r'[a-z0-9]+(-[a-z0-9]+)*-\d+x\d+\.py'
)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """All data roots of the configs, with a few small images in each."""
    root = tmp_path_factory.mktemp('configs')
    folder = root / 'data'
    write_gta5(folder / 'gta5', num_images=4, seed=0, size=(128, 64))
    write_cityscapes(folder / 'cityscapes', train=4, val=2, seed=0, size=(128, 64))
    for tree in (
        'minicity',
        'minicity-512x256',
        'minicity-512x256-pretraining',
        'minicity-video',
        'minicity-pretraining',
        'minicity_varied',
    ):
        (folder / tree).mkdir()
        (folder / tree / 'cityscapes').symlink_to(folder / 'cityscapes')
    for tree in ('minicity', 'minicity_varied'):
        (folder / tree / 'gta5').symlink_to(folder / 'gta5')
    for name in ('RGB', 'GT/LABELS'):
        (folder / 'synthia' / name).mkdir(parents=True)
        Image.new('L', (8, 6)).save(folder / 'synthia' / name / '0000000.png')
    for part in ('train/0006R0_f', 'train/0016E5_', 'train/0001TP_', 'val/0016E5_'):
        for frame in range(4):
            name = f'{part}{frame:05d}'
            for file, mode in (
                (f'images/{name}.jpg', 'RGB'),
                (f'labels/{name}.png', 'L'),
            ):
                (folder / 'camvid' / file).parent.mkdir(parents=True, exist_ok=True)
                Image.new(mode, (48, 36)).save(folder / 'camvid' / file)
    return root


def test_names_follow_the_scheme():
    assert len(CONFIGS) > 40
    names = [Path(config).name for config in CONFIGS if '/' in config]
    assert [name for name in names if not NAME.fullmatch(name)] == []
    assert max(map(len, names)) <= 60


def test_classes_by_name_are_those_of_own_data():
    # A config cannot import the table.
    cfg = Config.fromfile(ROOT / '_base_/datasets/minicity2camvid_source.py')
    assert cfg.class_map == CITYSCAPES_TO_CAMVID
    assert cfg.classes == CamVidDataset.METAINFO['classes']
    assert cfg.palette == CamVidDataset.METAINFO['palette']


def test_the_model_index_lists_every_config():
    listed = {}
    for metafile in _yaml('model-index.yml')['Import']:
        content = _yaml(metafile)
        (collection,) = content['Collections']
        for model in content['Models']:
            assert model['In Collection'] == collection['Name']
            assert Path(model['Config']).stem == model['Name']
            assert model['Name'] not in listed
            listed[model['Name']] = model
            cfg = Config.fromfile(ROOT.parent / model['Config'])
            if 'train_cfg' in cfg:
                assert model['Metadata']['Epochs'] == cfg.train_cfg.max_epochs
    assert {Path(config).stem for config in CONFIGS} <= listed.keys()


def _yaml(path):
    return yaml.safe_load((ROOT.parent / path).read_text(encoding='utf-8'))


def _of(folder):
    return [name for name in CONFIGS if name.split('/')[0] == folder]


def _model(cfg):
    """Shapes and names are all that is looked at: no weight is filled in."""
    init_default_scope(cfg.default_scope)
    # Mix Transformers look at the numbers of theirs.
    linspace = partial(torch.linspace, device='cpu')
    with torch.device('meta'), patch('torch.linspace', linspace):
        return MODELS.build(cfg.model)


@pytest.mark.parametrize(
    'config',
    [
        name
        for name in CONFIGS
        if name.split('/')[0] not in ('panoptic_deeplab', 'imagenet')
    ],
)
def test_config_builds(config, data, monkeypatch):
    monkeypatch.chdir(data)
    cfg = Config.fromfile(ROOT / config)
    model = _model(cfg)
    require_data(cfg, ('train_dataloader', 'val_dataloader'))
    # One more: PolyLR reaches its end at the last step before `end`.
    without_steps = config.startswith('source_free/batch-norm')
    decays = cfg.param_scheduler
    assert bool(decays) != without_steps
    for decay in (
        decays.values() if isinstance(decays, dict) else [decays] if decays else []
    ):
        last = cfg.train_cfg.max_epochs
        if not decay[-1].by_epoch:
            last *= 2975 // cfg.train_dataloader.batch_size
        assert decay[-1].end == last + 1
    loop = 'ResumableEpochTrainLoop'
    if hasattr(model, 'set_progress'):
        loop = 'MPLTrainLoop'
    elif without_steps:
        loop = 'NoStepLoop'
    assert cfg.train_cfg.type == loop
    if cfg.model.type == 'EncoderDecoder':
        assert 'optimizer' in cfg.optim_wrapper
        return
    wrappers = dict(cfg.optim_wrapper)
    del wrappers['constructor']
    built = ChildOptimWrapperConstructor(wrappers)(model)
    assert isinstance(built, OptimWrapperDict)
    assert set(built.keys()) == set(wrappers)


@pytest.mark.parametrize('config', _of('panoptic_deeplab'))
def test_panoptic_config_builds(config, data, monkeypatch):
    monkeypatch.chdir(data)
    cfg = Config.fromfile(ROOT / config)
    model = _model(cfg)
    with torch.device('meta'):
        MODELS.build(dict(**cfg.tta_model, module=cfg.model))
    if 'mapillary' in config:
        with pytest.raises(PreflightError, match='data/mapillary/training'):
            require_data(cfg, ('train_dataloader', 'val_dataloader'))
    else:
        require_data(cfg, ('train_dataloader', 'val_dataloader'))
    assert cfg.tta_pipeline == cfg.test_pipeline
    assert model.decode_head.num_classes == 19
    assert tuple(cfg.crop_size) == tuple(cfg.model.data_preprocessor.size)
    (scheduler,) = cfg.param_scheduler
    assert not scheduler.by_epoch
    images = next(
        number
        for part, number in (
            ('pretraining', 60),
            ('minicity-128x256', 20),
            ('minicity', 1600),
            ('mapillary', 18000),
            ('cityscapes', 2975),
        )
        if part in config
    )
    # A last batch that is not full is dropped; processes share an epoch.
    processes = 1 if 'minicity' in config else 8
    steps = -(-images // processes) // cfg.train_dataloader.batch_size
    # The rate must neither reach 0 early nor end far above it.
    assert 0 <= scheduler.end - steps * cfg.train_cfg.max_epochs <= steps


@pytest.mark.parametrize(
    'file',
    sorted((ROOT / '_base_/models').glob('bisenetv1_*.py')),
    ids=lambda f: f.stem,
)
def test_every_bisenet_takes_images(file):
    cfg = Config.fromfile(file)
    init_default_scope('mmseg')
    with torch.device('meta'):
        maps = MODELS.build(cfg.segmentor)(torch.zeros(2, 3, 64, 128))
    assert maps.shape[1:] == (cfg.segmentor.decode_head.num_classes, 8, 16)


@pytest.mark.parametrize('config', _of('imagenet'))
def test_imagenet_config_builds(config):
    assert _model(Config.fromfile(ROOT / config)).head.num_classes == 1000


@pytest.mark.parametrize(
    ('config', 'prefix'),
    [
        ('mpl_bisenet_gta2cs.py', 'student_'),
        ('adversarial/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py', ''),
    ],
)
def test_the_figures_of_the_paper_stand_in_the_configs(config, prefix):
    cfg = Config.fromfile(ROOT / config)
    generator, discriminator = (
        cfg.optim_wrapper[f'{prefix}{part}'].optimizer
        for part in ('generator', 'discriminator')
    )
    assert generator == dict(
        type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4, fused=True
    )
    assert discriminator == dict(type='Adam', lr=1e-4, betas=(0.9, 0.99), fused=True)
    assert cfg.train_cfg.max_epochs == 50
    assert cfg.train_dataloader.batch_size == 4
    pair = cfg.train_dataloader.dataset
    assert (pair.source.subset.size, pair.target.subset.size) == (500, 500)
    assert cfg.val_dataloader.dataset.subset.size == 250
    assert (cfg.source_scale, cfg.target_scale) == ((1280, 720), (1024, 512))
    assert cfg.model[f'{prefix}adv_weight'] == 0.001
    # The size that the published figures were measured at.
    for pipeline in (
        cfg.val_dataloader.dataset.pipeline,
        cfg.tta_pipeline[1].transforms,
    ):
        steps = [step for entry in pipeline for step in _flat(entry)]
        (labels,) = (step for step in steps if step['type'] == 'LoadLabelIds')
        assert labels.scale == (1024, 512)
    if 'mpl' in config:
        assert cfg.optim_wrapper.teacher_generator.optimizer.lr == 1.25e-2


def _flat(entry):
    return entry if isinstance(entry, list) else [entry]


SUPERVISED = 'supervised/supervised_bisenetv1-r18_cityscapes-512x1024.py'
ADVERSARIAL = 'adversarial/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py'
HEADS = ('decode_head', 'auxiliary_head.0', 'auxiliary_head.1')


@pytest.mark.parametrize(
    ('config', 'options'),
    [
        (SUPERVISED, ['train_cfg.max_epochs=100', 'param_scheduler.0.end=101']),
        (SUPERVISED, ['optim_wrapper.optimizer.weight_decay=0.0']),
        (SUPERVISED, ['default_hooks.checkpoint.save_best=mIoU']),
        (SUPERVISED, ['val_dataloader.dataset.pipeline.2.scale=None']),
        (
            ADVERSARIAL,
            [
                'train_dataloader.dataset.source.pipeline.2.interpolation=bicubic',
                'train_dataloader.dataset.source.pipeline.3.prob=0.0',
                'train_dataloader.dataset.target.pipeline.2.prob=0.0',
            ],
        ),
        (
            ADVERSARIAL,
            [
                'model.data_preprocessor.bgr_to_rgb=False',
                'model.data_preprocessor.mean=[103.53,116.28,123.675]',
                'model.data_preprocessor.std=[1.0,1.0,1.0]',
            ],
        ),
        (
            ADVERSARIAL,
            [f'model.generator.segmentor.{h}.dropout_ratio=0.0' for h in HEADS],
        ),
        (
            'mpl_bisenet_gta2cs.py',
            ['model.teacher_checkpoint.discriminator_prefix=None'],
        ),
        ('mpl_bisenet_gta2cs.py', ['model.teacher_checkpoint.checkpoint=None']),
        ('mpl_bisenet_gta2cs.py', ['model.feedback_rule.first_epoch_h=1.0']),
        ('mpl_bisenet_gta2cs.py', ['model.uda_sigma=0.017']),
        ('mpl_bisenet_gta2cs.py', ['model.label_batch_statistics=False']),
    ],
)
def test_the_small_differences_of_the_papers_can_be_said(
    config, options, data, monkeypatch
):
    """As docs/papers.md has them, and where something reads them."""
    page = (ROOT.parent / 'docs/papers.md').read_text('utf-8')
    monkeypatch.chdir(data)
    cfg = load_config(ROOT / config, options)
    for option in options:
        assert option in page or 'segmentor.auxiliary_head' in option
        key, value = option.split('=')
        entry = cfg
        for name in key.split('.'):
            entry = entry[int(name) if name.isdigit() else name]
        assert str(entry).replace(' ', '') == value
        # An index means what the page says.
        if key.endswith('.prob'):
            place = key.removesuffix('.prob').removeprefix('train_dataloader.dataset.')
            domain, number = place.split('.pipeline.')
            steps = cfg.train_dataloader.dataset[domain].pipeline
            assert steps[int(number)].type == 'RandomFlip'
    _model(cfg)
    require_data(cfg, ('train_dataloader', 'val_dataloader'))


def test_the_chain_of_methods_trains_on_files(data, monkeypatch):
    """Adversarial, then the methods that go on from its checkpoint."""
    monkeypatch.chdir(data)
    work_dirs = {}
    for method, name, keys in (
        ('adversarial', 'adversarial-dsc', ()),
        ('pseudo_label', 'pseudo-label-dsc', ('generator',)),
        ('mpl', 'mpl-product-dsc', ('teacher_checkpoint', 'student_checkpoint')),
        ('mean_teacher', 'mean-teacher-median', ('generator',)),
    ):
        work_dirs[method] = data / 'work_dirs' / method
        adapted = str(work_dirs['adversarial'] / 'epoch_1.pth')
        cfg = load_config(
            ROOT / method / f'{name}_bisenetv1-r18_minicity-128x256.py',
            {
                'train_cfg.max_epochs': 1,
                'train_dataloader.batch_size': 2,
                **{f'model.{key}.checkpoint': adapted for key in keys},
            },
            work_dirs[method],
        )
        cfg.model.generator.segmentor = tiny_bisenet(19)
        for part in ('train_dataloader', 'val_dataloader', 'custom_hooks'):
            _shrink(cfg[part])
        runner = train(cfg)
        assert isinstance(runner, Runner) and runner.iter == 2
        metrics = runner.message_hub.log_scalars
        assert metrics['val/mIoU'].current() >= 0
        assert np.isfinite(metrics['train/loss'].current())
    adapted = torch.load(work_dirs['adversarial'] / 'epoch_1.pth', weights_only=True)
    taught = torch.load(work_dirs['mpl'] / 'epoch_1.pth', weights_only=True)
    parts = {'generator', 'discriminator'}
    assert {key.split('.')[0] for key in adapted['state_dict']} == parts
    pairs = {f'{who}_{part}' for who in ('student', 'teacher') for part in parts}
    assert {key.split('.')[0] for key in taught['state_dict']} >= pairs
    manifest = work_dirs['pseudo_label'] / 'pseudo_labels/epoch_0/manifest.json'
    assert manifest.is_file()


def test_the_chain_of_table_1_trains_on_files(data, monkeypatch):
    """DSC, PL, MPL; each refuses without the one before it."""
    monkeypatch.chdir(data)
    adapted = None
    for config, key in (
        (ADVERSARIAL, None),
        (
            'pseudo_label/pseudo-label-fresh-dsc_bisenetv1-r18_gta2cs-512x1024.py',
            'custom_hooks.1.checkpoint',
        ),
        ('mpl_bisenet_gta2cs.py', 'model.teacher_checkpoint.checkpoint'),
    ):
        options = {
            'train_cfg.max_epochs': 1,
            'train_dataloader.batch_size': 2,
            'train_dataloader.num_workers': 0,
        }
        if key:
            with pytest.raises(PreflightError, match=f'{key} names the checkpoint'):
                train(load_config(ROOT / config, options, data / 'refused'))
            options[key] = adapted
        if 'mpl' in config:
            for part in ('generator', 'discriminator'):
                options[f'optim_wrapper.teacher_{part}.optimizer.lr'] = 0.0
        work_dir = data / 'work_dirs' / Path(config).stem
        cfg = load_config(ROOT / config, options, work_dir)
        cfg.model.generator.segmentor = tiny_bisenet(19)
        for part in ('train_dataloader', 'val_dataloader', 'custom_hooks'):
            _shrink(cfg[part])
        assert train(cfg).iter == 2
        before, adapted = adapted, str(work_dir / 'epoch_1.pth')
    # Of a rate of 0, the teacher and its discriminator are those of DSC + PL.
    labels, taught = (
        torch.load(file, weights_only=True)['state_dict'] for file in (before, adapted)
    )
    for key, value in labels.items():
        if 'running' not in key and 'num_batches' not in key:
            assert torch.equal(taught[f'teacher_{key}'], value), key


def _shrink(cfg):
    """Half-size images: the pipelines' order is what is tested."""
    if isinstance(cfg, dict):
        if cfg.get('scale'):
            cfg['scale'] = (128, 64)
        cfg = cfg.values()
    if isinstance(cfg, (list, tuple, ValuesView)):
        for child in cfg:
            _shrink(child)
