"""The pairs of domains that studies adapt on, and what they change in configs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mmengine.config import Config

from studies.study import Change

MODELS = 'configs/_base_/models'

#: Source images alone are changed; those of the target stay as the camera took them.
PHOTOMETRIC = dict(
    type='PhotoMetricDistortion',
    brightness_delta=64,
    contrast_range=(0.4, 1.6),
    saturation_range=(0.4, 1.6),
    hue_delta=18,
)


@cache
def _file(path: str) -> Config:
    """A config that nobody changes: it takes long to execute."""
    return Config.fromfile(path)


@dataclass(frozen=True)
class World:
    """A pair of domains, and how long is trained on them.

    Attributes:
        source: What the names of configs of the labelled source end with.
        pair: The same, of source and target together.
        target: The same, of the labelled target, for the oracle.
        num_classes: Of the data.
        epochs: Of a training from scratch.
        epochs_after: Of a method that goes on from another one.
        feedback: Arguments of ``LossProductFeedback``, to suit ``epochs_after``: full
            strength in the last epoch.
        held_out: Config of labelled source images that are not trained on.
        fresh_students: Whether students of pseudo labels start from ImageNet's weights,
            as in paper A, or from the adapted network, where few epochs are trained.
        small: Whether networks have a quarter of the paper's channels, from scratch.
        val_interval: Epochs between validations; None: that of the configs.
        subset: Of the target images that unlabelled figures are measured on.
        num_workers: Of the loader of these.
    """

    source: str
    pair: str
    target: str
    num_classes: int
    epochs: int
    epochs_after: int
    feedback: Mapping[str, float]
    held_out: Mapping[str, Any]
    fresh_students: bool = False
    small: bool = True
    val_interval: int | None = None
    subset: Mapping[str, Any] = field(default_factory=dict)
    num_workers: int = 0

    @property
    def source_config(self) -> str:
        """Config of the training on source labels."""
        return f'configs/supervised/supervised_bisenetv1-r18_{self.source}.py'

    @property
    def target_config(self) -> str:
        """Config of the training on target labels."""
        return f'configs/supervised/supervised_bisenetv1-r18_{self.target}.py'

    def pair_config(self, method: str) -> str:
        """Config of a method; ``method`` is the beginning of its path."""
        return f'configs/{method}_bisenetv1-r18_{self.pair}.py'

    def target_images(self) -> dict[str, Any]:
        """Config of the images adapted to, without pipeline."""
        dataset = self._pair().train_dataloader.dataset.target.to_dict()
        del dataset['pipeline']
        return dataset

    def unlabeled(self) -> dict[str, Any]:
        """Config of a loader over target images, as they are evaluated."""
        target = self._pair().train_dataloader.dataset.target.to_dict()
        whole = [step for step in target['pipeline'] if step['type'] != 'RandomFlip']
        dataset = dict(self.target_images(), **self.subset, pipeline=whole)
        return dict(batch_size=1, num_workers=self.num_workers, dataset=dataset)

    def _pair(self) -> Config:
        return _file(self.pair_config('adversarial/adversarial-dsc'))

    def network(self, cfg: Config, depth: int = 18) -> None:
        """Change: give a method the network of this world."""
        if not self.small:
            file = _file(f'{MODELS}/bisenetv1_r{depth}.py')
            network = file.segmentor.to_dict()
            del network['data_preprocessor']
        else:
            network = quarter_bisenet(self.num_classes, depth)
            if 'discriminator' in cfg.model:
                cfg.model.discriminator.channels = (16, 32, 64, 128, 1)
        adapted = 'generator' in cfg.model
        key = 'model.generator.segmentor' if adapted else 'model'
        cfg.merge_from_dict({key: network})

    def large_network(self, cfg: Config) -> None:
        """Change: ResNet-101 in the place of ResNet-18."""
        self.network(cfg, depth=101)

    def unlabeled_figures(self, cfg: Config) -> None:
        """Change: log the figures that a checkpoint can be chosen by."""
        if self.val_interval is not None:
            cfg.train_cfg.val_interval = self.val_interval
        pipeline = cfg.test_dataloader.dataset.pipeline
        held_out = dict(self.held_out, pipeline=pipeline)
        cfg.merge_from_dict(
            {
                'default_hooks.target_entropy': dict(
                    type='TargetEntropyHook', dataloader=self.unlabeled()
                ),
                'default_hooks.source_validation': dict(
                    type='SourceValidationHook',
                    dataloader=dict(batch_size=1, num_workers=0, dataset=held_out),
                    evaluator=dict(type='PerClassIoUMetric', iou_metrics=['mIoU']),
                ),
            }
        )

    def agreement(self, cfg: Config) -> None:
        """Change: log how far teacher and student agree on the target."""
        hook = dict(type='TeacherStudentAgreementHook', dataloader=self.unlabeled())
        cfg.default_hooks.agreement = hook

    def batch_norm(self, cfg: Config) -> None:
        """Change: evaluate with the BatchNorm statistics of target images."""
        loader = dict(self.unlabeled(), batch_size=4)
        hook = dict(type='AdaptiveBatchNormHook', dataloader=loader)
        cfg.default_hooks.adaptive_batch_norm = hook

    def colors(self, cfg: Config) -> None:
        """Change: source images take the colors of target images."""
        images = self.target_images()
        after_resizing(
            dict(type='ColorStatistics', images=images, strength=(0.0, 1.0), prob=0.8)
        )(cfg)


def quarter_bisenet(num_classes: int, depth: int = 18) -> dict[str, Any]:
    """Config of BiSeNet with a quarter of its channels, without preprocessor."""
    file = _file(f'{MODELS}/bisenetv1_r{depth}_quarter.py')
    network = file.segmentor.to_dict()
    del network['data_preprocessor']
    for head in (network['decode_head'], *network['auxiliary_head']):
        head['num_classes'] = num_classes
    return network


def source_images(cfg: Config) -> Any:
    """The data set of a training that has the source's labels."""
    return cfg.train_dataloader.dataset.get('source', cfg.train_dataloader.dataset)


