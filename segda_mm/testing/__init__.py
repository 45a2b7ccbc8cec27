"""Tiny models and fake batches for tests, ours and those of extensions."""

from .batches import domain_batch, panoptic_batch, segmentation_batch
from .tiny_models import (
    TINY_SEGMENTORS,
    tiny_bisenet,
    tiny_daformer,
    tiny_ddrnet,
    tiny_method,
    tiny_optim_wrapper,
    tiny_panoptic_deeplab,
    tiny_pidnet,
    tiny_segformer,
    tiny_stdc,
    tiny_unet,
)

__all__ = [
    'TINY_SEGMENTORS',
    'domain_batch',
    'panoptic_batch',
    'segmentation_batch',
    'tiny_bisenet',
    'tiny_daformer',
    'tiny_ddrnet',
    'tiny_method',
    'tiny_optim_wrapper',
    'tiny_panoptic_deeplab',
    'tiny_pidnet',
    'tiny_segformer',
    'tiny_stdc',
    'tiny_unet',
]
