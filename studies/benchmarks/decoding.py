"""Time the decoding of an image of Cityscapes' size by several libraries.

The picture is docs/images/minicity.png, enlarged and with noise, so that it costs as
much as a photograph; bytes are in the memory. OpenCV is what MMCV reads images with;
`kept` are the pixels that `cache` of LoadImageFromFile has on the disk, with their
checksum, which is computed. imagecodecs and simplejpeg are measured where they are installed.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import torch
import torchvision.io
from PIL import Image
from timing import parser_for, report, time_ways, timed_lines

from segda_mm.datasets.formats.decoded_images import DecodedImages
from studies.records import ROOT, provenance

SIZE = 2048, 1024


def picture() -> np.ndarray:
    """An image (1024, 2048, 3), uint8, BGR."""
    small = cv2.imread(str(ROOT / 'docs/images/minicity.png'))
    large = cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 4, large.shape)
    return np.clip(large + noise, 0, 255).astype(np.uint8)


def optional(name: str) -> ModuleType | None:
    """A library, or None where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


def ways(data: bytes, kind: str) -> dict[str, Callable[[], np.ndarray]]:
    """Library -> from the bytes of a file to an array (H, W, 3), BGR."""

    def torchvision_array() -> np.ndarray:
        values = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        image = torchvision.io.decode_image(values)
        return image.flip(0).permute(1, 2, 0).contiguous().numpy()

    found: dict[str, Callable[[], np.ndarray]] = {
        'OpenCV': lambda: cv2.imdecode(np.frombuffer(data, np.uint8), 1),
        'Pillow': lambda: np.asarray(Image.open(io.BytesIO(data)))[..., ::-1].copy(),
        'torchvision': torchvision_array,
    }
    if (imagecodecs := optional('imagecodecs')) is not None:
        decode = imagecodecs.png_decode if kind == 'png' else imagecodecs.jpeg8_decode
        found['imagecodecs'] = lambda: decode(data)[..., ::-1].copy()
    simplejpeg = optional('simplejpeg')
    if simplejpeg is not None and kind == 'jpg':
        found['simplejpeg'] = lambda: simplejpeg.decode_jpeg(data, 'BGR')
    return found


def main() -> None:
    args = parser_for(__doc__, repeats=15).parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    image, lines = picture(), []
    for kind, options in (('png', []), ('jpg', [cv2.IMWRITE_JPEG_QUALITY, 92])):
        data = cv2.imencode(f'.{kind}', image, options)[1].tobytes()
        with tempfile.TemporaryDirectory() as folder:
            kept = DecodedImages(folder)
            file = Path(folder, 'image.npy')
            kept.write(file, image)
            found = dict(ways(data, kind), kept=partial(kept.read, file))
            timings = time_ways(found, args.repeats, clock=args.clock)
        lines += timed_lines(f'decoding, {kind}', '2048x1024', timings)
    report('decoding', lines, origin, args.out)


if __name__ == '__main__':
    main()
