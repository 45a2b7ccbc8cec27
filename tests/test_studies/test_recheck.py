import json
import sys

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm.apis import load_config
from segda_mm.apis import test as evaluate
from segda_mm.registry import MODELS
from segda_mm.testing.toy_job import write_toy_job
from studies import recheck
from studies.recheck import check_predictions, compare_figures, recheck_predictions
from studies.study import StudyError

CLASSES = ('road', 'car', 'person', 'train')
# Two images of different sizes; 255 is void.
TRUTHS = {
    'b/one': [[0, 0, 1, 1], [1, 1, 255, 255]],
    'a/two': [[0, 1], [0, 255]],
}
PREDICTIONS = {
    'one': [[0, 1, 1, 1], [1, 2, 0, 3]],
    'two': [[0, 1], [0, 1]],
}


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
    dataset = dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        img_suffix='.png',
        metainfo=dict(classes=CLASSES),
        serialize_data=False,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='Resize', scale=(2, 2)),
            dict(type='PackSegInputs'),
        ],
    )
    return tmp_path / 'out', dataset


def test_figures_by_hand(small):
    figures = recheck_predictions(*small)
    assert figures == dict(
        # road: 3 of {4 true}; car: 4 of {5 true + 1 more predicted}; person is
        # predicted where there is a label, train only on void.
        per_class_iou=dict(
            road=75,
            car=pytest.approx(400 / 6),
            person=0,
            train=None,
        ),
        mIoU=pytest.approx((75 + 400 / 6 + 0) / 3),
        aAcc=pytest.approx(700 / 9),
        # 4 of 8 pixels of the one image, 3 of 4 of the other.
        pixel_precision=pytest.approx((50 + 75) / 2),
        num_images=2,
    )
    assert all(type(figures[name]) is float for name in ('mIoU', 'aAcc'))


def test_own_label_tables_are_read(small):
    out, dataset = small
    table = {0: 3, 1: 1, 255: 255}
    dataset['pipeline'][1] = dict(type='LoadLabelIds', table=table)
    figures = recheck_predictions(out, dataset)
    # Labels 0 are class 3 now, which is predicted nowhere but on void.
    assert figures['per_class_iou']['train'] == 0
    assert figures['aAcc'] == pytest.approx(400 / 9)


@pytest.fixture(scope='module')
def evaluated(tmp_path_factory):
    """What a toy model is reported to have reached, and how to recheck it."""
    folder = tmp_path_factory.mktemp('toy')
    init_default_scope('mmseg')
    cfg = load_config(write_toy_job(folder))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    checkpoint = folder / 'net.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    dataset = cfg.test_dataloader.dataset.to_dict()
    evaluate(cfg, checkpoint, out=folder / 'out')
    reported = json.loads((folder / 'work' / 'net_metrics.json').read_text())
    return folder / 'out', dataset, reported


def test_an_evaluation_agrees_in_every_figure(evaluated):
    out, dataset, reported = evaluated
    figures = compare_figures(recheck_predictions(out, dataset), reported)
    assert [figure.name for figure in figures] == [
        'mIoU',
        'aAcc',
        'pixel_precision',
        'IoU.road',
        'IoU.car',
        'IoU.sky',
    ]
    assert all(figure.agrees for figure in figures), figures
    assert any(figure.recomputed for figure in figures)


def test_a_changed_prediction_is_noticed(evaluated, tmp_path):
    out, dataset, reported = evaluated
    for file in out.iterdir():
        prediction = np.array(Image.open(file))
        if file.name == '1.png':
            prediction[16] = (prediction[16] + 1) % 3
        write_png(tmp_path / file.name, prediction)
    figures = compare_figures(recheck_predictions(tmp_path, dataset), reported)
    assert not all(figure.agrees for figure in figures)
    with pytest.raises(StudyError, match='the test reports .* no result is kept'):
        check_predictions(tmp_path, dataset, reported)
    assert check_predictions(out, dataset, reported)['max_difference'] <= 0.01


def test_the_command_prints_both_and_tells_what_differs(
    evaluated, tmp_path, monkeypatch, capsys
):
    out, _, reported = evaluated

    def call(*words):
        monkeypatch.setattr(sys, 'argv', ['recheck.py', *map(str, words)])
        return recheck.main()

    metrics = tmp_path / 'net_metrics.json'
    metrics.write_text(json.dumps(reported))
    config = out.parent / 'configs' / 'toy.py'
    assert call(config, out, '--metrics', metrics) == 0
    assert capsys.readouterr().out.endswith('0 of 6 figures differ\n')
    reported = dict(reported, metrics=dict(reported['metrics'], aAcc=99.9))
    metrics.write_text(json.dumps(reported))
    assert call(config, out, '--metrics', metrics) == 1
    assert capsys.readouterr().out.endswith('1 of 6 figures differ aAcc\n')
    assert call(config, out) == 0
    assert call(config, tmp_path) == 2
    assert '0.png does not exist' in capsys.readouterr().err


