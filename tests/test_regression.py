"""What the package computes, against what it computed when it was recorded.

``regression.json`` holds the record; ``python tests/test_regression.py --record``
writes it anew, which is right only where a change of the numbers is meant. Everything
is built from configs and public names, so that moving code needs no change here.

Losses are computed in float64 and compared to 1e-9; for the rest see ``TOLERANCES``.
Labels come from float32, whose rounding on another kind of processor may turn a pixel:
what is compared is the mean of their ids in blocks.
"""

import itertools
import json
import math
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from segda_mm.apis import label, load_config, train
from segda_mm.ops.pseudo_labels import median_thresholds
from segda_mm.registry import HOOKS, METRICS, MODELS
from segda_mm.testing import (
    domain_batch,
    panoptic_batch,
    segmentation_batch,
    tiny_bisenet,
    tiny_daformer,
    tiny_method,
    tiny_optim_wrapper,
    tiny_panoptic_deeplab,
)
from segda_mm.testing.run_results import find_difference, trained_state
from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world
from segda_mm.testing.toy_job import write_toy_job

RECORD = Path(__file__).with_name('regression.json')
CONFIGS = Path(__file__).parents[1] / 'configs'
STEPS = 10

FCD = dict(type='FCDiscriminator', num_classes=4, channels=(4, 4, 4, 4, 1))
ADVERSARIAL = tiny_method('BiSeNetDA', adv_weight=0.1, gradient_ratio_interval=3)
MEAN_TEACHER = tiny_method(
    'MeanTeacher',
    mixing=dict(type='ClassMix'),
    pseudo_labeler=dict(type='ConfidentShare', threshold=0.258),
    augmentation=dict(
        type='StrongAugmentation',
        brightness=0.5,
        contrast=0.5,
        saturation=0.5,
        hue=0.1,
        jitter_probability=0.8,
        blur_sigma=(0.2, 1.0),
        blur_probability=0.5,
    ),
)
DAFORMER = tiny_method(
    'DAFormer',
    tiny_daformer(),
    # Labels are blocks of 8x8 in cells of 32x32.
    min_thing_share=0.2,
    pseudo_labeler=dict(type='ConfidentShare', threshold=0.258, ignored_rows=(3, 20)),
)
HEAVY_TEACHER = tiny_method(
    'HeavyTeacher',
    tiny_daformer(),
    mixing=dict(type='ClassMix'),
    pseudo_labeler=dict(type='ConfidentShare', threshold=0.258),
)
SOURCE_FREE = tiny_method('SourceFree')
META = tiny_method(
    'MetaPseudoLabels',
    student_adv_weight=0.01,
    teacher_adv_weight=0.1,
    uda_probability=0.5,
    gradient_ratio_interval=3,
)
METHODS = dict(
    supervised=dict(tiny_bisenet(), data_preprocessor=META.data_preprocessor),
    adversarial_dsc=ADVERSARIAL,
    adversarial_fcd=dict(ADVERSARIAL, discriminator=FCD),
    adversarial_pseudo_labels=dict(ADVERSARIAL, target_loss_weight=0.5),
    adversarial_entropy=dict(
        ADVERSARIAL,
        unlabeled_losses=[
            dict(type='EntropyLoss', loss_weight=0.3),
            dict(type='MaximumSquaresLoss', loss_weight=0.7),
        ],
    ),
    mean_teacher_class_mix=MEAN_TEACHER,
    mean_teacher_medians=dict(
        MEAN_TEACHER,
        mixing=dict(type='CutMix', min_share=0.2, max_share=0.5),
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='batch'),
        augmentation=None,
    ),
    mean_teacher_confidence=dict(
        MEAN_TEACHER,
        mixing=None,
        pseudo_labeler=dict(type='PixelConfidence', exponent=2.0),
        label_batch_statistics=False,
    ),
    mean_teacher_masked=dict(
        MEAN_TEACHER, masking=dict(type='BlockMask', ratio=0.7, block_size=16)
    ),
    mean_teacher_source_free=dict(MEAN_TEACHER, mixing=None),
    source_free_tent=SOURCE_FREE,
    source_free_labels=dict(
        SOURCE_FREE,
        trained='all',
        target_loss_weight=0.5,
        unlabeled_losses=[dict(type='MaximumSquaresLoss', loss_weight=0.7)],
    ),
    daformer=DAFORMER,
    heavy_teacher=HEAVY_TEACHER,
    mpl_product=META,
    mpl_change=dict(
        META,
        feedback_rule=dict(type='StudentLossChangeFeedback', baseline_momentum=0.5),
        pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='batch'),
        label_batch_statistics=True,
    ),
    panoptic_deeplab=tiny_panoptic_deeplab(),
)