def plain(cfg: Config) -> None:
    """Change: no photometric distortion of the source images."""
    source = source_images(cfg)
    source.pipeline = [
        step for step in source.pipeline if step['type'] != PHOTOMETRIC['type']
    ]


def distorted(cfg: Config) -> None:
    """Change: photometric distortion of the source images, in this strength."""
    plain(cfg)
    before_packing(PHOTOMETRIC)(cfg)


def before_packing(transform: Mapping[str, Any]) -> Change:
    """A change: one more transform of the source images, the last one."""

    def change(cfg: Config) -> None:
        source_images(cfg).pipeline.insert(-1, dict(transform))

    return change


def after_resizing(transform: Mapping[str, Any]) -> Change:
    """A change: one more transform of the source images, behind their resizing."""

    def change(cfg: Config) -> None:
        pipeline = source_images(cfg).pipeline
        place = [step['type'] for step in pipeline].index('Resize') + 1
        pipeline.insert(place, dict(transform))

    return change


def rare_classes(cfg: Config) -> None:
    """Change: images of rare classes are drawn more often."""
    cfg.train_dataloader.dataset = dict(
        type='RareClassDataset',
        dataset=cfg.train_dataloader.dataset,
        temperature=0.1,
        min_pixels_share=0.0015,
    )


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


def optimizer(key: str, **settings: Any) -> Sequence[Change]:
    """Changes: another optimizer in the place of that at a dotted key."""
    return [{key: dict(settings, _delete_=True)}]


MINICITY = World(
    source='minicity-gta5-128x256',
    pair='minicity-128x256',
    target='minicity-cityscapes-128x256',
    num_classes=19,
    epochs=6,
    epochs_after=3,
    feedback=dict(growth_epochs=2.4, full_after_epoch=1.5),
    held_out=dict(type='GTA5Dataset', data_root='data/minicity-holdout/gta5'),
    val_interval=2,
    subset=dict(subset=dict(size=40, seed=0)),
)
CAMVID = World(
    source='camvid-day-144x192',
    pair='camvid-day2dusk-144x192',
    target='camvid-dusk-144x192',
    num_classes=11,
    epochs=4,
    epochs_after=2,
    feedback=dict(growth_epochs=1.6, full_after_epoch=1),
    held_out=dict(
        type='CamVidDataset',
        data_root='data/camvid',
        data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
        every=4,
    ),
    val_interval=1,
)
GTA2CITYSCAPES = World(
    source='gta5-720x1280',
    pair='gta2cs-512x1024',
    target='cityscapes-512x1024',
    num_classes=19,
    epochs=50,
    epochs_after=50,
    feedback=dict(growth_epochs=40, full_after_epoch=25),
    # Of 24,966 images, so that about five of these are trained on.
    held_out=dict(
        type='GTA5Dataset', data_root='data/gta5', subset=dict(size=250, seed=1)
    ),
    fresh_students=True,
    small=False,
    subset=dict(subset=dict(size=100, seed=0)),
    num_workers=4,
)
