"""Labelling and training in processes of their own, and networks to label with."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from segda_mm.apis import load_config
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import write_toy_job

SCRIPT = Path(__file__).with_name('label_elsewhere.py')
TRAINING = Path(__file__).with_name('train_on_pseudo_labels.py')


@pytest.fixture(scope='session')
def label_elsewhere(run_script):
    """Label in other processes; returns the exit codes of each labelling."""

    def run(*labellings):
        codes, run.stderr = run_script(SCRIPT, labellings)
        return codes

    return run


@pytest.fixture(scope='session')
def semantic_job(tmp_path_factory):
    """Config and checkpoint of a network of three classes, and its images."""
    folder = tmp_path_factory.mktemp('semantic')
    config = write_toy_job(folder)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(load_config(config).model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'net.pth')
    return dict(
        config=str(config),
        checkpoint=str(folder / 'net.pth'),
        images=str(folder / 'data' / 'images'),
    )


@pytest.fixture(scope='session')
def toy():
    """The module ``train_on_pseudo_labels``."""
    spec = importlib.util.spec_from_file_location(TRAINING.stem, TRAINING)
    module = importlib.util.module_from_spec(spec)
    sys.modules[TRAINING.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='session')
def train_elsewhere(run_script):
    """Train the toy in other processes; returns their wait statuses."""

    def run(*runs):
        statuses, run.stderr = run_script(TRAINING, runs)
        return statuses

    return run
