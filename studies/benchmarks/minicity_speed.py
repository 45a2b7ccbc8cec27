"""Measure how fast the miniature world is rendered and written on one core.

Both looks take turns, with everything that belongs to a frame (image and label
PNGs) written to disk. Frames per second are of processor time, which other
programs on the machine change little. Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Callable

import cv2
from timing import print_table, report, time_ways

from studies.results_file import provenance
from segda_mm.minicity import write_cityscapes, write_gta5


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--frames',
        type=int,
        default=8,
        help='per look and repetition (default: %(default)s)',
    )
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--width', type=int, default=512)
    parser.add_argument('--height', type=int, default=256)
    parser.add_argument('--out', help='results file to append the line to')
    return parser.parse_args()


def looks(
    folder: str, frames: int, size: tuple[int, int]
) -> dict[str, Callable[[], None]]:
    """Ways to write the frames of either look, each time to a new folder."""
    numbers = itertools.count()

    def write_game() -> None:
        write_gta5(f'{folder}/{next(numbers)}', frames, size=size)

    def write_real() -> None:
        write_cityscapes(f'{folder}/{next(numbers)}', frames, 0, size=size)

    return {'gta5': write_game, 'cityscapes': write_real}


def main() -> None:
    args = parse_args()
    origin = provenance()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        ways = looks(folder, args.frames, (args.width, args.height))
        try:
            # The first frame makes the noise pattern that all others share.
            timings = time_ways(ways, args.repeats, warm_up=1)
        except ValueError as error:
            sys.exit(f'minicity_speed: {error}')
    print_table(f'{args.frames} frames', timings)
    rates = {
        f'{name}_fps': round(1000 * args.frames / timing['processor_median'], 2)
        for name, timing in timings.items()
    }
    row = dict(
        benchmark='minicity_speed',
        size=f'{args.width}x{args.height}',
        frames=args.frames,
        processes=1,
        milliseconds=timings,
        **rates,
        load_average=round(os.getloadavg()[0], 2),
        **origin,
    )
    report(row, args.out)


if __name__ == '__main__':
    main()
