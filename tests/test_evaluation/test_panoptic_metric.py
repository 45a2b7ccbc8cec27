"""Against cityscapesscripts, which judges the files that the metric writes."""

import json
import math
import multiprocessing
import pickle

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from segda_mm.datasets.formats.cityscapes_instances import (
    codes_from_instance_ids,
    read_instance_ids,
)
from segda_mm.datasets.formats.cityscapes_labels import (
    CLASSES,
    LABEL_IDS,
    THING_CLASSES,
)
from segda_mm.datasets.formats.label_files import (
    label_table,
    read_label_ids,
    to_train_ids,
)
from segda_mm.datasets.formats.panoptic_files import (
    read_panoptic_json,
)
from segda_mm.evaluation import PanopticMetric
from segda_mm.evaluation.panoptic_tally import PanopticTally
from segda_mm.ops.instance_ap import average_precision, match_masks

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
    counts = dict.fromkeys(LABEL_IDS, 0)

    def box(largest):
        size = rng.integers(2, largest, 2)
        start = [rng.integers(0, side - 1) for side in SHAPE]
        return zip(start, start + size)

    for _ in range(rng.integers(2, 6)):
        frame.true(*box(40), rng.choice(STUFF_IDS))
    for _ in range(rng.integers(2, 14)):
        label_id = rng.choice([24, 25, 26, 26, 31, 33])
        frame.true(*box(24), label_id * 1000 + counts[label_id])
        counts[label_id] += 1
    for ids, most in ((VOID_IDS, 4), (ODD_IDS, 5)):
        for _ in range(rng.integers(0, most)):
            frame.true(*box(24), rng.choice(ids))

    shift = rng.integers(-2, 3, 2)
    shifted = np.roll(codes_from_instance_ids(frame.truth), shift, (0, 1))
    taken = {}
    for code in np.unique(shifted):
        label = int(code) // 1000
        fate = rng.random()
        if label == 255 or fate < 0.15:
            label = int(rng.choice([0, 2, 8, 11, 13, 18, 255]))
        elif fate < 0.25 and label in THING_CLASSES:
            label = int(rng.choice(THING_CLASSES))
        if label in THING_CLASSES:
            # A tenth of the instances is melted into the one before.
            taken[label] = max(1, taken.get(label, 0) + (rng.random() < 0.9))
            new = label * 1000 + taken[label]
            # Some are equal, and some are almost.
            frame.scores[new] = rng.integers(1, 8) / 8 + rng.choice([0, 1e-5])
        else:
            new = label * 1000
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


ADVERSARIAL = dict(
    nothing_true_nothing_predicted=['T=0'],
    all_void_but_predicted=['T=3 P=0 P0:20,0:20=13001'],
    no_prediction=['T0:20,0:20=26000'],
    an_empty_image_among_others=[
        'P=0',
        'P=0 T0:20,0:20=26000 P0:20,0:18=13001@0.9',
        'T=0',
    ],
    only_groups=['P=0 T0:20,0:20=26 P0:20,0:20=13001 P30:40,0:20=13002'],
    group_under_half_of_a_car=['T0:20,0:20=26 P0:20,10:30=13001'],
    group_under_more_than_half=['T0:20,0:21=26 P0:20,10:30=13001'],
    group_of_another_class=['T0:20,0:21=24 P0:20,10:30=13001'],
    void_under_half_of_a_car=['P=0 T0:20,0:20=4 T30:48,0:10=26000 P0:20,10:30=13001'],
    void_under_more_than_half=['P=0 T0:20,0:22=4 T30:48,0:10=26000 P0:20,10:30=13001'],
    void_shrinks_the_union=['T0:20,0:20=26000 T0:20,20:40=0 P0:20,5:40=13001'],
    void_and_group_together=[
        'P=0 T0:20,0:6=26 T0:20,6:12=0 T30:48,0:10=26000 P0:20,0:20=13001'
    ],
    touching_instances_as_one=['T0:20,0:20=26000 T0:20,20:40=26001 P0:20,0:40=13001'],
    touching_instances_with_a_wrong_border=[
        'T0:20,0:20=26000 T0:20,20:40=26001 P0:20,0:25=13001@0.3 P0:20,25:40=13002@0.3'
    ],
    one_instance_as_two=['T0:20,0:20=26000 P0:20,0:12=13001@0.2 P0:20,12:20=13002@0.8'],
    small_instance_found=[
        'T0:9,0:11=26000 T20:30,0:10=26001 P0:9,0:11=13001@0.9 P20:30,0:10=13002@0.4'
    ],
    small_instance_under_a_false_positive=[
        'T0:9,0:11=26000 T20:30,0:30=26001 P0:9,0:20=13001@0.9 P20:30,0:28=13002@0.4'
    ],
    small_group_counts_twice=[
        'T0:9,0:6=26 T20:30,0:30=26001 P0:9,0:20=13001@0.9 P20:30,0:28=13002@0.4'
    ],
    caravan_under_a_car=[
        'T0:20,0:20=29000 T30:48,0:20=26000 P0:20,0:20=13001@0.9 P30:48,0:20=13002@0.5'
    ],
    caravan_group_under_a_car=[
        'T0:20,0:20=29 T30:48,0:20=26000 P0:20,0:20=13001@0.9 P30:48,0:20=13002@0.5'
    ],
    right_place_wrong_class=['T0:20,0:20=26000 P0:20,0:20=14001'],
    equal_scores_over_images=[
        'T0:20,0:20=26000 P0:20,0:19=13001 P30:40,0:20=13002',
        'T0:20,0:20=26000 P0:20,3:19=13001 P30:40,0:20=13002@0.25',
    ],
    high_instance_numbers=['T0:20,0:20=26998 P0:20,0:19=13999 P30:40,0:20=18999'],
    many_instances=[
        ' '.join(
            f'T{6 * row}:{6 * row + 6},{12 * column}:{12 * column + 12}='
            f'{26000 + 6 * row + column}'
            for row in range(8)
            for column in range(6)
        )
        + ' P0:12,0:72=13001@0.1 P12:48,0:36=13002@0.2'
    ],
    # 0.55, 0.6, ... are no binary fractions: comparisons must be the same ones.
    **{
        f'{5 * fifth}_percent_of_a_car': [f'T0:10,0:20=26000 P0:10,0:{fifth}=13001']
        for fifth in range(10, 21)
    },
)