_names = itertools.count()


def train_steps(name):
    """Losses of ten steps, all figures of the last, and the weights after it."""
    config = METHODS[name]
    hub = MessageHub.get_instance(f'test_regression_{next(_names)}')
    torch.manual_seed(0)
    model = MODELS.build(config)
    if hasattr(model, 'teacher_generator'):
        model.init_weights()
        torch.manual_seed(0)
    model = model.double().train()
    networks = [
        key for key, child in model.named_children() if _is_trained(key, child, config)
    ]
    if config['type'] in ('EncoderDecoder', 'PanopticDeepLab'):
        wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 1e-4))
    else:
        wrapper = tiny_optim_wrapper(model, *networks, lr=1e-3)
    losses = []
    for step in range(STEPS):
        hub.update_info('iter', step)
        if hasattr(model, 'set_progress'):
            model.set_progress(10 + step, 50)
        log = model.train_step(_batch(config, step), wrapper)
        log = {
            key: float(torch.as_tensor(value).detach()) for key, value in log.items()
        }
        losses.append(log['loss'])
    weights = {
        key: sum(float(weight.square().sum()) for weight in child.state_dict().values())
        for key, child in model.named_children()
        if any(True for _ in child.parameters())
    }
    return dict(losses=losses, last_step=log, squared_weights=weights)


def _is_trained(key, child, config):
    if config['type'] in ('MeanTeacher', 'DAFormer', 'HeavyTeacher'):
        return key in ('student_generator', 'light_generator')
    return any(parameter.requires_grad for parameter in child.parameters())


def _batch(config, step):
    if config['type'] == 'EncoderDecoder':
        return segmentation_batch(seed=2 * step, num_images=4)
    if config['type'] == 'PanopticDeepLab':
        return panoptic_batch(seed=step)
    if config['type'] == 'SourceFree':
        return segmentation_batch(seed=2 * step, num_images=4)
    batch = domain_batch(seed=2 * step, num_images=4)
    if config == METHODS['mean_teacher_source_free']:
        return batch['target']
    if config.get('target_loss_weight') and config['type'] == 'BiSeNetDA':
        # Labels of other images will do for pseudo labels, with some void.
        others = segmentation_batch(seed=100 + step, num_images=4)['data_samples']
        for sample, other in zip(batch['target']['data_samples'], others):
            sample.gt_sem_seg = other.gt_sem_seg
            sample.gt_sem_seg.data[:, :9, :30] = 255
    return batch


def pseudo_label_weights():
    confidence, labels = _confidence_and_labels()
    weights = {}
    for config in (
        dict(type='ConfidentShare', threshold=0.7),
        dict(type='PixelConfidence', exponent=1.5),
        dict(type='ClassMedian', cap=0.9, scope='image'),
        dict(type='ClassMedian', cap=0.9, scope='batch'),
    ):
        name = ' '.join(map(str, config.values()))
        labeler = MODELS.build(config)
        weights[name] = labeler(confidence, labels, 5).weights.flatten().tolist()
    return weights


def class_thresholds():
    confidence, labels = _confidence_and_labels()
    return {
        scope: median_thresholds(confidence, labels, 5, 0.9, scope).tolist()
        for scope in ('image', 'batch')
    }


def _confidence_and_labels():
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand((2, 4, 5), generator=generator) ** 0.3
    # Class 4 is never predicted, class 3 in the first image only.
    labels = torch.randint(0, 3, (2, 4, 5), generator=generator)
    labels[0, 0] = 3
    return confidence, labels


def feedback():
    records = {}
    for config in (
        dict(type='LossProductFeedback', growth_epochs=40, full_after_epoch=25),
        dict(
            type='LossProductFeedback',
            growth_epochs=40,
            full_after_epoch=25,
            first_epoch_h=1.0,
        ),
        dict(type='StudentLossChangeFeedback', baseline_momentum=None),
        dict(type='StudentLossChangeFeedback', baseline_momentum=0.9),
    ):
        rule = MODELS.build(config).double()
        records[' '.join(map(str, config.values()))] = [
            float(rule(_student_report(epoch))['h']) for epoch in (0, 7, 25, 26, 40)
        ]
    return records


