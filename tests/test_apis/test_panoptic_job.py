"""Panoptic-DeepLab from files to metrics, pictures and predictions."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from segda_mm.apis import label, train
from segda_mm.apis import test as evaluate
from segda_mm.datasets import CityscapesPanopticDataset
from segda_mm.datasets.formats.cityscapes_labels import (
    CLASSES,
    LABEL_IDS,
    THING_CLASSES,
)
from segda_mm.testing import tiny_panoptic_deeplab

CONFIGS = Path(__file__).parents[2] / 'configs'
WIDTH, HEIGHT = 128, 64
CAR = CLASSES.index('car')
EPOCHS = 20
CHECKPOINT = f'epoch_{EPOCHS}.pth'


def write_streets(root, split, shifts):
    """Two flat cars before road and sky, and the own bonnet, one image a shift."""
    for number, shift in enumerate(shifts):
        image = np.full((HEIGHT, WIDTH, 3), (70, 130, 180), np.uint8)
        ids = np.full((HEIGHT, WIDTH), 23, np.uint16)
        image[24:], ids[24:] = (128, 64, 128), 7
        for index, left in enumerate((8, 72)):
            car = np.s_[16:48, left + shift : left + shift + 40]
            image[car], ids[car] = (220, 30, 30), 26000 + index
        image[60:], ids[60:] = 20, 1
        stem = f'{split}town/{split}town_{number:06d}_000019'
        for path, pixels in (
            (f'leftImg8bit/{split}/{stem}_leftImg8bit.png', image),
            (f'gtFine/{split}/{stem}_gtFine_instanceIds.png', ids),
        ):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / path)


def panoptic_config(root, work_dir):
    """The shipped data and runtime, with small images and a tiny network."""
    cfg = Config.fromfile(CONFIGS / '_base_/panoptic_runtime.py')
    data = Config.fromfile(CONFIGS / '_base_/datasets/minicity_panoptic.py')
    cfg.merge_from_dict(data.to_dict())
    load, pack = data.test_pipeline[:2], data.test_pipeline[2]
    cfg.train_dataloader.batch_size = 2
    cfg.train_dataloader.dataset.pipeline = [*load, dict(type='PanopticTargets'), pack]
    for name in ('train', 'val', 'test'):
        cfg[f'{name}_dataloader'].dataset.data_root = str(root)
    cfg.model = tiny_panoptic_deeplab(19, THING_CLASSES, size=(HEIGHT + 1, WIDTH + 1))
    cfg.optim_wrapper = dict(
        type='GradientAveragingOptimWrapper', optimizer=dict(type='Adam', lr=0.02)
    )
    cfg.train_cfg = dict(type='ResumableEpochTrainLoop', max_epochs=EPOCHS)
    cfg.default_hooks.checkpoint.interval = EPOCHS
    cfg.val_cfg, cfg.test_cfg = dict(type='ValLoop'), dict(type='TestLoop')
    cfg.tta_model.scales = (0.5, 1.0)
    cfg.work_dir = str(work_dir)
    return cfg


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """The folder of a small world and a network trained on it."""
    folder = tmp_path_factory.mktemp('panoptic')
    write_streets(folder / 'world', 'train', (-6, -2, 2, 6))
    write_streets(folder / 'world', 'val', (-4, 4))
    cfg = panoptic_config(folder / 'world', folder / 'work')
    # Validation is left to the tests.
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    train(cfg)
    return folder


def segments_of_prediction(out, stem):
    """Train id and mask of each segment, read as the format is published."""
    entries = json.loads((out / 'panoptic.json').read_text())['annotations']
    (entry,) = (entry for entry in entries if entry['image_id'] == stem)
    rgb = np.asarray(Image.open(out / 'panoptic' / entry['file_name'])).astype(int)
    ids = rgb @ [1, 256, 65536]
    return [
        (LABEL_IDS.index(segment['category_id']), ids == segment['id'])
        for segment in entry['segments_info']
    ]


def segments_of_ids(path):
    ids, segments = np.asarray(Image.open(path)).astype(int), []
    for value in np.unique(ids):
        label_id = value // 1000 if value >= 1000 else value
        if label_id in LABEL_IDS:
            train_id = LABEL_IDS.index(label_id)
            # Groups would count as void; this world has none.
            assert value >= 1000 or train_id not in THING_CLASSES
            segments.append((train_id, ids == value))
    return segments


def test_pictures_predictions_and_figures_of_one_run(job, tmp_path):
    cfg = panoptic_config(job / 'world', job / 'work')
    checkpoint = job / 'work' / CHECKPOINT
    show, out = tmp_path / 'show', tmp_path / 'out'
    results = evaluate(cfg, checkpoint, tta=True, show_dir=show, out=out)

    written = job / 'work' / f'epoch_{EPOCHS}_tta_metrics.json'
    assert json.loads(written.read_text()) == results
    names = {'PQ', 'SQ', 'RQ', 'PQ_things', 'PQ_stuff', 'AP', 'mIoU'}
    assert names <= set(results['metrics'])
    assert list(results['per_class_iou']) == list(CLASSES)
    assert list(results['per_class_ap']) == [CLASSES[i] for i in THING_CLASSES]

    # The IoU of Kirillov et al., "Panoptic Segmentation", 4.1, and their counts.
    images = sorted((job / 'world' / 'leftImg8bit' / 'val').rglob('*.png'))
    ious, cars = [], 0
    for image in images:
        stem = image.stem.removesuffix('_leftImg8bit')
        truth = next((job / 'world').rglob(f'{stem}_gtFine_instanceIds.png'))
        truths = segments_of_ids(truth)
        known = np.any([mask for _, mask in truths], axis=0)
        found = [mask for c, mask in segments_of_prediction(out, stem) if c == CAR]
        true = [mask for c, mask in truths if c == CAR]
        for mask, area in product(true, found):
            ious.append((mask & area).sum() / (mask | area & known).sum())
        cars += len(true) / 2
        cars += sum((area & ~known).sum() <= area.sum() / 2 for area in found) / 2
        (picture,) = show.glob(f'*{stem}*.png')
        pixels = np.asarray(Image.open(picture))
        assert pixels.shape == (HEIGHT, 5 * WIDTH, 3)
        np.testing.assert_array_equal(pixels[:, :WIDTH], np.asarray(Image.open(image)))
    assert len(list(show.glob('*.png'))) == len(images) == 2
    quality = 100 * sum(iou for iou in ious if iou > 0.5) / cars
    # Cars were found, so that the comparison is one.
    assert quality > 10
    assert results['per_class_pq']['car'] == pytest.approx(quality)


def test_pseudo_labels_are_the_predictions(job, tmp_path):
    cfg = panoptic_config(job / 'world', job / 'work')
    checkpoint = job / 'work' / CHECKPOINT
    images = str(job / 'world/leftImg8bit/val')
    manifest = label(cfg, checkpoint, images, tmp_path / 'labels', num_workers=0)
    assert manifest['labels_of']['identity']['format'] == 'panoptic'
    evaluate(cfg, checkpoint, tta=True, out=tmp_path / 'out')
    for image in manifest['images']:
        stem = Path(image).stem.removesuffix('_leftImg8bit')
        found = segments_of_ids(tmp_path / 'labels' / image)
        expected = segments_of_prediction(tmp_path / 'out', stem)
        assert len(found) == len(expected) > 2
        for train_id, mask in expected:
            assert any(
                train_id == other and (mask == area).all() for other, area in found
            )


def test_images_without_labels(job, tmp_path):
    cfg = panoptic_config(job / 'world', job / 'work')
    load, _, pack = cfg.test_dataloader.dataset.pipeline
    cfg.test_dataloader.dataset = dict(
        type='UnlabeledImageDataset',
        images=str(job / 'world/leftImg8bit/val'),
        metainfo=CityscapesPanopticDataset.METAINFO,
        pipeline=[load, pack],
    )
    # Where the tool writes to is for --out to say.
    elsewhere = str(tmp_path / 'elsewhere')
    cfg.test_evaluator = dict(
        type='PanopticMetric', format_only=True, output_dir=elsewhere
    )
    checkpoint, show = job / 'work' / CHECKPOINT, tmp_path / 'show'
    results = evaluate(cfg, checkpoint, show_dir=show, out=tmp_path / 'out')
    assert (results['metrics'], results['num_images']) == ({}, 2)
    pictures = list(show.glob('*.png'))
    assert [Image.open(path).size for path in pictures] == [(4 * WIDTH, HEIGHT)] * 2
    assert len(list((tmp_path / 'out' / 'panoptic').glob('*.png'))) == 2