def test_figures_agree_up_to_rounding_and_undefined_ones_only_with_each_other():
    recomputed = dict(
        mIoU=30.006, aAcc=50.0, per_class_iou=dict(road=None, car=0.0), num_images=2
    )
    results = dict(
        metrics=dict(mIoU=30.01, mAcc=1.0, aAcc=50.02),
        per_class_iou=dict(road=0.0, car=None),
        num_images=2,
    )
    figures = compare_figures(recomputed, results)
    assert [(figure.name, figure.agrees) for figure in figures] == [
        ('mIoU', True),
        ('aAcc', False),
        ('IoU.road', False),
        ('IoU.car', False),
    ]
    results['per_class_iou'] = dict(road=None, car=0.01)
    assert all(figure.agrees for figure in compare_figures(recomputed, results)[2:])


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (dict(num_images=3), 'of 3 images, .* predictions of 2'),
        (dict(per_class_iou=dict(sky=1.0)), r"classes \['sky'\]"),
        (dict(metrics=dict(PQ=1.0)), 'none of mIoU, aAcc, pixel_precision'),
    ],
)
def test_results_of_another_run_are_refused(change, reason):
    recomputed = dict(mIoU=1.0, per_class_iou=dict(road=1.0), num_images=2)
    results = dict(metrics=dict(mIoU=1.0), per_class_iou={}, num_images=2)
    assert compare_figures(recomputed, results)[0].agrees
    with pytest.raises(StudyError, match=reason):
        compare_figures(recomputed, results | change)


def remove(path):
    (path / 'out' / 'two.png').unlink()


def leave_over(path):
    write_png(path / 'out' / 'three.png', [[0]])


def shrink(path):
    write_png(path / 'out' / 'two.png', [[0, 1]])


def predict_a_fifth_class(path):
    write_png(path / 'out' / 'two.png', [[0, 1], [0, 4]])


def label_a_fifth_class(path):
    write_png(path / 'labels' / 'b' / 'one.png', [[4] * 4] * 2)


def draw(path):
    write_png(path / 'out' / 'two.png', np.zeros((2, 2, 3)))


def cut_short(path):
    file = path / 'out' / 'two.png'
    file.write_bytes(file.read_bytes()[:20])


def repeat_a_name(path):
    for part in ('images', 'labels'):
        (path / part / 'b' / 'one.png').rename(path / part / 'b' / 'two.png')


def label_nothing(path):
    write_png(path / 'labels' / 'b' / 'one.png', [[255] * 4] * 2)
    write_png(path / 'labels' / 'a' / 'two.png', [[255] * 2] * 2)


@pytest.mark.parametrize(
    ('damage', 'reason'),
    [
        (remove, r'out/two\.png does not exist.*a/two\.png'),
        (leave_over, r'out/three\.png belongs to no image'),
        (shrink, r'out/two\.png is 2x1 pixels, but the label .*two\.png is 2x2'),
        (predict_a_fifth_class, r'out/two\.png has the train id 4, .* only 4 classes'),
        (label_a_fifth_class, r'labels/b/one\.png has the train id 4'),
        (draw, r"out/two\.png is a 'RGB' image"),
        (cut_short, r'out/two\.png cannot be decoded'),
        (repeat_a_name, r'out/two\.png .* of .*a/two\.png and of .*b/two\.png'),
        (label_nothing, 'labels: no pixel of the labels has a class'),
    ],
)
def test_what_is_wrong_is_named(small, damage, reason):
    out, dataset = small
    damage(out.parent)
    with pytest.raises(StudyError, match=reason):
        recheck_predictions(out, dataset)


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (dict(pipeline=[dict(type='LoadImageFromFile')]), 'needs one of LoadLabelIds'),
        (dict(reduce_zero_label=True), 'reduce_zero_label'),
    ],
)
def test_data_sets_without_train_ids_are_refused(small, change, reason):
    out, dataset = small
    with pytest.raises(StudyError, match=reason):
        recheck_predictions(out, dataset | change)