def _student_report(epoch):
    losses = torch.linspace(0.3, 2.1, 50, dtype=torch.float64).view(10, 5)
    source, target, before, after = losses[epoch % 10, :4]
    return SimpleNamespace(
        source_loss=source,
        target_loss=target,
        labeled_loss_before=before,
        labeled_loss_after=after * 0.9,
        learning_rate=0.02,
        epoch=epoch,
        max_epochs=50,
    )


def metrics():
    draw = np.random.default_rng(0)
    classes, things = tuple('abcd'), [2, 3]
    samples = []
    for seed in range(3):
        for sample in panoptic_batch(seed=seed)['data_samples']:
            truth = sample.gt_panoptic_seg.data
            found = truth.roll((2, -2), (1, 2)).clone()
            found[:, :, draw.integers(97, size=5)] = 1000
            things_found = []
            for code in found.unique().tolist():
                if code // 1000 in things:
                    # Some are not seen, some are seen as the other class of things.
                    other = (5 - code // 1000) * 1000 + code % 1000
                    new = int(draw.choice([1000, other, code, code]))
                    found[found == code] = new
                    things_found += [new] if new != 1000 else []
            full = SegDataSample(metainfo=dict(img_path=f'{len(samples)}.png'))
            full.set_data(
                dict(
                    gt_panoptic_seg=PixelData(data=truth),
                    gt_sem_seg=PixelData(data=truth // 1000),
                    pred_panoptic_seg=PixelData(data=found),
                    pred_sem_seg=PixelData(data=(found // 1000).clamp(max=3).long()),
                    pred_instances=InstanceData(
                        codes=torch.tensor(things_found, dtype=torch.int32),
                        scores=torch.from_numpy(draw.random(len(things_found))),
                    ),
                )
            )
            samples.append(full.to_dict())
    figures = {}
    for name in ('PanopticMetric', 'PerClassIoUMetric', 'PixelPrecision'):
        metric = METRICS.build(dict(type=name))
        metric.dataset_meta = dict(classes=classes, thing_classes=things)
        metric.process({}, samples)
        figures[name] = metric.evaluate(len(samples))
    return figures


def labels_of_networks():
    """Where which labels are, by how they were made."""
    means = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        cfg = load_config(write_toy_job(folder))
        torch.save(
            dict(state_dict=_decided_network(cfg.model).state_dict()),
            folder / 'net.pth',
        )
        for name, options in dict(
            plain=dict(tta=False),
            scales_and_flip=dict(tta=True),
            thresholds_of_image=dict(
                tta=True,
                pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='image'),
                batch_size=2,
            ),
            thresholds_of_dataset=dict(
                tta=True,
                pseudo_labeler=dict(type='ClassMedian', cap=0.9, scope='dataset'),
            ),
        ).items():
            label(
                cfg,
                folder / 'net.pth',
                str(folder / 'data' / 'images'),
                folder / name,
                num_workers=0,
                **options,
            )
            means[name] = _block_means(folder / name)
    return means


def _decided_network(config):
    """A network of random weights that sees all classes, and is sure of some."""
    torch.manual_seed(0)
    model = MODELS.build(config)
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
    model.train().extract_feat(torch.randn(4, 3, 32, 64))
    with torch.no_grad():
        model.decode_head(model.extract_feat(torch.randn(4, 3, 32, 64)))
        model.decode_head.conv_seg.weight.mul_(50)
    return model


def _block_means(folder):
    """Mean of the ids in each of 2 x 4 blocks of every label, void being 255."""
    means = {}
    for path in sorted(folder.rglob('*.png')):
        pixels = np.asarray(Image.open(path))
        assert pixels.dtype == np.uint8
        rows, columns = (side // parts for side, parts in zip(pixels.shape, (2, 4)))
        blocks = pixels.reshape(2, rows, 4, columns).mean((1, 3))
        means[path.relative_to(folder).as_posix()] = blocks.flatten().tolist()
    return means


def labels_in_training():
    """What MedianThresholdPseudoLabelHook finds before the first epoch."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_tiny_world(folder / 'world')
        cfg = tiny_method_config('pseudo_label', CONFIGS, folder / 'world')
        cfg.work_dir, cfg.train_cfg.max_epochs = str(folder / 'run'), 1
        train(cfg)
        (manifest,) = (folder / 'run').rglob('manifest.json')
        classes = json.loads(manifest.read_text(encoding='utf-8'))['classes']
    return {
        entry['name']: [
            entry['pixels'],
            entry['threshold'],
            entry['kept_share'] if entry['pixels'] else None,
        ]
        for entry in classes
    }


class Killed(Exception):
    """Stands for a kill: nothing of the run is tidied up."""


@HOOKS.register_module()
class KillTestHook(Hook):
    """Ends a training within its first epoch, after a checkpoint."""

    priority = 'LOWEST'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        raise Killed


def resumed_run():
    """A run of two epochs, and the same one cut after its first step."""
    states = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        config = write_toy_job(folder)

        def run(name, resume=None, hooks=()):
            cfg = load_config(config, work_dir=folder / name)
            cfg.custom_hooks, cfg.param_scheduler[0].end = list(hooks), 4
            cfg.default_hooks.checkpoint = dict(
                type='CheckpointHook', by_epoch=False, interval=1, max_keep_ckpts=2
            )
            train(cfg, resume=resume)
            states[name] = trained_state(folder / name / 'iter_4.pth')

        run('whole')
        with pytest.raises(Killed):
            run('cut', hooks=[dict(type='KillTestHook')])
        run('cut', resume='auto')
    logs = states['whole']['logs']
    weights = states['whole']['weights'].values()
    return dict(
        first_difference=find_difference(states['whole'], states['cut']),
        losses=logs['train/loss']['log_history'].tolist(),
        squared_weights=sum(float(w.double().square().sum()) for w in weights),
    )


RECORDS = dict(
    **{f'steps.{name}': lambda name=name: train_steps(name) for name in METHODS},
    pseudo_label_weights=pseudo_label_weights,
    class_thresholds=class_thresholds,
    feedback=feedback,
    metrics=metrics,
    labels_of_networks=labels_of_networks,
    labels_in_training=labels_in_training,
    resumed_run=resumed_run,
)
#: Relative, by record; where it is not 1e-9.
TOLERANCES = {
    # Confidences, and so these weights, are float32.
    'steps.mean_teacher_confidence': 1e-6,
    # A pixel's two best classes have the same confidence in float32.
    'steps.mean_teacher_class_mix': 1e-5,
    'steps.mean_teacher_source_free': 1e-5,
    # The losses are float32.
    'steps.panoptic_deeplab': 1e-5,
    'pseudo_label_weights': 1e-6,
    'class_thresholds': 1e-6,
    # One level of confidence.
    'labels_in_training': 3e-4,
    # Float32 on whatever processor.
    'resumed_run': 2e-4,
}
#: Two pixels of a block fall on the other side of a threshold on another processor.
LABEL_TOLERANCE = 2.0


def compute(name):
    init_default_scope('mmseg')
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return RECORDS[name]()
    finally:
        torch.set_num_threads(threads)


def leaves(node, path=''):
    """Numbers and texts of nested dicts and lists, by their place."""
    if isinstance(node, dict):
        parts = node.items()
    elif isinstance(node, list):
        parts = enumerate(node)
    else:
        return {path: node}
    return {
        place: leaf
        for key, part in parts
        for place, leaf in leaves(part, f'{path}/{key}').items()
    }


@pytest.mark.parametrize('name', RECORDS)
def test_numbers_are_those_recorded(name):
    expected = leaves(json.loads(RECORD.read_text(encoding='utf-8'))[name])
    found = leaves(compute(name))
    assert found.keys() == expected.keys()
    for place, value in expected.items():
        if isinstance(value, float):
            # Among the figures of a step are some of float32 that are only logged.
            tolerance = 1e-6 if place.startswith('/last_step') else 1e-9
            tolerance = max(tolerance, TOLERANCES.get(name, 0))
            margin = LABEL_TOLERANCE if name == 'labels_of_networks' else 1e-12
            value = pytest.approx(value, rel=tolerance, abs=margin, nan_ok=True)
        assert found[place] == value, place


def _rounded(node):
    """Twelve digits of every number, so that the file stays small."""
    if isinstance(node, dict):
        return {key: _rounded(part) for key, part in node.items()}
    if isinstance(node, list):
        return [_rounded(part) for part in node]
    if isinstance(node, float) and math.isfinite(node):
        return float(f'{node:.12g}')
    return node


if __name__ == '__main__':
    if sys.argv[1:] != ['--record']:
        sys.exit(f'usage: python {sys.argv[0]} --record')
    lines = [
        f'{json.dumps(name)}: {json.dumps(_rounded(compute(name)))}' for name in RECORDS
    ]
    RECORD.write_text('{\n' + ',\n'.join(lines) + '\n}\n', encoding='utf-8')
