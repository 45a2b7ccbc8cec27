"""Fixtures that train a toy job in this process and in others."""

import copy
import functools
import gc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from segda_mm.apis import load_config, train
from segda_mm.engine import AdaptationRunner
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_method
from segda_mm.testing.toy_job import write_toy_job

_SCRIPT = Path(__file__).with_name('train_elsewhere.py')


@pytest.fixture(scope='session')
def run_elsewhere(run_jobs):
    """Train in other processes; returns their exit codes."""

    def run(*runs):
        ends, run.stderr = run_jobs(_SCRIPT, runs)
        return [codes for codes, _ in ends]

    return run


@pytest.fixture(scope='module')
def street(tmp_path_factory):
    """A toy job by itself and by Meta Pseudo Labels (``mpl``), and what trains it.

    The five images without labels are 40x48; the network sees them padded to 64x64.
    """
    folder = tmp_path_factory.mktemp('street')
    config = write_toy_job(folder)
    cfg = load_config(config)
    # As the shipped configs, whose checkpoints others may choose by.
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1)
    cfg.dump(config)
    draw = np.random.default_rng(5)
    files = [folder / 'street' / f'{index}.png' for index in range(5)]
    files[0].parent.mkdir()
    for file in files:
        pixels = draw.integers(256, size=(5, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels.repeat(8, 0).repeat(8, 1)).save(file)
    load = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    images = dict(
        type='UnlabeledImageDataset', images=str(files[0].parent), pipeline=load
    )

    mpl = config.with_name('mpl.py')
    _mpl_config(cfg, images).dump(mpl)

    def train_job(name, hooks, options=None, resume=None, config=config):
        cfg = load_config(config, options, folder / name)
        cfg.custom_hooks = hooks
        return train(cfg, resume)

    with pytest.MonkeyPatch.context() as patch:
        # All of them cost seconds in every run; data sets collect garbage.
        patch.setattr(gc, 'collect', lambda: 0)
        patch.setattr(AdaptationRunner, '_log_env', lambda *_: None)
        patch.setattr(Config, 'pretty_text', property(lambda cfg: repr(cfg.to_dict())))
        yield SimpleNamespace(
            config=config,
            mpl=mpl,
            mean_teacher=functools.partial(_mean_teacher, mpl),
            folder=folder,
            files=files,
            images=images,
            dataloader=dict(batch_size=2, num_workers=0, dataset=images),
            train=train_job,
            inputs=_inputs,
            network=_network,
        )


def _mpl_config(cfg, images):
    cfg = copy.deepcopy(cfg)
    # Random numbers in samples and in steps.
    cfg.train_dataloader.dataset.pipeline.insert(1, dict(type='RandomFlip', prob=0.5))
    cfg.model.decode_head.dropout_ratio = 0.5
    preprocessor = cfg.model.pop('data_preprocessor')
    preprocessor.update(type='DomainDataPreprocessor', size=None, size_divisor=32)
    cfg.model = tiny_method(
        'MetaPseudoLabels',
        cfg.model,
        data_preprocessor=preprocessor,
        discriminator=dict(
            type='FCDiscriminator', num_classes=3, channels=(4, 4, 4, 4, 1)
        ),
        # The student's report is made with running statistics.
        feedback_rule=dict(type='StudentLossChangeFeedback', baseline_momentum=0.9),
        teacher_adv_weight=0.001,
        label_batch_statistics=True,
        uda_probability=0.5,
        uda_sigma=0.5,
    )
    cfg.train_dataloader.dataset = dict(
        type='DomainPairDataset', source=cfg.train_dataloader.dataset, target=images
    )
    cfg.optim_wrapper = dict(
        constructor='ChildOptimWrapperConstructor',
        student_generator=cfg.optim_wrapper,
        student_discriminator=cfg.optim_wrapper,
        teacher_generator=cfg.optim_wrapper,
        teacher_discriminator=cfg.optim_wrapper,
    )
    poly = dict(type='PolyLR', power=0.9)
    # MMEngine's `end` is one step after the rate reaches `eta_min`.
    cfg.param_scheduler = dict(
        student_generator=[dict(poly, end=4, by_epoch=True)],
        student_discriminator=[dict(poly, end=4, by_epoch=True)],
        teacher_generator=[dict(poly, end=10, by_epoch=False)],
        teacher_discriminator=[dict(poly, end=10, by_epoch=False)],
    )
    cfg.train_cfg = dict(type='MPLTrainLoop', max_epochs=2)
    return cfg


def _mean_teacher(mpl):
    """What makes a mean teacher, that is deployed, of the job ``mpl``."""
    cfg = load_config(mpl).to_dict()
    return {
        # The teacher labels by its running statistics.
        'model': dict(
            tiny_method(
                'MeanTeacher',
                cfg['model']['generator']['segmentor'],
                data_preprocessor=cfg['model']['data_preprocessor'],
                label_batch_statistics=False,
            ),
            _delete_=True,
        ),
        'optim_wrapper': dict(
            _delete_=True,
            constructor='ChildOptimWrapperConstructor',
            student_generator=cfg['optim_wrapper']['student_generator'],
        ),
        'param_scheduler': [],
        'train_cfg.type': 'ResumableEpochTrainLoop',
    }


def _inputs(file):
    """An image as the network of the toy job gets it, (1, 3, H, W)."""
    image = torch.from_numpy(np.asarray(Image.open(file))[..., ::-1].copy())
    image = (image.permute(2, 0, 1)[None].float() - 110) / 70
    height, width = image.shape[2:]
    return torch.nn.functional.pad(image, (0, -width % 32, 0, -height % 32))


def _network(config, checkpoint):
    """The model of a config with the weights of a checkpoint."""
    content = torch.load(checkpoint, weights_only=True)
    model = MODELS.build(load_config(config).model)
    model.load_state_dict(content['state_dict'])
    return model.eval()
