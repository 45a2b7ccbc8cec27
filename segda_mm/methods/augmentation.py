"""Colours and sharpness of a student's images, changed on the device."""

import torch
from torch import Tensor, nn
from torchvision.transforms import v2

from segda_mm.registry import MODELS


@MODELS.register_module()
class StrongAugmentation(nn.Module):
    """Colour jitter and Gaussian blur of normalised images, one by one.

    The student's side of DACS (Tranheden et al., WACV 2021) and DAFormer (Hoyer
    et al., CVPR 2022). Pixels stay where they are, so that labels stay valid.
    Draws from torch's global CPU generator.

    Args:
        brightness: Largest change, as in
            :class:`torchvision.transforms.v2.ColorJitter`.
        contrast: The same.
        saturation: The same.
        hue: The same.
        jitter_probability: Of the jitter, for each image.
        blur_sigma: Range of the blur's standard deviation in pixels.
        blur_probability: Of the blur, for each image.
    """

    def __init__(
        self,
        brightness: float,
        contrast: float,
        saturation: float,
        hue: float,
        jitter_probability: float,
        blur_sigma: tuple[float, float],
        blur_probability: float,
    ) -> None:
        super().__init__()
        # Three standard deviations on each side.
        kernel_size = 2 * max(1, round(3 * max(blur_sigma))) + 1
        self.transform = v2.Compose(
            [
                v2.RandomApply(
                    [v2.ColorJitter(brightness, contrast, saturation, hue)],
                    p=jitter_probability,
                ),
                v2.RandomApply(
                    [v2.GaussianBlur(kernel_size, tuple(blur_sigma))],
                    p=blur_probability,
                ),
            ]
        )

    @torch.no_grad()
    def forward(self, inputs: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        """Change images; the memory layout stays.

        Args:
            inputs: Normalised RGB images, shape (N, 3, H, W).
            mean: What normalising has subtracted, shape (3, 1, 1), in [0, 255].
            std: What it has divided by, shape (3, 1, 1).
        """
        if inputs.shape[1] not in (1, 3):
            raise ValueError(
                f'model.augmentation changes the colours of images of 1 or 3 channels, '
                f'but gets {inputs.shape[1]}; set model.augmentation=None'
            )
        # Black that rounding has taken below 0 has no hue: it would become NaN.
        images = ((inputs * std + mean) / 255).clamp(0, 1)
        changed = torch.stack([self.transform(image) for image in images])
        changed = (changed * 255 - mean) / std
        if inputs.is_contiguous(memory_format=torch.channels_last):
            changed = changed.contiguous(memory_format=torch.channels_last)
        return changed
