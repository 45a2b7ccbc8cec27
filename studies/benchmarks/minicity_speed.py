"""Measure how fast the miniature world is rendered and written on one core.

Both looks take turns, with everything that belongs to a frame written to disk.
"""

from __future__ import annotations

import itertools
import tempfile

import cv2
from timing import parser_for, report, time_ways, timed_lines

from segda_mm.minicity import write_cityscapes, write_gta5
from studies.records import provenance


def main() -> None:
    parser = parser_for(__doc__, repeats=40)
    parser.add_argument('--width', type=int, default=512)
    parser.add_argument('--height', type=int, default=256)
    args = parser.parse_args()
    origin = provenance()
    cv2.setNumThreads(1)
    size, numbers = (args.width, args.height), itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            'gta5': lambda: write_gta5(f'{folder}/{next(numbers)}', 1, size=size),
            'cityscapes': lambda: write_cityscapes(
                f'{folder}/{next(numbers)}', 1, 0, size=size
            ),
        }
        # The first frame makes the noise pattern that all others share.
        timings = time_ways(ways, args.repeats, warm_up=1)
    lines = [
        dict(line, path=f'{line["path"]}, frame rendered and written')
        for line in timed_lines('miniature world', f'{size[0]}x{size[1]}', timings)
    ]
    report('minicity_speed', lines, origin, args.out)


if __name__ == '__main__':
    main()
