import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from studies.check_predictions import check_predictions, writes_label_maps
from studies.experiment_error import ExperimentError
from segda_mm.testing.toy_job import write_toy_job


@pytest.fixture
def cfg(tmp_path):
    return Config.fromfile(write_toy_job(tmp_path))


@pytest.fixture
def predictions(tmp_path):
    """Every pixel right but those of the void row and of one image's left half."""
    folder = tmp_path / 'predictions'
    folder.mkdir()
    for index in range(3):
        labels = np.array(Image.open(tmp_path / f'data/labels/val/{index}.png'))
        labels[0] = 1
        if index == 2:
            labels[:, :32] = (labels[:, :32] + 1) % 3
        Image.fromarray(labels).save(folder / f'{index}.png')
    return folder


# Half of the last image is wrong, and of all images one row of 32 is void.
RIGHT = dict(
    aAcc=round(100 * 5 / 6, 2), pixel_precision=round(100 * (5 / 6) * 31 / 32, 2)
)


def test_figures_of_label_maps_are_computed_again(cfg, predictions):
    report = dict(metrics=RIGHT, per_class_iou={}, num_images=3)
    found = check_predictions(predictions, cfg.test_dataloader.dataset, report)
    assert found['pixel_precision'] == pytest.approx(
        RIGHT['pixel_precision'], abs=0.006
    )
    assert 0 < found['max_difference'] < 0.006
    assert set(found['per_class_iou']) == {'road', 'car', 'sky'}


def test_a_wrong_report_is_refused(cfg, predictions):
    wrong = dict(RIGHT, aAcc=RIGHT['aAcc'] + 0.03)
    report = dict(metrics=wrong, per_class_iou={}, num_images=3)
    with pytest.raises(ExperimentError, match='reports aAcc 83.36, but the label maps'):
        check_predictions(predictions, cfg.test_dataloader.dataset, report)


def test_an_undefined_figure_agrees_with_an_undefined_one_only(cfg, predictions):
    ious = check_predictions(
        predictions,
        cfg.test_dataloader.dataset,
        dict(metrics=RIGHT, per_class_iou={}, num_images=3),
    )['per_class_iou']
    report = dict(metrics=RIGHT, per_class_iou=dict(ious, car=None), num_images=3)
    with pytest.raises(ExperimentError, match='reports IoU.car None'):
        check_predictions(predictions, cfg.test_dataloader.dataset, report)


def test_a_missing_prediction_is_refused(cfg, predictions):
    (predictions / '1.png').unlink()
    report = dict(metrics=RIGHT, per_class_iou={}, num_images=3)
    with pytest.raises(ExperimentError, match='1.png'):
        check_predictions(predictions, cfg.test_dataloader.dataset, report)


def test_only_semantic_models_write_label_maps(cfg):
    assert writes_label_maps(cfg)
    cfg.test_evaluator = dict(type='IoUMetric')
    assert writes_label_maps(cfg)
    cfg.test_evaluator = [dict(type='PanopticMetric'), dict(type='PerClassIoUMetric')]
    assert not writes_label_maps(cfg)
