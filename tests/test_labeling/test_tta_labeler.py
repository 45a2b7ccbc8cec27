"""The labeler with networks whose predictions are known."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from PIL import Image

from segda_mm.datasets import (
    CityscapesPanopticDataset,
    DataError,
    PseudoLabeledDataset,
)
from segda_mm.datasets.formats.cityscapes_labels import CLASSES, THING_CLASSES
from segda_mm.labeling import LabelStore, OtherLabelsError, TTALabeler
from segda_mm.labeling.writer import LabelWriter
from segda_mm.methods.pseudo_labelers import PseudoLabeler, PseudoLabels
from segda_mm.models import PanopticDeepLab
from segda_mm.ops.panoptic_codes import VOID_CODE
from segda_mm.registry import DATASETS, MODELS
from segda_mm.testing import tiny_panoptic_deeplab

init_default_scope('mmseg')
CAP = 0.9
# Half a level, and what single precision blurs it by.
ERROR = 0.51 * CAP / 65535
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]


class ChannelClasses(torch.nn.Module):
    """Softmax(pixel / 50); a class for each channel of the image."""

    decode_head = SimpleNamespace(num_classes=3)

    def __init__(self):
        super().__init__()
        self.batches = []

    def test_step(self, batch):
        self.batches.append([tuple(image.shape[1:]) for image in batch['inputs']])
        for image, sample in zip(batch['inputs'], batch['data_samples']):
            logits = image.float() / 50
            sample.seg_logits = PixelData(data=logits)
            sample.pred_sem_seg = PixelData(data=logits.argmax(0, keepdim=True))
        return batch['data_samples']


@pytest.fixture(scope='module')
def images(tmp_path_factory, write_images):
    """Images of two sizes."""
    sizes = [(7, 6), (7, 6), (4, 9), (7, 6), (7, 6)]
    return write_images(tmp_path_factory.mktemp('images'), sizes)


def class_median(scope, cap=CAP):
    return dict(type='ClassMedian', cap=cap, scope=scope)


def label(images, out, model=None, settings=None, names=None, **options):
    dataset = dict(type='UnlabeledImageDataset', images=str(images), pipeline=PIPELINE)
    labeler = TTALabeler(num_workers=0, **options)
    manifest = labeler.label(
        model or ChannelClasses(),
        DATASETS.build(dataset),
        LabelStore(out),
        settings or dict(checkpoint='sha256 0'),
        dict(checkpoint='net.pth'),
        names or ('a', 'b', 'c'),
    )
    return manifest


@pytest.fixture
def check_labels(read_labels):
    def check(folder, expected):
        written = read_labels(folder)
        assert written.keys() == expected.keys()
        for name, labels in expected.items():
            assert written[name].dtype == np.uint8
            np.testing.assert_array_equal(written[name], labels)

    return check


def test_labels_and_manifest_without_thresholds(
    images, tmp_path, reference, check_labels
):
    manifest = label(images, tmp_path)
    expected = reference(images, CAP)
    check_labels(tmp_path, expected.labels)
    assert manifest == json.loads((tmp_path / 'manifest.json').read_text())
    assert manifest['images'] == sorted(expected.labels)
    assert manifest['num_images'] == 5
    assert (manifest['area'], manifest['void_share']) == (4 * 42 + 36, 0)
    assert manifest['labels_of']['origin'] == dict(checkpoint='net.pth')
    for index, figures in enumerate(manifest['classes']):
        images_with_it = [(part == index).any() for part in expected.labels.values()]
        assert figures == dict(
            name='abc'[index], pixels=expected.pixels[index], images=sum(images_with_it)
        )


def test_thresholds_of_the_data_set(images, tmp_path, reference, check_labels):
    manifest = label(images, tmp_path, pseudo_labeler=class_median('dataset'))
    expected = reference(images, CAP)
    check_labels(tmp_path, expected.voided)
    kept = np.average(expected.kept, weights=expected.pixels)
    assert manifest['void_share'] == pytest.approx(1 - kept)
    for index, figures in enumerate(manifest['classes']):
        assert figures['pixels'] == expected.pixels[index]
        assert figures['threshold'] == pytest.approx(
            expected.thresholds[index], abs=ERROR
        )
        assert figures['kept_share'] == pytest.approx(expected.kept[index])
    beside = {path.name for path in tmp_path.iterdir() if path.suffix != '.png'}
    files = {'identity.json', 'manifest.json', 'statistics.jsonl', 'thresholds.json'}
    assert beside == files | {'town'}


def test_thresholds_of_each_image(images, tmp_path, reference, check_labels):
    label(images, tmp_path, pseudo_labeler=class_median('image'))
    expected = reference(images, CAP)
    for name, labels in expected.labels.items():
        confidence = expected.confidences[name]
        for index in np.unique(labels):
            limit = min(np.median(confidence[labels == index]), CAP)
            unsure = (expected.labels[name] == index) & (confidence < limit - 1e-6)
            expected.labels[name] = np.where(unsure, 255, expected.labels[name])
    check_labels(tmp_path, expected.labels)


@pytest.mark.parametrize('scope', [None, 'dataset'])
def test_batches_and_sizes_change_nothing(images, tmp_path, contents, scope):
    labeler = scope and class_median(scope)
    one = label(images, tmp_path / 'one', pseudo_labeler=labeler)
    model = ChannelClasses()
    two = label(images, tmp_path / 'two', model, pseudo_labeler=labeler, batch_size=4)
    assert two == one
    # Sorted: 0, 2, 4, town/1, town/3; the second one is of another size.
    assert model.batches == [[(7, 6)] * 3, [(4, 9)], [(7, 6)]]
    assert contents(tmp_path / 'one') == contents(tmp_path / 'two')


def test_lost_and_changed_labels_alone_are_made_again(images, tmp_path, contents):
    first = label(images, tmp_path)
    before = contents(tmp_path)
    model = ChannelClasses()
    assert label(images, tmp_path, model) == first
    assert model.batches == []
    (tmp_path / '2.png').unlink()
    changed = tmp_path / 'town' / '1.png'
    Image.fromarray(np.zeros((7, 6), np.uint8)).save(changed)
    found = changed.read_bytes()
    assert label(images, tmp_path, model) == first
    assert model.batches == [[(4, 9)], [(7, 6)]]
    assert contents(tmp_path) == before | {'town/1.png.changed': found}


def test_damaged_files_of_an_earlier_call_are_named(images, tmp_path, monkeypatch):
    options = dict(pseudo_labeler=class_median('dataset'))
    with monkeypatch.context() as patch:
        patch.setattr(LabelWriter, '_settle_thresholds', None)
        with pytest.raises(TypeError):
            label(images, tmp_path, **options)
    waiting = tmp_path / 'waiting' / '0.png.npy.gz'
    content = waiting.read_bytes()
    for damaged in (content[:-9], content[:40] + b'x' + content[41:], b''):
        waiting.write_bytes(damaged)
        with pytest.raises(DataError, match=r'0\.png\.npy\.gz: is damaged'):
            label(images, tmp_path, **options)
    waiting.unlink()
    label(images, tmp_path, **options)

    (tmp_path / 'town' / '1.png').unlink()
    thresholds = tmp_path / 'thresholds.json'
    thresholds.write_text('{')
    with pytest.raises(DataError, match='thresholds.json: is damaged'):
        label(images, tmp_path, **options)
    thresholds.unlink()
    with pytest.raises(DataError, match='thresholds.json: is gone'):
        label(images, tmp_path, **options)


def test_more_images_may_be_added(images, tmp_path):
    label(images, tmp_path / 'whole')
    label(str(images / '*.png'), tmp_path / 'grown')
    model = ChannelClasses()
    grown = label(images, tmp_path / 'grown', model)
    assert len(model.batches) == 2
    assert grown == json.loads((tmp_path / 'whole' / 'manifest.json').read_text())


def test_thresholds_of_other_images_are_refused(images, tmp_path):
    labeler = class_median('dataset')
    label(str(images / '*.png'), tmp_path, pseudo_labeler=labeler)
    with pytest.raises(OtherLabelsError, match=r'images_of_thresholds was .3 images'):
        label(images, tmp_path, pseudo_labeler=labeler)


class Stop(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize(
    ('method', 'number'),
    [
        ('_keep_waiting', 3),
        ('_settle_thresholds', 1),
        ('_second_pass', 1),
        ('_write_waiting', 4),
        ('_finish', 1),
    ],
)
def test_stopped_anywhere_it_ends_the_same(
    images, tmp_path, monkeypatch, contents, method, number
):
    options = dict(pseudo_labeler=class_median('dataset'))
    whole = label(images, tmp_path / 'whole', **options)
    run, calls = getattr(LabelWriter, method), []

    def stop(self, *args):
        calls.append(args)
        if len(calls) == number:
            raise Stop
        return run(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(LabelWriter, method, stop)
        with pytest.raises(Stop):
            label(images, tmp_path / 'cut', num_writers=1, **options)
    assert not LabelStore(tmp_path / 'cut').is_complete()
    model = ChannelClasses()
    assert label(images, tmp_path / 'cut', model, **options) == whole
    if method != '_keep_waiting':
        assert model.batches == []
    assert contents(tmp_path / 'cut') == contents(tmp_path / 'whole')


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(class_median('batch')), "go through the network together.*or 'dataset'"),
        (dict(type='ClassMedian', scope='image'), "missing .*'cap'"),
        (class_median('image', cap=90), r'probability in \(0, 1\]'),
        (dict(type='ClassMean'), 'ClassMean is not in'),
        (dict(type='ConfidentShare', threshold=0.9), 'label files hold no weights'),
    ],
)
def test_wrong_pseudo_labelers_are_named(config, message):
    with pytest.raises(ValueError, match=message):
        TTALabeler(config)


@MODELS.register_module()
class ClassUnderThreshold(PseudoLabeler):
    """As a plugin may have it: the first class becomes void where unsure."""

    voids = True

    def forward(self, confidence, labels, num_classes):
        unsure = (labels == 0) & (confidence < 0.5)
        return PseudoLabels(labels.masked_fill(unsure, 255), (~unsure).float())


def test_a_pseudo_labeler_of_a_plugin(images, tmp_path, reference, check_labels):
    label(images, tmp_path, pseudo_labeler=dict(type='ClassUnderThreshold'))
    expected = reference(images, CAP)
    for name, labels in expected.labels.items():
        labels[(labels == 0) & (expected.confidences[name] < 0.5)] = 255
    assert any((labels == 255).any() for labels in expected.labels.values())
    check_labels(tmp_path, expected.labels)


# Panoptic.

CODES = np.array(
    [
        [VOID_CODE, 0, 0, 2000],
        [13001, 13001, 13999, 11002],
        [13001, 13002, 18001, 255001],
    ],
    dtype=np.int32,
)


class KnownCodes(PanopticDeepLab):
    """Predicts CODES, with the given probabilities of each pixel's class."""

    def test_step(self, batch):
        classes = torch.from_numpy(np.where(CODES // 1000 == 255, 0, CODES // 1000))
        confidence = torch.linspace(0.5, 0.95, CODES.size).reshape(CODES.shape)
        others = (1 - confidence) / 18
        probabilities = others.expand(19, -1, -1).clone()
        probabilities.scatter_(0, classes.long()[None], confidence[None])
        for sample in batch['data_samples']:
            sample.seg_logits = PixelData(data=probabilities.log())
            sample.pred_panoptic_seg = PixelData(data=torch.from_numpy(CODES)[None])
        return batch['data_samples']


@pytest.fixture
def streets(tmp_path):
    for frame in range(2):
        path = tmp_path / 'images' / 'ulm' / f'ulm_000000_00000{frame}_leftImg8bit.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((*CODES.shape, 3), np.uint8)).save(path)
    return tmp_path / 'images'


def known_codes(num_classes=19, thing_classes=THING_CLASSES):
    config = tiny_panoptic_deeplab(num_classes, thing_classes)
    config.type = KnownCodes
    return MODELS.build(config)


def read_back(streets, labels):
    dataset = PseudoLabeledDataset(
        images=dict(type='UnlabeledImageDataset', images=str(streets)),
        labels=str(labels),
        metainfo=CityscapesPanopticDataset.METAINFO,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadPanopticLabels'),
            dict(type='PackPanopticInputs'),
        ],
    )
    return [
        dataset[index]['data_samples'].gt_panoptic_seg.data[0].numpy()
        for index in range(len(dataset))
    ]


def test_panoptic_labels_are_read_back_as_predicted(streets, tmp_path):
    manifest = label(streets, tmp_path / 'labels', known_codes(), names=CLASSES)
    expected = np.where(CODES == 255001, VOID_CODE, CODES)
    maps = read_back(streets, tmp_path / 'labels')
    assert len(maps) == 2
    for codes in maps:
        np.testing.assert_array_equal(codes, expected)
    figures = {entry['name']: entry for entry in manifest['classes']}
    assert figures['car'] == dict(name='car', pixels=10, images=2, instances=6)
    assert figures['person'] == dict(name='person', pixels=2, images=2, instances=2)
    assert figures['road'] == dict(name='road', pixels=4, images=2, instances=0)
    assert manifest['void_share'] == pytest.approx(2 / 12)


@pytest.mark.parametrize('scope', ['image', 'dataset'])
def test_panoptic_thresholds(streets, tmp_path, scope):
    labeler, out = class_median(scope), tmp_path / 'labels'
    manifest = label(streets, out, known_codes(), names=CLASSES, pseudo_labeler=labeler)
    # Of five pixels of cars in reading order, with rising confidence, the first
    # two are under the median; so is the first of two road pixels.
    expected = np.where(CODES == 255001, VOID_CODE, CODES)
    expected[1, :2] = VOID_CODE
    expected[0, 1] = VOID_CODE
    for codes in read_back(streets, out):
        np.testing.assert_array_equal(codes, expected)
    figures = {entry['name']: entry for entry in manifest['classes']}
    car = figures['car']
    assert (car['pixels'], car['instances']) == (10, 6)
    assert car['kept_share'] == pytest.approx(0.6)
    if scope == 'dataset':
        # Void pixels have a part in no threshold: the one pixel is above the cap.
        assert figures['bicycle']['threshold'] == pytest.approx(CAP)
        assert car['threshold'] == pytest.approx(0.5 + 0.45 * 6 / 11, abs=ERROR)


@pytest.mark.parametrize('scope', [None, 'dataset'])
def test_the_own_car_is_void_and_counts_nowhere(streets, tmp_path, scope):
    path = tmp_path / 'gtFine' / 'ulm' / 'ulm_000000_000001_gtFine_labelIds.png'
    path.parent.mkdir(parents=True)
    Image.fromarray(np.uint8([[0] * 4, [0] * 4, [1, 1, 1, 0]])).save(path)
    manifest = label(
        streets,
        tmp_path / 'labels',
        known_codes(),
        names=CLASSES,
        pseudo_labeler=scope and class_median(scope, cap=0.01),
        ego_car=dict(annotated=str(tmp_path / 'gtFine')),
    )
    expected = np.where(CODES == 255001, VOID_CODE, CODES)
    expected[2, :3] = VOID_CODE
    for codes in read_back(streets, tmp_path / 'labels'):
        np.testing.assert_array_equal(codes, expected)
    figures = {entry['name']: entry for entry in manifest['classes']}
    assert figures['car']['pixels'] == 6
    assert figures['car']['instances'] == 4
    assert figures['bicycle']['pixels'] == 0


def test_other_panoptic_classes_are_refused(streets, tmp_path):
    with pytest.raises(ValueError, match='7 classes with instances of .*Cityscapes'):
        label(streets, tmp_path / 'labels', known_codes(7, (4, 5)))
