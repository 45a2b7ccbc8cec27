"""Passes over images beside the training, which leave no trace in it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object
from mmengine.runner import Runner
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader

from segda_mm.methods.modes import evaluating

#: Images of more sizes than these are not tried one by one.
_MOST_SIZES = 64

#: Tag of EXIF that says how a photo was held.
_ORIENTATION = 274


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
        require_equal_sizes(loader, f'{owner}.dataloader')
        return loader, loader.dataset[0]


def require_equal_sizes(loader: DataLoader, key: str) -> None:
    """Raise ValueError if images of one batch come out of the pipeline unlike.

    The heads of all image files are read, and one image of every size is loaded.

    Args:
        loader: Gives the images in a fixed order.
        key: Of the data loader in the config.
    """
    if not loader.batch_size or loader.batch_size == 1:
        return
    batches = list(islice(loader.batch_sampler, len(loader)))
    dataset = loader.dataset
    stored = {i: _stored_size(dataset, i) for batch in batches for i in batch}
    kinds = set(stored.values())
    if len(kinds) == 1 or len(kinds) > _MOST_SIZES or None in kinds:
        return
    first = {kind: index for index, kind in reversed(stored.items())}
    shapes = {kind: _input_shapes(dataset[index]) for kind, index in first.items()}
    for batch in batches:
        examples = {shapes[stored[index]]: index for index in batch}
        if len(examples) > 1:
            told = ' and '.join(
                f'{dataset.get_data_info(index)["img_path"]} ({shape[0]})'
                for shape, index in list(examples.items())[:2]
            )
            raise ValueError(
                f'{key}.batch_size is {loader.batch_size}, but images of one batch '
                f'differ in size, as {told}; set {key}.batch_size=1, or resize all '
                'to one size in its pipeline'
            )


def _stored_size(dataset: Any, index: int) -> tuple | None:
    """Size and orientation of an image file; None where there is none to look at."""
    try:
        with Image.open(dataset.get_data_info(index)['img_path']) as image:
            return *image.size, image.getexif().get(_ORIENTATION, 1)
    # What is wrong with a file is told when it is loaded.
    except (AttributeError, KeyError, OSError, Image.DecompressionBombError):
        return None


def _input_shapes(sample: dict) -> tuple[str, ...]:
    """Widths and heights of an image, or of the views of one."""
    views = sample['inputs']
    views = views if isinstance(views, list | tuple) else [views]
    return tuple(f'{view.shape[-1]}x{view.shape[-2]}' for view in views)


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
