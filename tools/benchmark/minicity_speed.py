"""Measure how fast the miniature world is rendered and written on one core.

Prints one JSON line: frames per second of processor time for both looks, with
everything that belongs to a frame (image and label PNGs) written to disk.
"""
import argparse
import json
import platform
import sys
import tempfile
import time

import cv2

from segda_mm.minicity import write_cityscapes, write_gta5


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=40,
                        help='frames per look (default: %(default)s)')
    parser.add_argument('--width', type=int, default=512,
                        help='of the pictures (default: %(default)s)')
    parser.add_argument('--height', type=int, default=256,
                        help='of the pictures (default: %(default)s)')
    return parser.parse_args()


def frames_per_second(write, frames):
    """Frames per second of processor time of ``write(folder, frames)``."""
    with tempfile.TemporaryDirectory() as folder:
        # The first frame makes the noise pattern that all others share.
        write(f'{folder}/warm', 1)
        begin = time.process_time()
        write(f'{folder}/measured', frames)
        return frames / (time.process_time() - begin)


def main():
    args = parse_args()
    cv2.setNumThreads(1)
    size = (args.width, args.height)
    try:
        result = dict(
            gta5_fps=frames_per_second(
                lambda root, count: write_gta5(root, count, size=size),
                args.frames),
            cityscapes_fps=frames_per_second(
                lambda root, count: write_cityscapes(root, count, 0,
                                                     size=size),
                args.frames))
    except ValueError as error:
        sys.exit(f'minicity_speed: {error}')
    print(json.dumps(dict(
        benchmark='minicity_speed', size=f'{args.width}x{args.height}',
        frames=args.frames, processes=1, machine=platform.machine(),
        **{key: round(value, 2) for key, value in result.items()})))


if __name__ == '__main__':
    main()
