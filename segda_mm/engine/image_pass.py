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

    Raises:
        ValueError: It names no data set, or has no batch in any process.
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
            f'{len(loader.dataset)} images, batch_size is {loader.batch_size} '
            f'and drop_last is {loader.drop_last}; lower the batch size or add '
            'images'
        )
    with undisturbed(runner.model):
        return loader, loader.dataset[0]


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate a model in the midst of its training.

    Meanwhile it is in evaluation mode and records no gradients. Afterwards each
    of its modules is in the mode it was in, and so are the random generators of
    Python, NumPy and PyTorch's CPU, from which data loaders and pipelines draw.

    Args:
        model: The model, wrapped or not.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        with torch.no_grad(), evaluating(model.modules()):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
