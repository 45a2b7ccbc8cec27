"""No code of a checkpoint is run, whatever is done with it here.

The code in these files makes a folder, ``ran``, and nothing else.
"""

import copy
import os
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader, load_checkpoint
from torch import nn

from segda_mm.apis import (
    PreflightError,
    export_onnx,
    export_segmentor,
    export_weights,
    label,
    load_config,
    self_train,
    train,
    verify_onnx,
)
from segda_mm.apis import test as evaluate
from segda_mm.apis.checks.preflight import require_trusted_sources
from segda_mm.engine import AdaptationRunner
from segda_mm.models.backbones.timm_xception71 import convert_timm_xception71
from segda_mm.models.checkpoints import only_plain_checkpoints, read_checkpoint
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import write_toy_job
from segda_mm.testing.toy_plan import write_toy_plan

ROOT = Path(__file__).parents[1]
FORBIDDEN = r'asks for (posix|nt)\.mkdir, and nothing else is read'


class Payload:
    """What is run by an unpickler that builds whatever it is asked for."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.fixture(scope='module', autouse=True)
def quick_runners():
    """The report on the machine takes a second a runner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdaptationRunner, '_log_env', lambda *_: None)
        yield


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """The config of a small job, trained for one epoch of two."""
    config = write_toy_job(tmp_path_factory.mktemp('job'))
    no_validation = ['val_cfg=None', 'val_dataloader=None', 'val_evaluator=None']
    cut = ['train_cfg.max_epochs=1', 'param_scheduler.0.end=2']
    train(load_config(config, [*cut, *no_validation]))
    return config


@pytest.fixture
def checkpoint(job):
    """What the job's checkpoint holds."""
    return torch.load(job.parent.parent / 'work/epoch_1.pth', weights_only=True)


@pytest.fixture
def cfg(job, tmp_path):
    return load_config(job, work_dir=tmp_path / 'work')


@pytest.fixture
def marker(tmp_path):
    """What must never be there."""
    marker = tmp_path / 'ran'
    yield marker
    assert not marker.exists()


@pytest.fixture
def bad(checkpoint, marker, tmp_path):
    """A checkpoint that is whole but for a payload among its weights."""
    content = copy.deepcopy(checkpoint)
    content['state_dict']['decode_head.conv_seg.bias'] = Payload(marker)
    torch.save(content, tmp_path / 'epoch_1.pth')
    return str(tmp_path / 'epoch_1.pth')


def initialize(cfg, file):
    cfg.model.backbone.backbone_cfg.init_cfg = dict(type='Pretrained', checkpoint=file)
    train(cfg)


def label_images(cfg, file):
    images = Path(cfg.filename).parent.parent / 'data/images/val'
    return label(cfg, file, str(images), Path(cfg.work_dir, 'labels'), tta=False)


def export_job(cfg, file):
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    return export_segmentor(cfg, file, Path(cfg.work_dir, 'net.pth'))


def generator_starts_from(cfg, file):
    init_default_scope('mmseg')
    settings = dict(type='SegmentorGenerator', segmentor=cfg.model, checkpoint=file)
    MODELS.build(settings).init_weights()


def starts_strictly_from(cfg, file):
    init_default_scope('mmseg')
    init_cfg = dict(type='StrictPretrained', checkpoint=file)
    MODELS.build(dict(cfg.model, init_cfg=init_cfg)).init_weights()


def self_train_with(cfg, **teacher):
    plan = write_toy_plan(Path(cfg.work_dir))
    options = {f'teacher.{key}': value for key, value in teacher.items()}
    self_train(load_config(plan, options))


