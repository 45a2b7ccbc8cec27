"""Join frames and their overlays to the moving picture of the README."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segda_mm.files import atomic_file

#: Of the picture in pixels, and how long a frame is shown.
WIDTH, MILLISECONDS = 800, 100


def moving_picture(frames: Path, overlays: Path, out: Path) -> int:
    """Write an animated WebP of frames, each beside its overlay.

    Args:
        frames: Folder of images, played in the order of their names.
        overlays: Folder of ``<name of the image>.png``, as ``segda predict`` writes it.
        out: The ``.webp``.

    Returns:
        The number of frames.

    Raises:
        FileNotFoundError: There are no frames, or one has no overlay.
    """
    pairs = []
    for file in sorted(frames.glob('*.png')):
        sides = [
            Image.open(folder / file.name).convert('RGB')
            for folder in (frames, overlays)
        ]
        half = WIDTH // 2, round(WIDTH / 2 * sides[0].height / sides[0].width)
        pair = Image.new('RGB', (WIDTH, half[1]))
        for left, side in zip((0, half[0]), sides, strict=True):
            pair.paste(side.resize(half, Image.LANCZOS), (left, 0))
        pairs.append(pair)
    if not pairs:
        raise FileNotFoundError(f'{frames} holds no .png')
    options = dict(duration=MILLISECONDS, loop=0, quality=60, method=6)
    with atomic_file(out) as unfinished:
        pairs[0].save(
            unfinished,
            format='WEBP',
            save_all=True,
            append_images=pairs[1:],
            **options,
        )
    return len(pairs)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('frames', type=Path, help='folder of images')
    parser.add_argument('overlays', type=Path, help='folder of `segda predict`')
    parser.add_argument('out', type=Path, help='.webp to write')
    args = parser.parse_args(words)
    count = moving_picture(args.frames, args.overlays, args.out)
    print(f'{count} frames: {args.out}, {args.out.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
