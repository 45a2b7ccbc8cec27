"""Measure pseudo labels by class thresholds beside the straightforward ways.

For one image: from the confidences and classes of its pixels to the encoded label,
whose pixels under the median of their class are void. The straightforward way takes
every class's pixels out by a mask and sorts them, and writes the PNG with Pillow, as
the released code of "Meta Pseudo Labels for Real-Time Semantic Segmentation" does.
For a data set: what each image adds to the thresholds of all. The straightforward way
collects all confidences and sorts them. The tool stops where labels differ, or a
median of the data set by more than 1e-5. Prints tables and one JSON line.
"""

from __future__ import annotations

import argparse
import ctypes
import io
import os
import sys
from collections.abc import Callable
from itertools import cycle

import cv2
import numpy as np
import torch
from mmengine.device import get_device
from PIL import Image
from timing import MIB, print_table, report, time_ways
from torch import Tensor

from segda_mm.apis.results_file import provenance
from segda_mm.ops.pseudo_labels import (
    IGNORE_INDEX,
    class_medians,
    count_confidences,
    empty_histogram,
    mask_low_confidence,
    median_thresholds,
    quantize_confidence,
    thresholds_from_histogram,
)

NUM_CLASSES = 19
CAP = 0.9
LARGEST_ERROR = 1e-5
BOUND = 'PNG alone'

#: Confidences and classes of an image, both (H, W).
Prediction = tuple[Tensor, Tensor]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', default='1024x512', help='WxH of the maps')
    parser.add_argument('--images', type=int, default=10, help='of the data set')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=20, help='of each way')
    parser.add_argument('--out', help='results file to append the line to')
    return parser.parse_args()