USES = dict(
    load_from=lambda cfg, file: (cfg.update(load_from=file), train(cfg)),
    resume=lambda cfg, file: train(cfg, resume=file),
    nested_init_cfg=initialize,
    strict_init_cfg=starts_strictly_from,
    generator=generator_starts_from,
    test=evaluate,
    label=label_images,
    export_segmentor=export_job,
    export_weights=lambda cfg, file: export_weights(file, f'{file}.safetensors'),
    export_onnx=lambda cfg, file: export_onnx(cfg, file, f'{file}.onnx', size=(64, 32)),
    verify_onnx=lambda cfg, file: verify_onnx(cfg, file, f'{file}.onnx'),
    convert=lambda cfg, file: convert_timm_xception71(file, f'{cfg.work_dir}/x.pth'),
    self_train_init=lambda cfg, file: self_train_with(cfg, init=file),
    self_train_checkpoint=lambda cfg, file: self_train_with(cfg, checkpoint=file),
)


@pytest.mark.parametrize(
    'use',
    [
        pytest.param(use, marks=[pytest.mark.slow] * use.startswith('self_train'))
        for use in USES
    ],
)
def test_a_payload_is_refused_wherever_a_checkpoint_is_named(use, cfg, bad, marker):
    with pytest.raises((ValueError, PreflightError), match=FORBIDDEN) as caught:
        USES[use](cfg, bad)
    assert bad in str(caught.value)
    assert not marker.exists()


def files_with_payload(folder, content, payload):
    """The same payload at several places, and in all formats of a pickle."""
    spoilt = copy.deepcopy(content)
    spoilt['optimizer']['state'][0] = payload
    torch.save(spoilt, folder / 'optimizer.pth')
    torch.save(dict(content, meta=payload), folder / 'meta.pth')
    torch.save(payload, folder / 'all.pth')
    torch.save(payload, folder / 'old.pth', _use_new_zipfile_serialization=False)
    for protocol in (0, 2, 4):
        data = pickle.dumps(dict(state_dict=payload), protocol)
        (folder / f'pickle_{protocol}.pth').write_bytes(data)
    (folder / 'renamed.safetensors').write_bytes((folder / 'all.pth').read_bytes())
    return sorted(folder.iterdir())


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
def test_a_payload_is_refused_wherever_in_a_file_it_is(checkpoint, marker, tmp_path):
    folder = tmp_path / 'files'
    folder.mkdir()
    files = files_with_payload(folder, checkpoint, Payload(marker))
    assert len(files) == 8
    for file in files:
        with pytest.raises(ValueError, match=f'{file.name} cannot be read'):
            read_checkpoint(file)
        with only_plain_checkpoints(), pytest.raises(ValueError, match=file.name):
            load_checkpoint(nn.Conv2d(1, 1, 1), str(file))
        assert not marker.exists(), file


@pytest.fixture
def clean(checkpoint, marker, tmp_path):
    """No payload to unpickle, but Python wherever somebody might evaluate it."""
    code = f'import os\nos.mkdir({str(marker)!r})\nmodel = dict()\n'
    checkpoint['meta'].update(config=code, cfg=code)
    checkpoint['message_hub']['runtime_info']['cfg'] = code
    torch.save(checkpoint, tmp_path / 'clean.pth')
    return str(tmp_path / 'clean.pth')


@pytest.mark.parametrize(
    'use',
    ['resume', 'test', 'label', 'export_segmentor', 'export_weights', 'export_onnx'],
)
def test_code_in_the_metadata_stays_text(use, cfg, clean, marker):
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    # The file is good for its purpose all the same.
    assert USES[use](cfg, clean)
    assert not marker.exists()


def test_the_payloads_would_run(bad, clean, marker):
    """Without this, every test above could pass with a payload that is none."""
    torch.load(bad, weights_only=False)
    marker.rmdir()
    meta = torch.load(clean, weights_only=True)['meta']
    for entry in ('config', 'cfg'):
        Config.fromstring(meta[entry], file_format='.py')
        marker.rmdir()


SCHEMES = ('torchvision', 'modelzoo', 'open-mmlab', 'openmmlab', 'mmcls')
SCHEMES += ('http', 'https', 's3', 'petrel', 'pavi')


