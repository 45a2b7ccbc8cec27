import numpy as np
import pytest
import torch

from segda_mm.ops import panoptic_grouping as module
from segda_mm.ops.panoptic_post_processing import (
    PanopticPrediction,
    instance_scores,
    panoptic_post_processing,
)

ROAD, SKY, PERSON, CAR = 0, 1, 2, 3
THINGS = (PERSON, CAR)
VOID = 255000


def reference_centers(heatmap, threshold, kernel_size, top_k):
    """(value, y, x) of the peaks, pixel by pixel."""
    height, width = heatmap.shape
    radius = kernel_size // 2
    peaks = []
    for y in range(height):
        for x in range(width):
            window = heatmap[
                max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1
            ]
            if heatmap[y, x] > threshold and heatmap[y, x] == window.max():
                peaks.append((float(heatmap[y, x]), y, x))
    return sorted(peaks, key=lambda peak: (-peak[0], peak[1], peak[2]))[:top_k]


def reference_nearest(points, offset, y, x):
    """Index of the nearest center, one rounded operation after the other."""
    target_y = np.float32(y) + offset[0, y, x]
    target_x = np.float32(x) + offset[1, y, x]
    best, best_distance = 0, None
    for index, (center_y, center_x) in enumerate(points):
        dy = target_y - np.float32(center_y)
        dx = target_x - np.float32(center_x)
        distance = dy * dy + dx * dx
        if best_distance is None or distance < best_distance:
            best, best_distance = index, distance
    return best


def reference_panoptic(sem_seg, heatmap, offset, things, threshold, top_k, stuff_area):
    """Codes and the lists of instances, pixel by pixel."""
    peaks = reference_centers(heatmap, threshold, 7, top_k)
    points = [peak[1:] for peak in peaks]
    members = {index: [] for index in range(len(peaks))}
    areas = {}
    codes = np.full(sem_seg.shape, VOID, np.int32)
    for y, x in np.ndindex(*sem_seg.shape):
        label = int(sem_seg[y, x])
        if label not in things:
            areas[label] = areas.get(label, 0) + 1
        elif points:
            members[reference_nearest(points, offset, y, x)].append((y, x))
    for y, x in np.ndindex(*sem_seg.shape):
        label = int(sem_seg[y, x])
        if label not in things and areas[label] >= stuff_area:
            codes[y, x] = label * 1000
    numbers, instances = {}, []
    for index, pixels in members.items():
        if not pixels:
            continue
        labels = [int(sem_seg[pixel]) for pixel in pixels]
        label = max(sorted(set(labels)), key=labels.count)
        numbers[label] = numbers.get(label, 0) + 1
        code = label * 1000 + numbers[label]
        instances.append((code, label, peaks[index][0]))
        for pixel in pixels:
            codes[pixel] = code
    return codes, instances


