"""Against cityscapesscripts, which judges the files that the metric writes."""

import json
import math
import multiprocessing

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from segda_mm.datasets.formats.cityscapes_instances import codes_from_instance_ids
from segda_mm.datasets.formats.cityscapes_labels import (
    CLASSES,
    LABEL_IDS,
    THING_CLASSES,
)
from segda_mm.datasets.formats.panoptic_files import read_panoptic_json
from segda_mm.evaluation import PanopticMetric
from segda_mm.evaluation.panoptic_tally import PanopticTally

META = dict(classes=CLASSES, thing_classes=list(THING_CLASSES), label_ids=LABEL_IDS)
SHAPE = (48, 72)
CAR, CAR_ID, PERSON, PERSON_ID, ROAD_ID = 13, 26, 11, 24, 7
STUFF_IDS = (7, 8, 11, 21, 23)
VOID_IDS = (0, 1, 3, 4, 9, 15)
# Groups of things, instances of classes that are not evaluated, their group.
ODD_IDS = (24, 26, 33, 29000, 30001, 29)


class Frame:
    """An image: instance ids of the truth, codes and scores of a prediction."""

    def __init__(self):
        self.truth = np.full(SHAPE, ROAD_ID, np.uint16)
        self.codes = np.full(SHAPE, 255000, np.int32)
        self.scores = {}
        self.labels = None  # None: those of the codes

    def true(self, rows, columns, value):
        self.truth[slice(*rows), slice(*columns)] = value
        return self

    def predict(self, rows, columns, code, score=0.5):
        self.codes[slice(*rows), slice(*columns)] = code
        if code // 1000 in THING_CLASSES:
            self.scores[code] = score
        return self

    @property
    def instances(self):
        codes = [code for code in self.scores if (self.codes == code).any()]
        return (
            np.array(codes, np.int32),
            np.array([self.scores[code] for code in codes], np.float32),
        )

    @property
    def sem_seg(self):
        return self.codes // 1000 if self.labels is None else self.labels


