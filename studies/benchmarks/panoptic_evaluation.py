"""Measure the evaluation of panoptic maps beside that of cityscapesscripts.

Both get the same synthetic pictures as arrays in memory, in one process. What
is timed of cityscapesscripts is what it does to one picture once the files are
decoded: `pq_compute_single_core`, and `assignGt2Preds` with the true instances
counted before, as the tool caches them. The lower bound of a whole picture is to
read its four maps once. Times are processor time, so that other programs on the
machine count little. Prints a table and one JSON line, and stops where the figures
differ.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import os
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from unittest import mock

import cv2
import numpy as np
from cityscapesscripts.evaluation import evalInstanceLevelSemanticLabeling as ap_tool
from cityscapesscripts.evaluation import evalPanopticSemanticLabeling as pq_tool
from cityscapesscripts.evaluation.instance import Instance
from cityscapesscripts.helpers.labels import labels as official_labels
from timing import print_table, report, summary

from studies.results_file import provenance
from segda_mm.datasets.cityscapes_instances import instance_ids_from_codes
from segda_mm.datasets.cityscapes_labels import CLASSES, LABEL_IDS, THING_CLASSES
from segda_mm.datasets.panoptic_files import segments_from_codes
from segda_mm.evaluation.panoptic_tally import PanopticTally
from segda_mm.ops.instance_ap import match_segments
from segda_mm.ops.label_overlaps import label_overlaps
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE
from segda_mm.ops.panoptic_quality import panoptic_quality_counts

NUM_CLASSES = len(CLASSES)
BOUND = 'reading the maps once'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--width', type=int, default=2048)
    parser.add_argument('--height', type=int, default=1024)
    parser.add_argument('--segments', type=int, default=40, help='per picture')
    parser.add_argument('--images', type=int, default=4)
    parser.add_argument('--repeats', type=int, default=10, help='of every picture')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='results file to append the line to')
    return parser.parse_args()


class Picture:
    """Truth and prediction of one image, as either side wants them."""

    def __init__(self, args: argparse.Namespace, rng: np.random.Generator) -> None:
        size = args.height, args.width
        self.truth, self.prediction = _maps(size, args.segments, rng)
        present = np.unique(self.prediction)
        classes = present // LABEL_DIVISOR
        self.codes = present[np.isin(classes, THING_CLASSES)]
        self.scores = rng.random(len(self.codes), np.float32)
        self.sem_truth = (self.truth // LABEL_DIVISOR).astype(np.uint8)
        self.sem_prediction = (self.prediction // LABEL_DIVISOR).astype(np.int64)
        self.segments = len(np.unique(self.truth)), len(present)
        self.label_changes = sum(
            int((codes[:, 1:] != codes[:, :-1]).sum())
            for codes in (self.truth, self.prediction)
        )

        # Of cityscapesscripts: colours, and one mask per instance.
        self.colors, self.annotations = {}, []
        for name, codes in (('truth', self.truth), ('prediction', self.prediction)):
            ids, segments = segments_from_codes(codes, LABEL_IDS, THING_CLASSES)
            self.colors[name] = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], 2)
            self.colors[name] = self.colors[name].astype(np.uint8)
            self.annotations.append(
                dict(image_id='a', file_name=name, segments_info=segments)
            )
        self.instance_ids = instance_ids_from_codes(self.truth)
        self.masks = {
            str(code): _Mask((self.prediction == code).astype(np.uint8))
            for code in self.codes.tolist()
        }
        self.predicted_info = {
            str(code): dict(labelID=LABEL_IDS[code // LABEL_DIVISOR], conf=float(score))
            for code, score in zip(self.codes.tolist(), self.scores)
        }
        self.true_instances = {label.name: [] for label in official_labels}
        names = {label.id: label.name for label in official_labels}
        for value in np.unique(self.instance_ids):
            entry = Instance(self.instance_ids, value).toDict()
            self.true_instances[names[entry['labelID']]].append(entry)


class _Mask:
    """What the tool wants of an opened picture."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def convert(self, mode: str) -> np.ndarray:
        return self.pixels


