"""Panoptic-DeepLab from files to metrics, pictures and predictions."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from segda_mm.apis import PreflightError, label, train
from segda_mm.apis import test as evaluate
from segda_mm.datasets.formats.cityscapes_labels import (
    CLASSES,
    LABEL_IDS,
    THING_CLASSES,
)
from segda_mm.testing import tiny_panoptic_deeplab

CONFIGS = Path(__file__).parents[2] / 'configs'
WIDTH, HEIGHT = 128, 64
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


def segments_of_truth(world, stem):
    path = next(world.rglob(f'{stem}_gtFine_instanceIds.png'))
    return segments_of_ids(np.asarray(Image.open(path)).astype(int))


def segments_of_ids(ids):
    segments = []
    for value in np.unique(ids):
        label_id = value // 1000 if value >= 1000 else value
        if label_id in LABEL_IDS:
            train_id = LABEL_IDS.index(label_id)
            # Groups would count as void; this world has none.
            assert value >= 1000 or train_id not in THING_CLASSES
            segments.append((train_id, ids == value))
    return segments


def panoptic_quality_by_hand(pairs):
    """PQ of the classes, percent: Kirillov et al., "Panoptic Segmentation", 4.1."""
    overlap, true, false, missed = np.zeros((4, 19))
    for truths, predictions in pairs:
        known = np.any([mask for _, mask in truths], axis=0)
        found, used = set(), set()
        for (i, (train_id, mask)), (j, (guess, area)) in product(
            enumerate(truths), enumerate(predictions)
        ):
            iou = (mask & area).sum() / (mask | area & known).sum()
            if train_id == guess and iou > 0.5:
                overlap[train_id] += iou
                true[train_id] += 1
                found.add(i)
                used.add(j)
        for i, (train_id, _) in enumerate(truths):
            missed[train_id] += i not in found
        for j, (guess, area) in enumerate(predictions):
            false[guess] += j not in used and (area & ~known).sum() <= area.sum() / 2
    counts = true + false / 2 + missed / 2
    return {
        CLASSES[index]: 100 * overlap[index] / counts[index]
        for index in np.flatnonzero(counts)
    }


def test_pictures_predictions_and_figures_of_one_run(job, tmp_path):
    cfg = panoptic_config(job / 'world', job / 'work')
    checkpoint = job / 'work' / CHECKPOINT
    show, out = tmp_path / 'show', tmp_path / 'out'
    results = evaluate(cfg, checkpoint, tta=True, show_dir=show, out=out)

    written = json.loads(
        (job / 'work' / f'epoch_{EPOCHS}_tta_metrics.json').read_text()
    )
    assert written == results
    assert {'PQ', 'SQ', 'RQ', 'PQ_things', 'PQ_stuff', 'AP', 'mIoU'} <= set(
        results['metrics']
    )
    assert not any('.' in name for name in results['metrics'])
    things = [CLASSES[index] for index in THING_CLASSES]
    assert list(results['per_class_iou']) == list(CLASSES)
    assert list(results['per_class_pq']) == list(CLASSES)
    assert list(results['per_class_ap']) == things

    images = sorted((job / 'world' / 'leftImg8bit' / 'val').rglob('*.png'))
    pairs = []
    for image in images:
        stem = image.stem.removesuffix('_leftImg8bit')
        pairs.append(
            (
                segments_of_truth(job / 'world', stem),
                segments_of_prediction(out, stem),
            )
        )
        (picture,) = show.glob(f'*{stem}*.png')
        pixels = np.asarray(Image.open(picture))
        assert pixels.shape == (HEIGHT, 5 * WIDTH, 3)
        np.testing.assert_array_equal(pixels[:, :WIDTH], np.asarray(Image.open(image)))
    assert len(list(show.glob('*.png'))) == len(pairs) == 2

    expected = panoptic_quality_by_hand(pairs)
    # Cars were found, so that the comparison is one.
    assert expected['car'] > 10
    measured = results['per_class_pq']
    assert {name for name in measured if measured[name] is not None} == set(expected)
    for name, quality in expected.items():
        assert measured[name] == pytest.approx(quality)
    assert results['metrics']['PQ'] == pytest.approx(np.mean(list(expected.values())))


def test_pseudo_labels_are_the_predictions(job, tmp_path):
    cfg = panoptic_config(job / 'world', job / 'work')
    checkpoint = job / 'work' / CHECKPOINT
    images = str(job / 'world/leftImg8bit/val')
    manifest = label(cfg, checkpoint, images, tmp_path / 'labels', num_workers=0)
    assert manifest['labels_of']['identity']['format'] == 'panoptic'
    evaluate(cfg, checkpoint, tta=True, out=tmp_path / 'out')
    for image in manifest['images']:
        stem = Path(image).stem.removesuffix('_leftImg8bit')
        ids = np.asarray(Image.open(tmp_path / 'labels' / image)).astype(int)
        found = segments_of_ids(ids)
        expected = segments_of_prediction(tmp_path / 'out', stem)
        assert len(found) == len(expected) > 2
        for train_id, mask in expected:
            assert any(
                train_id == other and (mask == area).all() for other, area in found
            )


def test_images_without_labels(job, tmp_path):
    cfg = panoptic_config(job / 'world', job / 'work')
    labeled = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = dict(
        type='UnlabeledImageDataset',
        images=str(job / 'world/leftImg8bit/val'),
        metainfo=dict(
            classes=CLASSES,
            palette=[[index, 255 - index, 90] for index in range(19)],
            thing_classes=list(THING_CLASSES),
            label_ids=list(LABEL_IDS),
        ),
        pipeline=[labeled.pipeline[0], labeled.pipeline[2]],
    )
    show, out = tmp_path / 'show', tmp_path / 'out'
    cfg.test_evaluator = dict(
        type='PanopticMetric', format_only=True, output_dir=str(tmp_path / 'elsewhere')
    )
    checkpoint = job / 'work' / CHECKPOINT
    results = evaluate(cfg, checkpoint, show_dir=show, out=out)
    assert results['metrics'] == {}
    assert results['num_images'] == 2
    pictures = list(show.glob('*.png'))
    assert [Image.open(path).size for path in pictures] == [(4 * WIDTH, HEIGHT)] * 2
    assert len(list((out / 'panoptic').glob('*.png'))) == 2
    assert not (tmp_path / 'elsewhere').exists()


def test_predictions_need_a_metric_that_writes(job, tmp_path):
    cfg = panoptic_config(job / 'world', job / 'work')
    cfg.test_evaluator = [dict(type='PixelPrecision')]
    with pytest.raises(PreflightError, match='--out needs one of PanopticMetric, IoU'):
        evaluate(cfg, job / 'work' / CHECKPOINT, out=tmp_path)