def test_nothing_is_fetched_that_nobody_vouches_for(cfg):
    pretrained = dict(type='Pretrained')
    models = (
        (dict(pretrained=None), 'pretrained'),
        (
            dict(heads=[{}, dict(init_cfg=[pretrained])]),
            'heads.1.init_cfg.0.checkpoint',
        ),
        (dict(teacher_checkpoint=pretrained), 'teacher_checkpoint.checkpoint'),
    )
    for source in (f'{scheme}://host/net.pth' for scheme in SCHEMES):
        with only_plain_checkpoints(), pytest.raises(ValueError, match='#sha256=HEX'):
            CheckpointLoader.load_checkpoint(source)
        for model, key in models:
            named = Config(dict(model=model))
            named.merge_from_dict({f'model.{key}': source})
            with pytest.raises(PreflightError, match=f'^model.{key}: {source} '):
                require_trusted_sources(named)
    cfg.load_from = source
    with pytest.raises(PreflightError, match=f'^load_from: {source} .*#sha256=HEX'):
        train(cfg)
    trusted = dict(pretrained='a.pth', checkpoint=f'https://host/a#sha256={"0" * 64}')
    require_trusted_sources(Config(dict(model=trusted, load_from='epoch_1.pth')))


def test_mmengine_beside_is_as_it_was(bad, tmp_path):
    """What another part of the process does with MMEngine is left to it."""
    before = vars(CheckpointLoader)['load_checkpoint']
    with only_plain_checkpoints(), pytest.raises(ValueError, match=FORBIDDEN):
        load_checkpoint(nn.Conv2d(1, 1, 1), bad)
    assert vars(CheckpointLoader)['load_checkpoint'] is before
    plain = tmp_path / 'plain.pth'
    torch.save(nn.Conv2d(1, 1, 1).state_dict(), plain)
    load_checkpoint(nn.Conv2d(1, 1, 1), str(plain), strict=True)


def test_contexts_of_threads_may_overlap(bad):
    entered, left = threading.Event(), threading.Event()

    def enter_first_and_leave_first():
        with only_plain_checkpoints():
            entered.set()
            assert left.wait(10)

    before = vars(CheckpointLoader)['load_checkpoint']
    thread = threading.Thread(target=enter_first_and_leave_first)
    thread.start()
    assert entered.wait(10)
    with only_plain_checkpoints():
        left.set()
        thread.join()
        with pytest.raises(ValueError, match=FORBIDDEN):
            CheckpointLoader.load_checkpoint(bad)
    assert vars(CheckpointLoader)['load_checkpoint'] is before


RULES = 'S102,S307,S506,TID251'
#: Each line would run code of a file.
LINES = """\
import pickle
from pickle import load as read
torch.load(file)
from torch import load
from torch.hub import load_state_dict_from_url
from mmengine import load
mmengine.load(file)
yaml.load(file)
eval(text)
exec(text)
from mmseg.apis import MMSegInferencer
Config.fromstring(text, ".py")
"""


def ruff(*words, **options):
    command = [sys.executable, '-m', 'ruff', 'check', '--select', RULES, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)


def test_one_module_reads_checkpoints():
    folders = ('segda_cli', 'segda_mm', 'tools')
    done = ruff(*folders)
    assert done.returncode == 0, done.stdout
    for folder in folders:
        for path in (ROOT / folder).rglob('*.py'):
            assert 'allow_pickle' not in path.read_text(encoding='utf-8'), path


def test_what_could_run_code_is_found():
    imports = 'import mmengine, torch, yaml\nfrom mmengine.config import Config\n'
    words = ('--output-format', 'concise', '--stdin-filename', 'segda_mm/bad.py', '-')
    found = ruff(*words, input=imports + LINES).stdout
    numbers = {int(line) for line in re.findall(r'bad\.py:(\d+):', found)}
    assert numbers == set(range(3, 3 + len(LINES.splitlines())))