def _maps(
    size: tuple[int, int], segments: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cells with ragged borders; the prediction's differ by a few pixels."""
    number = 0
    codes = [VOID_CODE, *(c * LABEL_DIVISOR for c in (0, 1, 2, 5, 8, 10, 13))]
    while len(codes) < segments:
        label = THING_CLASSES[number % len(THING_CLASSES)]
        codes.append(label * LABEL_DIVISOR + 1 + number)
        number += 1
    codes = np.array(codes, np.int32)
    centers = rng.uniform(0, 1, (segments, 2)) * size
    # Things are small: their cells keep away from them.
    handicap = np.where(codes % LABEL_DIVISOR > 0, 60.0**2, 0)
    bumps = _waves(size, 64, rng) * 20
    truth = _nearest(centers, handicap, bumps)
    moved = centers + rng.normal(0, 8, centers.shape)
    prediction = _nearest(moved, handicap, bumps + _waves(size, 8, rng) * 3)
    predicted_codes = codes.copy()
    # One thing takes another's class, one melts into its neighbour.
    predicted_codes[-1] = THING_CLASSES[0] * LABEL_DIVISOR + 999
    predicted_codes[-2] = predicted_codes[-3]
    return codes[truth], predicted_codes[prediction]


def _waves(size: tuple[int, int], period: int, rng: np.random.Generator) -> np.ndarray:
    coarse = rng.normal(size=(size[0] // period, size[1] // period, 2))
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def _nearest(
    centers: np.ndarray, handicap: np.ndarray, bumps: np.ndarray
) -> np.ndarray:
    rows, columns = np.indices(bumps.shape[:2])
    rows, columns = rows + bumps[..., 0], columns + bumps[..., 1]
    smallest = np.full(bumps.shape[:2], np.inf)
    nearest = np.zeros(bumps.shape[:2], np.intp)
    for index, (row, column) in enumerate(centers):
        distance = (rows - row) ** 2 + (columns - column) ** 2 + handicap[index]
        closer = distance < smallest
        smallest[closer] = distance[closer]
        nearest[closer] = index
    return nearest


def our_quality(picture: Picture) -> np.ndarray:
    overlaps = label_overlaps(picture.truth, picture.prediction)
    return panoptic_quality_counts(overlaps, THING_CLASSES, NUM_CLASSES)


def our_matching(picture: Picture):
    overlaps = label_overlaps(picture.truth, picture.prediction)
    return match_segments(overlaps, picture.codes, picture.scores, THING_CLASSES)


def our_pass(picture: Picture) -> PanopticTally:
    tally = PanopticTally(NUM_CLASSES, THING_CLASSES)
    tally.add_image(
        picture.truth,
        picture.prediction,
        picture.codes,
        picture.scores,
        picture.sem_truth,
        picture.sem_prediction,
    )
    return tally


def read_once(picture: Picture) -> None:
    """What any evaluation of all figures has to do."""
    for pixels in (
        picture.truth,
        picture.prediction,
        picture.sem_truth,
        picture.sem_prediction,
    ):
        pixels.max()


def official_quality(picture: Picture) -> np.ndarray:
    categories = dict.fromkeys(LABEL_IDS)
    opener = SimpleNamespace(open=lambda path: picture.colors[path])
    # The tool writes areas into the entries it is given.
    pair = copy.deepcopy(picture.annotations)
    with (
        mock.patch.object(pq_tool, 'Image', opener),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        counts = pq_tool.pq_compute_single_core(0, [pair], '', '', categories)
    classes = [counts[label_id] for label_id in LABEL_IDS]
    return np.array([(c.iou, c.tp, c.fp, c.fn) for c in classes])


def official_matching(picture: Picture) -> dict:
    args = copy.copy(ap_tool.args)
    ap_tool.setInstanceLabels(args)
    opener = SimpleNamespace(open=lambda name: picture.masks[name])
    truth = ap_tool.filterGtInstances(picture.true_instances, args)
    with (
        mock.patch.object(ap_tool, 'Image', opener),
        # NumPy 2.4 dropped the old name that the tool calls.
        mock.patch.object(np, 'in1d', np.isin, create=True),
    ):
        matched, predicted = ap_tool.assignGt2Preds(
            truth, picture.instance_ids, picture.predicted_info, args
        )
    return dict(groundTruth=matched, prediction=predicted)


def check_equal(pictures: list[Picture]) -> dict[str, float]:
    """Compare the figures of all pictures; returns ours, in percent."""
    for picture in pictures:
        if not np.array_equal(our_quality(picture), official_quality(picture)):
            sys.exit('panoptic_evaluation: the counts of PQ differ')
    matches = {str(i): official_matching(p) for i, p in enumerate(pictures)}
    args = copy.copy(ap_tool.args)
    ap_tool.setInstanceLabels(args)
    expected = ap_tool.evaluateMatches(matches, args)[0]
    tally = our_pass(pictures[0])
    for picture in pictures[1:]:
        tally += our_pass(picture)
    precision = tally.precision()[list(THING_CLASSES)]
    if not np.allclose(precision, expected, rtol=0, atol=1e-12, equal_nan=True):
        sys.exit('panoptic_evaluation: the average precisions differ')
    figures = tally.figures(CLASSES)
    return {name: round(figures[name], 3) for name in ('PQ', 'AP', 'mIoU')}


def milliseconds(
    run: Callable, pictures: list[Picture], repeats: int, in_cache: bool
) -> dict:
    """Processor time per picture: median and quartiles.

    Maps that were just decoded or predicted are still in the cache, as they are
    here when a picture is repeated at once. Taking turns they are not.
    """
    order = [picture for picture in pictures for _ in range(repeats)]
    if not in_cache:
        order = pictures * repeats
    times = []
    for picture in order:
        begin = time.process_time()
        run(picture)
        times.append(time.process_time() - begin)
    return summary(times)


def main() -> None:
    args = parse_args()
    origin = provenance()
    rng = np.random.default_rng(args.seed)
    pictures = [Picture(args, rng) for _ in range(args.images)]
    figures = check_equal(pictures)
    rounds = {
        'PQ': our_quality,
        'AP matching': our_matching,
        'PQ, AP and IoU in one pass': our_pass,
        'PQ, cityscapesscripts': official_quality,
        'AP matching, cityscapesscripts': official_matching,
        BOUND: read_once,
    }
    times = {
        name + place: milliseconds(run, pictures, args.repeats, in_cache)
        for in_cache, place in ((True, ''), (False, ', maps out of cache'))
        for name, run in rounds.items()
    }
    row = dict(
        benchmark='panoptic_evaluation',
        size=f'{args.width}x{args.height}',
        processes=1,
        segments=[picture.segments for picture in pictures],
        label_changes=[picture.label_changes for picture in pictures],
        bound=BOUND,
        milliseconds=times,
        figures=figures,
        equal_to_cityscapesscripts=True,
        load_average=round(os.getloadavg()[0], 2),
        **origin,
    )
    print_table('a picture', times)
    report(row, args.out)


if __name__ == '__main__':
    main()