def frames_of(case):
    if isinstance(case, str):
        return [drawn(spec) for spec in ADVERSARIAL[case]]
    rng = np.random.default_rng(case)
    return [random_frame(rng) for _ in range(rng.integers(1, 4))]


def sample(frame, truth_file=None, img_path='street.png'):
    codes, scores = frame.instances
    data = SegDataSample(metainfo=dict(img_path=str(img_path)))
    data.pred_panoptic_seg = PixelData(data=torch.from_numpy(frame.codes)[None])
    data.pred_sem_seg = PixelData(data=torch.from_numpy(frame.sem_seg).long()[None])
    data.pred_instances = InstanceData(
        codes=torch.from_numpy(codes),
        labels=torch.from_numpy(codes // 1000).long(),
        scores=torch.from_numpy(scores),
    )
    ids = frame.truth if truth_file is None else read_instance_ids(truth_file)
    truth = codes_from_instance_ids(ids)
    sem_truth = truth // 1000
    if truth_file is not None:
        labels = str(truth_file).replace('instanceIds', 'labelIds')
        table = label_table('cityscapes')
        sem_truth = to_train_ids(read_label_ids(labels), table, labels)
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


@pytest.mark.parametrize('case', [*range(40), *ADVERSARIAL])
def test_equals_cityscapesscripts_on_the_written_files(
    case, tmp_path, cityscapes_tools
):
    frames = frames_of(case)
    root, results = tmp_path / 'gtFine', tmp_path / 'results'
    files = write_truth(root, frames)
    metric = metric_of(output_dir=str(results))
    for frame, file in zip(frames, files):
        image = file.name.replace('_gtFine_instanceIds', '_leftImg8bit')
        metric.process({}, [sample(frame, file, image)])
    ours = metric.evaluate(len(frames))

    official = cityscapes_tools.quality(root, results)
    official |= cityscapes_tools.precision(files, results)
    official |= cityscapes_tools.iou(files, results)
    assert set(ours) == set(official)
    for name, value in official.items():
        assert ours[name] == pytest.approx(100 * value, abs=1e-9, nan_ok=True), name


def test_cases_are_hard_enough():
    """The random cases reach what they are meant to compare."""
    figures = [measure(frames_of(seed)) for seed in range(40)]
    for name in ('PQ_things', 'PQ_stuff', 'AP', 'AP50', 'mIoU'):
        values = [round(case[name], 6) for case in figures]
        assert len(set(values)) > 30, name
        assert 5 < np.nanmean(values) < 95, name


@pytest.mark.parametrize('seed', range(8))
def test_overlapping_masks_equal_cityscapesscripts(seed, tmp_path, cityscapes_tools):
    rng = np.random.default_rng(seed)
    frame = random_frame(rng)
    for code in (26000, 26001, 24000):
        start = rng.integers(0, 20, 2)
        frame.true(*zip(start, start + 20), code)
    (file,) = write_truth(tmp_path, [frame])
    instances = tmp_path / 'results/instances'
    instances.mkdir(parents=True)
    masks, labels, scores, lines = [], [], [], []
    for code in np.unique(frame.truth[frame.truth >= 24000]):
        for number in range(3):
            mask = np.roll(frame.truth == code, rng.integers(-2, 3), rng.integers(2))
            label_id, score = code // 1000, float(rng.integers(1, 6) / 8)
            if label_id not in LABEL_IDS:
                label_id = CAR_ID
            Image.fromarray(mask).save(instances / f'{code}_{number}.png')
            lines.append(f'{code}_{number}.png {label_id} {score!r}\n')
            masks.append(mask)
            labels.append(LABEL_IDS.index(label_id))
            scores.append(score)
    (instances / 'ulm_000000_000000.txt').write_text(''.join(lines))

    codes, areas = np.unique(codes_from_instance_ids(frame.truth), return_counts=True)
    truth_masks = codes_from_instance_ids(frame.truth) == codes[:, None, None]
    matches = match_masks(
        codes,
        areas,
        np.einsum('thw,phw->tp', truth_masks.astype(int), np.array(masks, int)),
        np.array(labels),
        np.sum(masks, (1, 2)),
        np.array(scores),
    )
    wanted = (codes % 1000 > 0) & (areas >= 100) & (codes < 255000)
    truths = np.bincount(codes[wanted] // 1000, minlength=19)
    ours = average_precision(matches, truths)
    official = cityscapes_tools.precision([file], tmp_path / 'results')
    assert np.nanmean(ours) == pytest.approx(official['AP'], abs=1e-12)
    assert np.nanmean(ours[:, 0]) == pytest.approx(official['AP50'], abs=1e-12)
    for index in THING_CLASSES:
        name = f'AP.{CLASSES[index]}'
        assert ours[index].mean() == pytest.approx(
            official[name], abs=1e-12, nan_ok=True
        )


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


def test_memory_grows_by_nine_bytes_an_instance():
    frames = [frame for seed in range(6) for frame in frames_of(seed)]
    metric = metric_of()
    sizes, instances = [], []
    for _ in range(2):
        metric.process({}, [sample(frame) for frame in frames])
        sizes.append(len(pickle.dumps(metric._tally)))
        instances.append(sum(len(frame.instances[0]) for frame in frames))
    assert sizes[1] - sizes[0] <= 9 * instances[1] + 16  # 16: lengths in the pickle
    assert instances[1] > 50


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
    [
        ('gt_panoptic_seg', 'LoadPanopticLabels'),
        ('gt_sem_seg', 'format_only=True'),
        ('pred_panoptic_seg', 'PanopticDeepLab'),
        ('pred_sem_seg', 'PanopticDeepLab'),
        ('pred_instances', 'PanopticDeepLab'),
    ],
)
def test_a_missing_field_is_named(field, remedy):
    data = sample(Frame())
    del data[field]
    with pytest.raises(ValueError, match=rf'street\.png has no {field}.*{remedy}'):
        metric_of().process({}, [data])


def test_sizes_must_agree():
    data = sample(Frame())
    data['pred_panoptic_seg']['data'] = torch.zeros(1, 20, 30, dtype=torch.int32)
    with pytest.raises(ValueError, match=r'street\.png.*20x30.*48x72'):
        metric_of().process({}, [data])


def test_a_class_too_many_is_named():
    with pytest.raises(ValueError, match=r'street\.png.*19000.*19 classes'):
        metric_of().process({}, [sample(drawn('P=19000'))])


@pytest.mark.parametrize('key', ['classes', 'thing_classes', 'label_ids'])
def test_missing_metainfo_is_named(key, tmp_path):
    metric = PanopticMetric(output_dir=str(tmp_path))
    metric.dataset_meta = {name: value for name, value in META.items() if name != key}
    with pytest.raises(ValueError, match=f"no '{key}'"):
        metric.process({}, [sample(Frame())])


def test_two_images_of_one_name(tmp_path):
    metric = metric_of(output_dir=str(tmp_path))
    metric.process({}, [sample(Frame(), img_path='a/street.png')])
    with pytest.raises(ValueError, match='a/street.png.*rename'):
        metric.process({}, [sample(Frame(), img_path='b/street.png')])


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
