"""Fake batches as the data loaders give them."""
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample


def segmentation_batch(num_images: int = 2,
                       size: tuple[int, int] = (64, 64),
                       num_classes: int = 4,
                       seed: int = 0,
                       labeled: bool = True) -> dict:
    """A batch of random images, not yet normalised or stacked.

    Args:
        num_images: N.
        size: (H, W).
        num_classes: Labels are drawn from [0, num_classes).
        seed: Of the pixels and the labels.
        labeled: Whether the samples carry ``gt_sem_seg``.

    Returns:
        ``inputs``: N uint8 tensors (3, H, W); ``data_samples``: N samples.
    """
    generator = torch.Generator().manual_seed(seed)
    inputs = [
        torch.randint(
            0, 256, (3, *size), generator=generator, dtype=torch.uint8)
        for _ in range(num_images)
    ]
    data_samples = []
    for _ in range(num_images):
        sample = SegDataSample(
            metainfo=dict(ori_shape=size, img_shape=size, pad_shape=size))
        if labeled:
            # Blocks rather than noise, so that labels have an inside.
            coarse = torch.randint(
                0,
                num_classes, (1, size[0] // 8, size[1] // 8),
                generator=generator)
            labels = coarse.repeat_interleave(8, 1).repeat_interleave(8, 2)
            sample.gt_sem_seg = PixelData(data=labels)
        data_samples.append(sample)
    return dict(inputs=inputs, data_samples=data_samples)


def domain_batch(seed: int = 0, **kwargs) -> dict:
    """A batch of a labelled source and an unlabelled target.

    Args:
        seed: Of the source; the target takes the next one.
        kwargs: Further arguments of :func:`segmentation_batch`.
    """
    return dict(
        source=segmentation_batch(seed=seed, **kwargs),
        target=segmentation_batch(seed=seed + 1, labeled=False, **kwargs))