def random_frame(rng):
    """Truth in boxes; the prediction is the truth, shifted and spoilt."""
    frame = drawn(f'T={rng.choice(STUFF_IDS)}')

    def box(largest):
        size = rng.integers(2, largest, 2)
        start = rng.integers(0, np.array(SHAPE) - 1)
        return zip(start, start + size)

    things = rng.choice([24, 25, 26, 26, 31, 33], 14) * 1000 + np.arange(14)
    for ids, largest in ((STUFF_IDS, 40), (things, 24), (VOID_IDS, 24), (ODD_IDS, 24)):
        for value in rng.choice(ids, rng.integers(0, len(ids)), replace=False):
            frame.true(*box(largest), value)

    shift = rng.integers(-2, 3, 2)
    shifted = np.roll(codes_from_instance_ids(frame.truth), shift, (0, 1))
    for number, code in enumerate(np.unique(shifted)):
        label = int(code) // 1000
        if label == 255 or rng.random() < 0.2:
            label = int(rng.choice([0, 2, 8, 11, 13, 18, 255]))
        new = label * 1000
        if label in THING_CLASSES:
            # Some are melted into one, some scores are equal, and some almost.
            new += 1 + number // rng.choice([1, 1, 1, 4])
            frame.scores[new] = rng.integers(1, 8) / 8 + rng.choice([0, 1e-5])
        frame.codes[shifted == code] = new
    for _ in range(rng.integers(0, 3)):
        frame.predict(*box(16), rng.choice([0, 8000, 255000]))
    spoilt = rng.random(SHAPE) < 0.1
    frame.labels = np.where(spoilt, rng.integers(0, 19), frame.codes // 1000)
    return frame


def drawn(spec):
    """Truth from `T<rows>,<columns>=<id>`, prediction from `P<box>=<code>@<score>`.

    One is drawn over the other; without a box they fill the image.
    """
    frame = Frame()
    for part in spec.split():
        box, _, value = part[1:].partition('=')
        sides = [map(int, side.split(':')) for side in (box or '0:48,0:72').split(',')]
        if part[0] == 'T':
            frame.true(*sides, int(value))
        else:
            code, _, score = value.partition('@')
            frame.predict(*sides, int(code), float(score or 0.5))
    return frame


HARD_CASES = [
    # Nothing true, nothing predicted; images without either among others.
    ['T=0'],
    ['T=3 P=0 P0:20,0:20=13001'],
    ['T0:20,0:20=26000'],
    ['P=0', 'P=0 T0:20,0:20=26000 P0:20,0:18=13001@0.9', 'T=0'],
    # Groups of things and void under a car, alone and together.
    ['P=0 T0:20,0:20=26 P0:20,0:20=13001 P30:40,0:20=13002'],
    ['T0:20,0:21=26 P0:20,10:30=13001'],
    ['T0:20,0:21=24 P0:20,10:30=13001'],
    ['P=0 T0:20,0:20=4 T30:48,0:10=26000 P0:20,10:30=13001'],
    ['P=0 T0:20,0:22=4 T30:48,0:10=26000 P0:20,10:30=13001'],
    ['T0:20,0:20=26000 T0:20,20:40=0 P0:20,5:40=13001'],
    ['P=0 T0:20,0:6=26 T0:20,6:12=0 T30:48,0:10=26000 P0:20,0:20=13001'],
    # Touching instances as one, and one as two.
    ['T0:20,0:20=26000 T0:20,20:40=26001 P0:20,0:40=13001'],
    ['T0:20,0:20=26000 P0:20,0:12=13001@0.2 P0:20,12:20=13002@0.8'],
    # Small instances and a small group under predictions.
    ['T0:9,0:11=26000 T20:30,0:10=26001 P0:9,0:11=13001@0.9 P20:30,0:10=13002@0.4'],
    ['T0:9,0:11=26000 T20:30,0:30=26001 P0:9,0:20=13001@0.9 P20:30,0:28=13002@0.4'],
    ['T0:9,0:6=26 T20:30,0:30=26001 P0:9,0:20=13001@0.9 P20:30,0:28=13002@0.4'],
    # A caravan, and a group of them, under a car.
    ['T0:20,0:20=29000 T30:48,0:20=26000 P0:20,0:20=13001@0.9 P30:48,0:20=13002@0.5'],
    ['T0:20,0:20=29 T30:48,0:20=26000 P0:20,0:20=13001@0.9 P30:48,0:20=13002@0.5'],
    # The right place, but another class; equal scores; high numbers.
    ['T0:20,0:20=26000 P0:20,0:20=14001'],
    [
        'T0:20,0:20=26000 P0:20,0:19=13001 P30:40,0:20=13002',
        'T0:20,0:20=26000 P0:20,3:19=13001 P30:40,0:20=13002@0.25',
    ],
    ['T0:20,0:20=26998 P0:20,0:19=13999 P30:40,0:20=18999'],
    # 0.55, 0.65 and 0.95 are no binary fractions: comparisons must be the same ones.
    *([f'T0:10,0:20=26000 P0:10,0:{fifth}=13001'] for fifth in (10, 11, 13, 19)),
]


def frames_of(case):
    if isinstance(case, list):
        return [drawn(spec) for spec in case]
    rng = np.random.default_rng(case)
    return [random_frame(rng) for _ in range(rng.integers(1, 4))]


def sample(frame, img_path='street.png'):
    codes, scores = frame.instances
    data = SegDataSample(metainfo=dict(img_path=str(img_path)))
    data.pred_panoptic_seg = PixelData(data=torch.from_numpy(frame.codes)[None])
    data.pred_sem_seg = PixelData(data=torch.from_numpy(frame.sem_seg).long()[None])
    data.pred_instances = InstanceData(
        codes=torch.from_numpy(codes),
        labels=torch.from_numpy(codes // 1000).long(),
        scores=torch.from_numpy(scores),
    )
    truth = codes_from_instance_ids(frame.truth)
    sem_truth = truth // 1000
    data.gt_panoptic_seg = PixelData(data=torch.from_numpy(truth)[None])
    data.gt_sem_seg = PixelData(data=torch.from_numpy(sem_truth.astype(np.uint8))[None])
    return data.to_dict()


def metric_of(**options):
    metric = PanopticMetric(**options)
    metric.dataset_meta = META
    return metric


def measure(frames):
    metric = metric_of()
    metric.process({}, [sample(frame) for frame in frames])
    return metric.evaluate(len(frames))


def write_truth(root, frames):
    """A Cityscapes tree; returns the instance-id files."""
    files = []
    for number, frame in enumerate(frames):
        file = root / 'val/ulm' / f'ulm_000000_{number:06d}_gtFine_instanceIds.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame.truth).save(file)
        labels = np.where(frame.truth < 1000, frame.truth, frame.truth // 1000)
        labels_file = str(file).replace('instanceIds', 'labelIds')
        Image.fromarray(labels.astype(np.uint8)).save(labels_file)
        files.append(file)
    return files


@pytest.mark.parametrize('case', [*range(12), *HARD_CASES])
def test_equals_cityscapesscripts_on_the_written_files(
    case, tmp_path, cityscapes_tools
):
    frames = frames_of(case)
    root, results = tmp_path / 'gtFine', tmp_path / 'results'
    files = write_truth(root, frames)
    metric = metric_of(output_dir=str(results))
    for frame, file in zip(frames, files):
        image = file.name.replace('_gtFine_instanceIds', '_leftImg8bit')
        metric.process({}, [sample(frame, image)])
    ours = metric.evaluate(len(frames))

    official = cityscapes_tools.quality(root, results)
    official |= cityscapes_tools.precision(files, results)
    official |= cityscapes_tools.iou(files, results)
    assert set(ours) == set(official)
    for name, value in official.items():
        assert ours[name] == pytest.approx(100 * value, abs=1e-9, nan_ok=True), name


def test_only_ignored_predictions_are_no_precision():
    """cityscapesscripts fails here: it has no score to begin its curve with."""
    figures = measure([drawn('T0:20,0:20=26000 T30:48,0:20=0 P30:48,0:20=13001')])
    assert figures['AP'] == 0
    assert math.isnan(figures['AP.person'])


def _evaluate_half(rank, folder):
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/meeting', rank=rank, world_size=2
    )
    metric = metric_of(output_dir=str(folder / 'results'))
    frames = [frame for seed in range(3) for frame in frames_of(seed)]
    for number in range(rank, len(frames), 2):
        metric.process({}, [sample(frames[number], img_path=f'{number}.png')])
    figures = metric.evaluate(len(frames))
    (folder / f'{rank}.json').write_text(json.dumps(figures))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings('ignore:.*multi-threaded.*fork:DeprecationWarning')
def test_two_processes_equal_one(tmp_path):
    context = multiprocessing.get_context('fork')
    processes = [
        context.Process(target=_evaluate_half, args=(rank, tmp_path))
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
        process.kill()
    assert [process.exitcode for process in processes] == [0, 0]
    frames = [frame for seed in range(3) for frame in frames_of(seed)]
    first, second = (
        json.loads((tmp_path / f'{rank}.json').read_text()) for rank in range(2)
    )
    assert first == pytest.approx(measure(frames), abs=1e-9, nan_ok=True)
    assert first == pytest.approx(second, abs=0, nan_ok=True)
    index = read_panoptic_json(tmp_path / 'results/panoptic.json')
    assert set(index.annotations) == {str(number) for number in range(len(frames))}


def test_figures_are_plain_floats_and_a_second_pass_starts_anew():
    frames = frames_of(1)
    metric = metric_of(prefix='val')
    runs = []
    for _ in range(2):
        metric.process({}, [sample(frame) for frame in frames])
        runs.append(metric.evaluate(len(frames)))
    assert runs[0] == pytest.approx(runs[1], abs=0, nan_ok=True)
    assert all(type(value) is float for value in runs[0].values())
    assert all(key.startswith('val/') for key in runs[0])


def test_images_seen_twice_are_found_out():
    metric = metric_of()
    metric.process({}, [sample(Frame())] * 3)
    with pytest.raises(ValueError, match='3 images were evaluated.*2.*round_up=False'):
        metric.evaluate(2)
    with pytest.raises(ValueError, match='before any image'):
        metric.evaluate(2)


def test_format_only_writes_files_without_truth(tmp_path):
    metric = metric_of(output_dir=str(tmp_path), format_only=True)
    data = sample(frames_of(0)[0])
    del data['gt_panoptic_seg'], data['gt_sem_seg']
    metric.process({}, [data])
    assert metric.evaluate(1) == {}
    index = read_panoptic_json(tmp_path / 'panoptic.json')
    assert list(index.annotations) == ['street']
    things = [entry['name'] for entry in index.categories.values() if entry['isthing']]
    assert things == [CLASSES[index] for index in THING_CLASSES]
    assert (tmp_path / 'instances/street.txt').is_file()
    assert (tmp_path / 'semantic/street.png').is_file()
    assert not list(tmp_path.rglob('*.unfinished'))
    with pytest.raises(ValueError, match='output_dir'):
        PanopticMetric(format_only=True)


@pytest.mark.parametrize(
    ('field', 'remedy'),
    [('gt_panoptic_seg', 'LoadPanopticLabels'), ('pred_instances', 'PanopticDeepLab')],
)
def test_a_missing_field_is_named(field, remedy):
    data = sample(Frame())
    del data[field]
    with pytest.raises(ValueError, match=rf'street\.png has no {field}.*{remedy}'):
        metric_of().process({}, [data])


def test_what_does_not_fit_is_named(tmp_path):
    data = sample(Frame())
    data['pred_panoptic_seg']['data'] = torch.zeros(1, 20, 30, dtype=torch.int32)
    with pytest.raises(ValueError, match=r'street\.png.*20x30.*48x72'):
        metric_of().process({}, [data])
    with pytest.raises(ValueError, match=r'street\.png.*19000.*19 classes'):
        metric_of().process({}, [sample(drawn('P=19000'))])
    metric = metric_of(output_dir=str(tmp_path))
    metric.process({}, [sample(Frame(), img_path='a/street.png')])
    with pytest.raises(ValueError, match='a/street.png.*rename'):
        metric.process({}, [sample(Frame(), img_path='b/street.png')])
    metric.dataset_meta = dict(classes=CLASSES, thing_classes=THING_CLASSES)
    with pytest.raises(ValueError, match="no 'label_ids'"):
        metric.process({}, [sample(Frame(), img_path='a/street.png')])


def test_tally_by_hand():
    """Two cars of 100 pixels, one found whole and one missed; road is void."""
    truth = np.full((20, 20), 255000, np.int32)
    truth[:10, :10], truth[10:, 10:] = 13001, 13002
    prediction = np.full_like(truth, 0)
    prediction[:10, :10] = 13001
    tally = PanopticTally(19, THING_CLASSES)
    tally.add_image(
        truth,
        prediction,
        np.array([13001]),
        np.array([0.5]),
        truth // 1000,
        prediction // 1000,
    )
    figures = tally.figures(CLASSES)
    # The road: 200 of its 300 pixels lie on void, so it is excused.
    assert figures['PQ'] == pytest.approx(100 * 1 / 1.5)
    assert figures['SQ'] == 100
    assert math.isnan(figures['PQ.road'])
    assert math.isnan(figures['PQ_stuff'])
    assert figures['IoU.car'] == 50
    assert figures['IoU.road'] == 0
    assert figures['mIoU'] == 25
    # Precision 1 up to recall 1/2, and nothing beyond.
    assert figures['AP'] == figures['AP50'] == figures['AP.car'] == 50