def street_logits(size: tuple[int, int], rng: np.random.Generator) -> Tensor:
    """Logits (C, H, W) of smooth regions, some classes in most pixels, some in none.

    Confidences are those of a network that is sure of most regions and unsure at
    their borders: about half of them are above the cap.
    """
    height, width = size
    coarse = (NUM_CLASSES, max(height // 32, 2), max(width // 32, 2))
    regions = np.stack(
        [
            cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
            for field in rng.normal(size=coarse).astype(np.float32)
        ]
    )
    frequency = np.sort(rng.normal(size=(NUM_CLASSES, 1, 1)).astype(np.float32), 0)
    noise = rng.normal(scale=0.5, size=regions.shape).astype(np.float32)
    return torch.from_numpy(6 * (regions + frequency) + noise)


def most_probable(logits: Tensor) -> Prediction:
    return logits.softmax(dim=0).max(dim=0)


def png(labels: Tensor) -> np.ndarray:
    """As ``LabelStore`` writes it."""
    return cv2.imencode('.png', labels.cpu().numpy().astype(np.uint8))[1]


def labels_by_medians(confidence: Tensor, classes: Tensor) -> Tensor:
    thresholds = median_thresholds(
        confidence[None], classes[None], NUM_CLASSES, CAP, 'image'
    )
    return mask_low_confidence(classes[None], confidence[None], thresholds)[0]


def labels_straightforward(confidence: Tensor, classes: Tensor) -> np.ndarray:
    confidence, classes = confidence.cpu().numpy(), classes.cpu().numpy()
    labels = classes.astype(np.uint8)
    for number in range(NUM_CLASSES):
        own = confidence[classes == number]
        if len(own):
            threshold = min(np.median(np.sort(own)), np.float32(CAP))
            labels[(classes == number) & (confidence < threshold)] = IGNORE_INDEX
    return labels


def pillow_png(labels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(labels).save(stream, 'PNG')
    return stream.getvalue()


def count(histogram: Tensor, confidence: Tensor, classes: Tensor) -> None:
    count_confidences(histogram, quantize_confidence(confidence, CAP), classes)


def exact_thresholds(predictions: list[Prediction]) -> np.ndarray:
    """Thresholds of a data set from all of its confidences at once."""
    confidence, classes = (
        np.concatenate([part.cpu().numpy().ravel() for part in parts])
        for parts in zip(*predictions)
    )
    thresholds = np.full(NUM_CLASSES, CAP)
    for number in range(NUM_CLASSES):
        own = np.sort(confidence[classes == number]).astype(np.float64)
        if len(own):
            # Of two middle confidences, one under and one over the cap, the latter
            # counts as the cap, see thresholds_from_histogram.
            thresholds[number] = np.median(np.minimum(own, CAP))
    return thresholds


def peak_mib() -> float:
    """Largest resident set since :func:`forget_peak`."""
    with open('/proc/self/status') as file:
        line = next(line for line in file if line.startswith('VmHWM'))
    return int(line.split()[1]) * 1024 / MIB


def forget_peak() -> None:
    # Free memory that this process has kept would hide what is taken next.
    ctypes.CDLL(None).malloc_trim(0)
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')


def growth_mib(predictions: list[Prediction], rounds: int) -> float:
    """MiB that counting a data set, and its thresholds, take at most."""
    forget_peak()
    before = peak_mib()
    histogram = empty_histogram(NUM_CLASSES, predictions[0][0].device)
    for prediction in predictions * rounds:
        count(histogram, *prediction)
    thresholds_from_histogram(histogram, CAP)
    return round(peak_mib() - before, 1)


def image_ways(logits: Tensor, prediction: Prediction) -> dict[str, Callable]:
    """The ways to an image's label, and the parts of ours."""
    thresholds = median_thresholds(*(part[None] for part in prediction), NUM_CLASSES)
    alone = [part[None] for part in reversed(prediction)]
    labels = labels_by_medians(*prediction)
    return {
        'softmax and maximum (before both)': lambda: most_probable(logits),
        'ours': lambda: png(labels_by_medians(*prediction)),
        'straightforward': lambda: pillow_png(labels_straightforward(*prediction)),
        'part: medians': lambda: class_medians(*prediction, NUM_CLASSES),
        'part: masking': lambda: mask_low_confidence(*alone, thresholds),
        BOUND: lambda: png(labels),
    }


def main() -> None:
    args = parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    device = get_device()
    width, height = map(int, args.size.split('x'))
    predictions = []
    for seed in range(args.images):
        logits = street_logits((height, width), np.random.default_rng(seed)).to(device)
        prediction = most_probable(logits)
        ours = labels_by_medians(*prediction).cpu().numpy()
        if not np.array_equal(ours, labels_straightforward(*prediction)):
            sys.exit(f'class_thresholds: the labels of seed {seed} differ')
        predictions.append(prediction)

    histogram = empty_histogram(NUM_CLASSES, device)
    for prediction in predictions:
        count(histogram, *prediction)
    _, thresholds = thresholds_from_histogram(histogram.cpu(), CAP)
    error = float(np.abs(thresholds.numpy() - exact_thresholds(predictions)).max())
    if error > LARGEST_ERROR:
        sys.exit(f'class_thresholds: a median of the data set is {error:.1e} off')

    growth = {
        f'{rounds * args.images} images': growth_mib(predictions, rounds)
        for rounds in (1, 5)
    }
    next_image = cycle(predictions)
    of_image = time_ways(image_ways(logits, predictions[-1]), args.repeats)
    of_data_set = time_ways(
        {
            'ours': lambda: count(histogram, *next(next_image)),
            'part: levels': lambda: quantize_confidence(next(next_image)[0], CAP),
            'straightforward, all images': lambda: exact_thresholds(predictions),
        },
        max(args.repeats // 4, 1),
    )
    shares = [(part[0] >= CAP).float().mean().item() for part in predictions]
    print_table(f'label of an image, {args.size}', of_image, BOUND)
    print_table('adding an image to the data set', of_data_set)
    print(f'largest error of a median of the data set: {error:.1e}')
    print(f'growth while counting, MiB: {growth}')
    report(
        dict(
            benchmark='class_thresholds',
            size=args.size,
            images=args.images,
            threads=args.threads,
            device=device,
            load_average=round(os.getloadavg()[0], 2),
            confident_share=round(sum(shares) / len(shares), 3),
            bound=BOUND,
            of_image=of_image,
            of_data_set=of_data_set,
            straightforward_ms_an_image=round(
                of_data_set['straightforward, all images']['median'] / args.images, 2
            ),
            largest_error=error,
            growth_mib=growth,
            equal_labels=True,
            **origin,
        ),
        args.out,
    )


if __name__ == '__main__':
    main()
