"""Changes to configs that several studies make."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from studies.study import Change

#: Source images alone are changed; those of the target stay as the camera took them.
PHOTOMETRIC = dict(
    type='PhotoMetricDistortion',
    brightness_delta=64,
    contrast_range=(0.4, 1.6),
    saturation_range=(0.4, 1.6),
    hue_delta=18,
)


def source_images(cfg: Config) -> Any:
    """The data set of a training that has the source's labels."""
    return cfg.train_dataloader.dataset.get('source', cfg.train_dataloader.dataset)


def distorted(cfg: Config) -> None:
    """Change: photometric distortion of the source images, the last transform."""
    source_images(cfg).pipeline.insert(-1, dict(PHOTOMETRIC))


def poly(end: int, by_epoch: bool = True) -> dict[str, Any]:
    """The decay of the papers up to ``end``."""
    return dict(
        type='PolyLR', power=0.9, eta_min=0, begin=0, end=end, by_epoch=by_epoch
    )


def trained_for(epochs: int, val_interval: int | None = None) -> Change:
    """A change: so many epochs, with poly decay of every optimizer."""

    def change(cfg: Config) -> None:
        # One more than there are: the last epoch still learns.
        cfg.param_scheduler = [poly(epochs + 1)]
        cfg.train_cfg.max_epochs = epochs
        if val_interval is not None:
            cfg.train_cfg.val_interval = val_interval

    return change
