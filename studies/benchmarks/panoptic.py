"""Time post-processing and evaluation of panoptic maps.

A street with 40 objects, as a good network might see it. The bound of post-processing
is to read the network's outputs once and to write a map once, that of the evaluation to
read its four maps once.
"""

from __future__ import annotations

import numpy as np
import torch
from mmengine.device import get_device
from timing import parser_for, report, time_ways, timed_lines
from torch import Tensor

from segda_mm.datasets.formats.cityscapes_labels import CLASSES, THING_CLASSES
from segda_mm.evaluation.panoptic_tally import PanopticTally
from segda_mm.ops.instance_ap import match_segments
from segda_mm.ops.label_overlaps import label_overlaps
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR
from segda_mm.ops.panoptic_post_processing import panoptic_post_processing
from segda_mm.ops.panoptic_quality import panoptic_quality_counts
from segda_mm.ops.panoptic_targets import panoptic_targets
from studies.records import provenance

THRESHOLD, WINDOW, TOP_K, STUFF_AREA = 0.1, 7, 200, 4096
#: Of the objects, side by side in rows that grow towards the viewer.
GRID = (4, 10)
BOUND = 'reading once'


def street(size: tuple[int, int], draw: np.random.Generator) -> np.ndarray:
    """Panoptic codes (H, W) of stuff in bands, with objects as ellipses."""
    height, width = size
    codes = np.zeros(size, np.int32)
    # Sky, vegetation, buildings, sidewalk and road, and a column of poles.
    for label, top in ((10, 0), (8, 0.2), (2, 0.3), (1, 0.5), (0, 0.6)):
        codes[int(top * height) :] = label * LABEL_DIVISOR
    codes[: height // 2, :: width // 8] = 5 * LABEL_DIVISOR
    depth = np.array([0.12, 0.14, 0.18, 0.22])
    y, x = np.ogrid[:height, :width]
    for number, (row, column) in enumerate(np.ndindex(*GRID)):
        radii = np.array([depth[row] * height, width / GRID[1]]) / 2
        bottom = (0.34 + depth[: row + 1].sum()) * height
        center = np.array([bottom - radii[0], (column + 0.5) * width / GRID[1]])
        center += draw.uniform(-0.3, 0.3, 2) * radii
        radii *= draw.uniform(0.3, 0.9, 2)
        distance = ((y - center[0]) / radii[0]) ** 2 + ((x - center[1]) / radii[1]) ** 2
        label = draw.choice(THING_CLASSES)
        codes[distance <= 1] = label * LABEL_DIVISOR + number + 1
    return codes


def network_outputs(codes: np.ndarray, draw: np.random.Generator) -> tuple[Tensor, ...]:
    """Labels (1, H, W), center heatmap (1, 1, H, W) and offset (1, 2, H, W)."""
    targets = panoptic_targets(codes, THING_CLASSES)
    height, width = codes.shape
    classes, is_thing = codes // LABEL_DIVISOR, codes % LABEL_DIVISOR > 0
    # Blocks in which things are taken for another class, and lost ones.
    blocks = draw.random((height // 16, width // 16)).repeat(16, 0).repeat(16, 1)
    classes = np.where(is_thing & (blocks < 0.1), THING_CLASSES[0], classes)
    classes = np.where(is_thing & (blocks > 0.97), 2, classes)
    heatmap = targets['gt_center_heatmap'] * draw.uniform(0.5, 1)
    heatmap += draw.normal(0, 0.01, codes.shape)
    offset = targets['gt_offset'] + draw.normal(0, height / 300, (2, *codes.shape))
    return (
        torch.from_numpy(classes.astype(np.int64))[None],
        torch.from_numpy(heatmap.astype(np.float32))[None, None],
        torch.from_numpy(offset.astype(np.float32))[None],
    )


def measure(size: tuple[int, int], repeats: int) -> list[dict]:
    """The lines of one size."""
    draw = np.random.default_rng(0)
    truth = street(size, draw)
    outputs = tuple(part.to(get_device()) for part in network_outputs(truth, draw))

    def post_processing() -> Tensor:
        found = panoptic_post_processing(
            *outputs, THING_CLASSES, THRESHOLD, WINDOW, TOP_K, STUFF_AREA
        )
        return found[0].codes

    def touch_once() -> Tensor:
        for output in outputs:
            output.amax()
        return torch.zeros(size, dtype=torch.int32, device=get_device())

    prediction = post_processing().cpu().numpy()
    present = np.unique(prediction)
    things = present[np.isin(present // LABEL_DIVISOR, THING_CLASSES)]
    scores = draw.random(len(things), np.float32)
    classes = (
        (truth // LABEL_DIVISOR).astype(np.uint8),
        (prediction // LABEL_DIVISOR).astype(np.int64),
    )

    def quality() -> None:
        overlaps = label_overlaps(truth, prediction)
        panoptic_quality_counts(overlaps, THING_CLASSES, len(CLASSES))

    def matching() -> None:
        overlaps = label_overlaps(truth, prediction)
        match_segments(overlaps, things, scores, THING_CLASSES)

    def one_pass() -> None:
        tally = PanopticTally(len(CLASSES), THING_CLASSES)
        tally.add_image(truth, prediction, things, scores, *classes)

    def read_maps() -> None:
        for pixels in (truth, prediction, *classes):
            pixels.max()

    shape = f'{size[1]}x{size[0]}'
    processed = time_ways({'': post_processing, BOUND: touch_once}, repeats)
    evaluated = time_ways(
        {
            'PQ': quality,
            'AP matching': matching,
            'PQ, AP and IoU in one pass': one_pass,
            BOUND: read_maps,
        },
        repeats,
    )
    return [
        *timed_lines('panoptic post-processing', shape, processed, BOUND),
        *timed_lines('panoptic evaluation', shape, evaluated, BOUND),
    ]


def main() -> None:
    args = parser_for(__doc__, repeats=20).parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    lines = [
        line
        for size in ((512, 1024), (1024, 2048))
        for line in measure(size, args.repeats)
    ]
    report('panoptic', lines, origin, args.out)


if __name__ == '__main__':
    main()
