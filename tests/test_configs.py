"""Every config builds, and every method takes real steps on real files."""

import re
from pathlib import Path

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
from segda_mm.apis.checks import require_data
from segda_mm.engine.optimizers import ChildOptimWrapperConstructor
from segda_mm.minicity import write_cityscapes, write_gta5
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet

ROOT = Path(__file__).parents[1] / 'configs'
CONFIGS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob('*.py')
    # Plans of self-training have a test of their own.
    if not {'_base_', 'naive_student'} & set(path.parts)
)
NAME = re.compile(
    r'[a-z]+(-[a-z]+)*_(bisenetv1-)?(r18|r101|lite0|x71|wr38|wr41)(-drop-path)?_'
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
    ):
        (folder / tree).mkdir()
        (folder / tree / 'cityscapes').symlink_to(folder / 'cityscapes')
    (folder / 'minicity/gta5').symlink_to(folder / 'gta5')
    for sequence in ('0006R0_f', '0016E5_', '0001TP_'):
        for frame in range(4):
            name = f'train/{sequence}{frame:05d}'
            for part, suffix, pixels in (
                ('images', '.jpg', np.full((36, 48, 3), 90, np.uint8)),
                ('labels', '.png', np.full((36, 48), frame, np.uint8)),
            ):
                file = folder / 'camvid' / part / (name + suffix)
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(file)
    return root


def test_names_follow_the_scheme():
    assert len(CONFIGS) > 40
    names = [Path(config).name for config in CONFIGS if '/' in config]
    assert [name for name in names if not NAME.fullmatch(name)] == []
    assert max(map(len, names)) <= 60


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


def _of(*folders):
    return [name for name in CONFIGS if name.split('/')[0] in folders]


def _model(cfg):
    """Shapes and names are all that is looked at: no weight is filled in."""
    init_default_scope(cfg.default_scope)
    with torch.device('meta'):
        return MODELS.build(cfg.model)


@pytest.mark.parametrize(
    'config',
    _of(
        'supervised',
        'adversarial',
        'pseudo_label',
        'mpl',
        'mean_teacher',
        'mpl_bisenet_gta2cs.py',
    ),
)
def test_config_builds(config, data, monkeypatch):
    monkeypatch.chdir(data)
    cfg = Config.fromfile(ROOT / config)
    model = _model(cfg)
    require_data(cfg, ('train_dataloader', 'val_dataloader'))
    # One more: PolyLR reaches its end at the last step before `end`.
    assert cfg.param_scheduler[-1].end == cfg.train_cfg.max_epochs + 1
    waits = hasattr(model, 'set_progress')
    assert cfg.train_cfg.type == (
        'MPLTrainLoop' if waits else 'ResumableEpochTrainLoop'
    )
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
    'config',
    [
        'mpl_bisenet_gta2cs.py',
        'adversarial/adversarial-dsc_bisenetv1-r18_gta2cs-512x1024.py',
    ],
)
def test_the_figures_of_the_paper_stand_in_the_configs(config):
    cfg = Config.fromfile(ROOT / config)
    name = 'student_generator' if 'mpl' in config else 'generator'
    generator = cfg.optim_wrapper[name].optimizer
    discriminator = cfg.optim_wrapper[
        name.replace('generator', 'discriminator')
    ].optimizer
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
    weight = cfg.model.get('student_adv_weight', cfg.model.get('adv_weight'))
    assert weight == 0.001


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
        _shrink(cfg)
        runner = train(cfg)
        assert isinstance(runner, Runner) and runner.iter == 2
        metrics = runner.message_hub.log_scalars
        assert metrics['val/mIoU'].current() >= 0
        assert np.isfinite(metrics['train/loss'].current())
    adapted = torch.load(work_dirs['adversarial'] / 'epoch_1.pth', weights_only=True)
    taught = torch.load(work_dirs['mpl'] / 'epoch_1.pth', weights_only=True)
    assert {key.split('.')[0] for key in adapted['state_dict']} == {
        'generator',
        'discriminator',
    }
    assert {key.split('.')[0] for key in taught['state_dict']} >= {
        'student_generator',
        'teacher_generator',
        'student_discriminator',
        'teacher_discriminator',
    }
    manifest = work_dirs['pseudo_label'] / 'pseudo_labels/epoch_0/manifest.json'
    assert manifest.is_file()


def _shrink(cfg):
    """Half-size images: the pipelines' order is what is tested."""

    def visit(node):
        if isinstance(node, dict):
            if node.get('type') == 'Resize':
                node['scale'] = (128, 64)
            for child in node.values():
                visit(child)
        elif isinstance(node, (list, tuple)):
            for child in node:
                visit(child)

    for key in ('train_dataloader', 'val_dataloader', 'custom_hooks'):
        visit(cfg[key])
