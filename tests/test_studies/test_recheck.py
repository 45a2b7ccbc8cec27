import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.apis import load_config
from segda_mm.apis import test as evaluate
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import write_toy_job
from studies.recheck import check_predictions, recheck_predictions
from studies.study import StudyError

# Two images of different sizes; 255 is void.
TRUTHS = {'b/one': [[0, 0, 1, 1], [1, 1, 255, 255]], 'a/two': [[0, 1], [0, 255]]}
PREDICTIONS = {'one': [[0, 1, 1, 1], [1, 2, 0, 3]], 'two': [[0, 1], [0, 1]]}


def write_png(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path)


@pytest.fixture
def small(tmp_path):
    """A folder of predictions and the config of the data set."""
    for name, truth in TRUTHS.items():
        write_png(tmp_path / 'labels' / f'{name}.png', truth)
        write_png(tmp_path / 'images' / f'{name}.png', np.zeros((*np.shape(truth), 3)))
    for name, prediction in PREDICTIONS.items():
        write_png(tmp_path / 'out' / f'{name}.png', prediction)
    steps = ('LoadImageFromFile', 'LoadAnnotations', 'Resize', 'PackSegInputs')
    pipeline = [dict(type=step) for step in steps]
    pipeline[2]['scale'] = (2, 2)
    return tmp_path / 'out', dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        img_suffix='.png',
        metainfo=dict(classes=('road', 'car', 'person', 'train')),
        pipeline=pipeline,
    )


def test_figures_by_hand(small):
    assert recheck_predictions(*small) == dict(
        # road: 3 of {4 true}; car: 4 of {5 true + 1 more predicted}; person is
        # predicted where there is a label, train only on void.
        per_class_iou=dict(road=75, car=pytest.approx(400 / 6), person=0, train=None),
        mIoU=pytest.approx((75 + 400 / 6 + 0) / 3),
        aAcc=pytest.approx(700 / 9),
        # 4 of 8 pixels of the one image, 3 of 4 of the other.
        pixel_precision=pytest.approx((50 + 75) / 2),
        num_images=2,
    )


def test_own_label_tables_are_read(small):
    out, dataset = small
    dataset['pipeline'][1] = dict(type='LoadLabelIds', table={0: 3, 1: 1, 255: 255})
    figures = recheck_predictions(out, dataset)
    # Labels 0 are class 3 now, which is predicted nowhere but on void.
    assert figures['per_class_iou']['train'] == 0
    assert figures['aAcc'] == pytest.approx(400 / 9)


def test_an_evaluation_agrees_and_a_changed_prediction_is_noticed(tmp_path):
    init_default_scope('mmseg')
    cfg = load_config(write_toy_job(tmp_path))
    torch.manual_seed(0)
    torch.save(
        dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'n.pth'
    )
    dataset = cfg.test_dataloader.dataset.to_dict()
    reported = evaluate(cfg, tmp_path / 'n.pth', out=tmp_path / 'out')
    found = check_predictions(tmp_path / 'out', dataset, reported)
    assert found['max_difference'] <= 0.01 and found['mIoU'] > 0
    assert set(found['per_class_iou']) == {'road', 'car', 'sky'}
    prediction = np.array(Image.open(tmp_path / 'out/1.png'))
    prediction[16] = (prediction[16] + 1) % 3
    write_png(tmp_path / 'out/1.png', prediction)
    with pytest.raises(StudyError, match='the test reports .* no result is kept'):
        check_predictions(tmp_path / 'out', dataset, reported)


def test_undefined_figures_agree_only_with_each_other(small):
    found = recheck_predictions(*small)
    report = dict(
        metrics=dict(aAcc=77.78), per_class_iou=dict(train=None), num_images=2
    )
    assert check_predictions(*small, report)['max_difference'] < 0.01
    assert found['per_class_iou']['train'] is None
    for change in (dict(per_class_iou=dict(train=0.0)), dict(num_images=3)):
        with pytest.raises(StudyError, match='no result is kept'):
            check_predictions(*small, report | change)


@pytest.mark.parametrize(
    ('name', 'pixels', 'reason'),
    [
        ('three', [[0]], 'not have one label map for each of the 2 images'),
        ('two', [[0, 1]], r'two\.png is no label map for .*two\.png'),
        ('two', [[0, 1], [0, 4]], r'two\.png is no label map'),
        ('two', np.zeros((2, 2, 3)), r'two\.png is no label map'),
    ],
)
def test_wrong_predictions_are_named(small, name, pixels, reason):
    out, dataset = small
    write_png(out / f'{name}.png', pixels)
    with pytest.raises(StudyError, match=reason):
        recheck_predictions(out, dataset)
