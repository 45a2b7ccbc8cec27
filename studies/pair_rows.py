"""Rows of a pair of domains, each of which goes on from its trained source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mmengine.config import Config

from studies.changes import source_images, trained_for
from studies.study import Change, Row

#: Of what goes on from a trained network.
RATE_AFTER = 1e-3
DISCRIMINATOR = {
    'discriminator.loss': 'loss of the discriminator',
    'discriminator.accuracy_source': 'right on the source',
    'discriminator.accuracy_target': 'right on the target',
    'generator.adversarial.gradient_ratio': 'adversarial gradient',
}


@dataclass(frozen=True)
class PairRows:
    """The rows of one pair with BiSeNet-Lite0, by method.

    Attributes:
        pair: As the names of the configs end.
        source: Config of the training on the source alone.
        epochs: Of the source.
        after: Epochs of what goes on, in passes over the source.
        alone: Epochs of what has no source, in passes over the target.
    """

    pair: str
    source: str
    epochs: int
    after: int
    alone: int

    def adversarial(self, name: str, *changes: Change) -> Row:
        """One with a discriminator."""
        learns = {'optim_wrapper.discriminator.optimizer.lr': 1e-3}
        return self._adversarial(name, self.after, learns, *changes)

    def source_free(self, name: str, change: Change) -> Row:
        """One of images of the target alone."""
        return self._adversarial(name, self.alone, change)

    def _adversarial(self, name: str, epochs: int, *changes: Change) -> Row:
        config = f'configs/adversarial/adversarial-dsc_bisenetv1-lite0_{self.pair}.py'
        always = {
            'optim_wrapper.generator.optimizer.lr': RATE_AFTER,
            'model.generator.checkpoint_prefix': '',
        }
        start = {'source': ['model.generator.checkpoint']}
        return Row(name, config, [trained_for(epochs), always, *changes], start)

    def mean_teacher(self, name: str, *changes: Change, taught_by: str = '') -> Row:
        """One with a mean teacher, read by its student; or by a large one, ``taught_by``."""
        config = f'configs/mean_teacher/mean-teacher_bisenetv1-lite0_{self.pair}.py'
        always = {
            'optim_wrapper.student_generator.optimizer.lr': RATE_AFTER,
            'model.predict_on': 'student',
            'model.decay': 0.99,
            'model.pseudo_labeler.threshold': 0.9,
            'model.generator.checkpoint_prefix': '',
        }
        start = {'source': ['model.generator.checkpoint']}
        if taught_by:
            start = {
                'source': ['model.light_generator.checkpoint'],
                taught_by: ['model.generator.checkpoint'],
            }
        return Row(name, config, [trained_for(self.after), always, *changes], start)

    def continued(self, name: str, *changes: Change) -> Row:
        """One that learns on from source labels: the control, and what changes it."""
        always = [trained_for(self.after), {'optim_wrapper.optimizer.lr': RATE_AFTER}]
        return Row(name, self.source, [*always, *changes], {'source': ['load_from']})

    def target_alone(self, cfg: Config) -> None:
        """Change: a mean teacher without a source."""
        cfg.train_dataloader.dataset = cfg.train_dataloader.dataset.target
        cfg.model.mixing = None
        pixels_alike(cfg)
        trained_for(self.alone)(cfg)


def averaged(cfg: Config) -> None:
    """Change: every figure is of the moving average of the weights, 100 steps wide."""
    cfg.default_hooks.ema = dict(type='EMAHook', momentum=0.01, update_buffers=True)
    cfg.train_cfg.val_interval = 1


def label_hook(cfg: Config) -> dict:
    """What labels the target by class medians before each epoch."""
    return dict(
        type='MedianThresholdPseudoLabelHook',
        epochs=list(range(cfg.train_cfg.max_epochs)),
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='dataset'),
        dataloader=dict(batch_size=1, num_workers=0, dataset=cfg.label_dataset),
    )


def pseudo_labels(cfg: Config) -> None:
    """Change: labels of class medians in the place of the discriminator's gradient."""
    cfg.model.adv_weight = 0.0
    cfg.model.target_loss_weight = 0.5
    cfg.train_dataloader.dataset.target.pipeline = cfg.pseudo_label_pipeline
    cfg.custom_hooks = [*cfg.custom_hooks, label_hook(cfg)]


def pixels_alike(cfg: Config) -> None:
    """Change: classes do not weigh more where they are rare."""
    cfg.default_hooks.pop('class_weights', None)


def tent(cfg: Config) -> None:
    """Change: normalisation layers that learn to be certain, without a source."""
    cfg.train_dataloader.dataset = cfg.train_dataloader.dataset.target
    cfg.model = dict(
        type='SourceFree',
        data_preprocessor=cfg.model.data_preprocessor,
        generator=cfg.model.generator,
        trained='norm',
        unlabeled_losses=[dict(type='EntropyLoss', loss_weight=1.0)],
        target_loss_weight=0.0,
    )
    del cfg.optim_wrapper['discriminator']
    pixels_alike(cfg)
    cfg.custom_hooks = []


def own_medians(cfg: Config) -> None:
    """Change: all weights learn class-median labels of their own, without a source."""
    tent(cfg)
    cfg.model.update(trained='all', unlabeled_losses=[], target_loss_weight=1.0)
    cfg.train_dataloader.dataset.pipeline = cfg.pseudo_label_pipeline
    cfg.custom_hooks = [label_hook(cfg)]


def batch_norm(cfg: Config) -> None:
    """Change: statistics of the target, and no step."""
    tent(cfg)
    # No weight moves whose average could be taken.
    del cfg.default_hooks['ema']
    cfg.train_cfg.update(type='NoStepLoop', max_epochs=1)
    cfg.param_scheduler = []
    loader = dict(batch_size=6, num_workers=0, dataset=cfg.label_dataset)
    cfg.custom_hooks = [dict(type='AdaptiveBatchNormHook', dataloader=loader)]


def restyled(images: dict, place: int, transform: dict) -> Callable[[Config], None]:
    """A change: source images in the style of images of the target."""

    def change(cfg: Config) -> None:
        source_images(cfg).pipeline.insert(place, dict(transform, images=images))

    return change


def rare_classes(cfg: Config) -> None:
    """Change: drawn streets with rare classes are drawn more often."""
    drawn = dict(
        type='RareClassDataset',
        dataset=source_images(cfg),
        temperature=0.1,
        min_pixels_share=0.0015,
    )
    if 'source' in cfg.train_dataloader.dataset:
        cfg.train_dataloader.dataset.source = drawn
    else:
        cfg.train_dataloader.dataset = drawn


whole = {'model.mixing': None}
masked = {
    'model.masking': dict(type='BlockMask', ratio=0.7, block_size=32),
    'model.masked_loss_weight': 1.0,
}
# Pixels count by their confidence, all labels a quarter.
gentle = {
    'model.target_loss_weight': 0.25,
    'model.pseudo_labeler': dict(_delete_=True, type='PixelConfidence', exponent=4.0),
}
certain = {
    'model.adv_weight': 0.0,
    'model.unlabeled_losses': [dict(type='EntropyLoss', loss_weight=0.02)],
}
