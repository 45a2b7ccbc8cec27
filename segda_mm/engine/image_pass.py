"""Passes over images beside the training, which leave no trace in it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmengine.dist import all_gather_object
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from segda_mm.methods.steps import evaluating


def build_image_loader(
    runner: Runner, dataloader: dict, owner: str
) -> tuple[DataLoader, dict]:
    """Build a data loader that gives each image once, in order, and try it.

    Args:
        runner: On whose processes the images are shared out.
        dataloader: Config of the data loader; its sampler is replaced.
        owner: Whose entry of the config it is, for the error message.

    Returns:
        The data loader, and the first sample of its data set.
    """
    if 'dataset' not in dataloader:
        raise ValueError(
            f'{owner}.dataloader has no `dataset`; give it one, as '
            "dict(type='UnlabeledImageDataset', images=..., pipeline=[...])"
        )
    sampler = dict(type='DefaultSampler', shuffle=False, round_up=False)
    loader = runner.build_dataloader(
        {**dataloader, 'sampler': sampler}, seed=runner.seed
    )
    if not any(all_gather_object(len(loader))):
        raise ValueError(
            f'{owner}.dataloader has no batch: its dataset has '
            f'{len(loader.dataset)} images, batch_size is {loader.batch_size} and '
            f'drop_last is {loader.drop_last}; lower the batch size or add images'
        )
    with undisturbed(runner.model):
        return loader, loader.dataset[0]


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate a model, without gradients, in the midst of its training.

    Modes of modules and the CPU's random generators are restored afterwards.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        with torch.no_grad(), evaluating(model.modules()):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