def random_outputs(seed, height=24, width=40):
    """Maps with many ties: heatmaps of few levels, offsets of half pixels."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 5, (height // 4, width // 4))
    blocks[blocks == 4] = 255
    sem_seg = blocks.repeat(4, 0).repeat(4, 1)
    sem_seg = np.where(rng.random((height, width)) < 0.1, CAR, sem_seg)
    heatmap = rng.integers(0, 11, (height, width)) / np.float32(10)
    # Sparse, crowded, and with plateaus.
    heatmap *= rng.random((height, width)) < rng.choice([0.003, 0.05, 1])
    offset = rng.integers(-30, 31, (2, height, width)) / np.float32(2)
    if seed % 4 == 1:
        offset += rng.normal(0, 3, offset.shape)
    if seed % 4 == 2:
        # Far outside: cells of the grid grow with what they have to cover.
        offset *= 200
    if seed % 8 == 3:
        sem_seg[np.isin(sem_seg, THINGS)] = ROAD
    if seed % 8 == 7:
        heatmap *= 0.1
    return sem_seg, heatmap.astype(np.float32), offset.astype(np.float32)


def as_batch(*outputs):
    """Tensors (N, H, W), (N, 1, H, W) and (N, 2, H, W) of outputs of N images."""
    sem_seg, heatmap, offset = (
        torch.from_numpy(np.stack(maps)) for maps in zip(*outputs)
    )
    return sem_seg.long(), heatmap[:, None], offset


def as_lists(prediction):
    return list(
        zip(
            prediction.instance_codes.tolist(),
            prediction.instance_labels.tolist(),
            prediction.center_values.tolist(),
        )
    )


@pytest.mark.parametrize('seed', range(16))
def test_everything_is_as_in_plain_loops(seed, monkeypatch):
    monkeypatch.setattr(module, 'PIXELS_AT_ONCE', [50, 10**6][seed % 2])
    monkeypatch.setattr(module, 'CELL_SIZE', [1, 4, 16][seed % 3])
    outputs = random_outputs(seed)
    top_k, stuff_area = [200, 3, 20][seed % 3], [1, 150][seed % 2]
    (prediction,) = panoptic_post_processing(
        *as_batch(outputs), THINGS, top_k=top_k, stuff_area=stuff_area
    )
    codes, instances = reference_panoptic(*outputs, THINGS, 0.1, top_k, stuff_area)
    np.testing.assert_array_equal(prediction.codes.numpy(), codes)
    assert as_lists(prediction) == instances
    assert prediction.codes.dtype == prediction.instance_codes.dtype == torch.int32
    assert prediction.instance_labels.dtype == torch.int64
    assert prediction.center_values.dtype == torch.float32


@pytest.mark.parametrize(
    ('labels', 'centers', 'shifts', 'codes', 'instances'),
    [
        # Two cars, three pixels of one taken for a person; sky of one pixel.
        (
            [0, 3, 3, 2, 3, 1, 0, 3, 3, 2, 2, 2],
            {2: 0.5, 10: 0.75},
            {},
            [0, 3001, 3001, 3001, 3001, VOID, 0, 2001, 2001, 2001, 2001, 2001],
            [(2001, PERSON, 0.75), (3001, CAR, 0.5)],
        ),
        # Offsets decide; the last pixel points exactly between both centers, of
        # which the stronger one stands first.
        (
            [3] * 12,
            {2: 0.75, 10: 0.5},
            {0: 9, 11: -5},
            [3002, 3001, 3001, 3001, 3001, 3001, 3001, 3002, 3002, 3002, 3002, 3001],
            [(3001, CAR, 0.75), (3002, CAR, 0.5)],
        ),
        # Equal votes go to the lower class.
        ([3, 2, 3, 2], {2: 0.5}, {}, [2001] * 4, [(2001, PERSON, 0.5)]),
        # Without a center, things are void.
        ([0, 3, 0, 2], {}, {}, [0, VOID, 0, VOID], []),
    ],
)
def test_a_row_of_pixels_by_hand(labels, centers, shifts, codes, instances):
    heatmap, offset = (
        torch.zeros(1, 1, 1, len(labels)),
        torch.zeros(1, 2, 1, len(labels)),
    )
    for place, value in centers.items():
        heatmap[..., place] = value
    for place, shift in shifts.items():
        offset[0, 1, 0, place] = shift
    (prediction,) = panoptic_post_processing(
        torch.tensor([[labels]]), heatmap, offset, THINGS, stuff_area=2
    )
    assert prediction.codes.tolist() == [codes]
    assert as_lists(prediction) == instances


def test_scores_are_mean_probability_times_center():
    prediction = PanopticPrediction(
        codes=torch.tensor([[0, 2001, 2001, 3001, VOID]], dtype=torch.int32),
        instance_codes=torch.tensor([3001, 2001], dtype=torch.int32),
        instance_labels=torch.tensor([3, 2]),
        center_values=torch.tensor([0.5, 0.8]),
    )
    probabilities = torch.tensor(
        [
            [1.0, 0.0, 0.0, 0.0],
            [0.1, 0.2, 0.6, 0.1],
            [0.3, 0.3, 0.2, 0.2],
            [0.0, 0.0, 0.75, 0.25],
            [0.0, 0.0, 0.0, 1.0],
        ]
    ).T[:, None]
    scores = instance_scores(probabilities.log(), prediction)
    assert scores.dtype == torch.float32
    assert scores.tolist() == pytest.approx([0.5 * 0.25, 0.8 * 0.4])


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(offset=torch.zeros(1, 2, 2, 4)),
            r'offset has the shape \(1, 2, 2, 4\).*\(1, 2, 3\) need \(1, 2, 2, 3\)',
        ),
        (dict(sem_seg=torch.full((1, 2, 3), 256)), r'lie in \[256, 256\]'),
        (dict(thing_classes=(2, 255)), r'thing_classes names \[255\]'),
        (dict(nms_kernel_size=4), 'nms_kernel_size is 4'),
        (dict(top_k=1000), r'top_k is 1000, but must lie in \[1, 999\]'),
        (
            dict(center_heatmap=torch.tensor([[[[0, 0, 1], [0, 0, float('nan')]]]])),
            'heatmap holds NaN',
        ),
        (dict(offset=torch.full((1, 2, 2, 3), float('nan'))), 'offsets hold NaN'),
    ],
)
def test_wrong_inputs_are_named(changes, message):
    inputs = dict(
        sem_seg=torch.full((1, 2, 3), CAR),
        center_heatmap=torch.ones(1, 1, 2, 3),
        offset=torch.zeros(1, 2, 2, 3),
        thing_classes=THINGS,
    )
    panoptic_post_processing(**inputs)
    with pytest.raises(ValueError, match=message):
        panoptic_post_processing(**{**inputs, **changes})
