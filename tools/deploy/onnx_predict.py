"""Label images with an exported graph, by ONNX Runtime alone.

Needs NumPy, OpenCV and ONNX Runtime; neither PyTorch nor segda_mm, so that this file
and the graph are all that has to be copied. Writes one PNG of label ids an image.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

#: Share of the classes' colours in an overlay.
OPACITY = 0.5


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', help='.onnx that tools/deploy/export_onnx.py wrote')
    parser.add_argument('images', nargs='+', help='image files')
    parser.add_argument('--out', required=True, metavar='FOLDER')
    overlay = "also write <name>_overlay.png: the image under the classes' colours"
    parser.add_argument('--overlay', action='store_true', help=overlay)
    return parser.parse_args()


class OnnxSegmentor:
    """A graph that ``tools/deploy/export_onnx.py`` wrote."""

    def __init__(self, file: str | os.PathLike) -> None:
        wanted = ('CUDAExecutionProvider', 'CPUExecutionProvider')
        available = onnxruntime.get_available_providers()
        providers = [name for name in wanted if name in available]
        try:
            self.session = onnxruntime.InferenceSession(
                os.fspath(file), providers=providers
            )
        # ONNX Runtime has an exception of its own for each kind of damage.
        except Exception as error:
            raise ValueError(f'{file} is no graph that can be run: {error}') from error
        found = self.session.get_modelmeta().custom_metadata_map
        if 'segda_mm_version' not in found:
            raise ValueError(
                f'{file} does not say what it takes; export it with '
                'tools/deploy/export_onnx.py'
            )
        self.metadata = {key: json.loads(value) for key, value in found.items()}
        self.output = self.session.get_outputs()[0].name

    def read(self, file: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
        """Read an image, (H, W, 3) in BGR, and as the graph takes it, (1, 3, h, w)."""
        picture = cv2.imread(os.fspath(file), cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f'{file} is missing or is no image that OpenCV reads')
        size = tuple(self.metadata['input_size'])
        resized = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        planes = resized[..., ::-1].transpose(2, 0, 1)
        return picture, np.ascontiguousarray(planes[None])

    def labels(self, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Label ids (H, W) uint8 of an image (1, 3, h, w).

        Logits are resized to ``size``, (H, W), before the largest is taken; labels by
        taking the nearest.
        """
        (output,) = self.session.run([self.output], dict(image=image))
        if self.output == 'labels':
            return cv2.resize(output[0], size[::-1], interpolation=cv2.INTER_NEAREST)
        logits = _resized(output[0], size, self.metadata['align_corners'])
        return logits.argmax(0).astype(np.uint8)


def _resized(
    maps: np.ndarray, size: tuple[int, int], align_corners: bool
) -> np.ndarray:
    """Maps (C, h, w) at another size (H, W), as the model itself resizes them."""
    for axis, length in zip((1, 2), size):
        old = maps.shape[axis]
        if length == old:
            continue
        places = np.arange(length, dtype=np.float32)
        if align_corners:
            places *= np.float32((old - 1) / max(length - 1, 1))
        else:
            places = np.maximum((places + 0.5) * np.float32(old / length) - 0.5, 0)
        before = places.astype(np.int64)
        after = np.minimum(before + 1, old - 1)
        weights = places - before.astype(np.float32)
        weights = weights.reshape([-1 if i == axis else 1 for i in range(3)])
        first, second = maps.take(before, axis), maps.take(after, axis)
        maps = first * (1 - weights) + second * weights
    return maps


def _overlay(picture: np.ndarray, labels: np.ndarray, palette: list) -> np.ndarray:
    colors = np.zeros((256, 3), np.float32)
    colors[: len(palette)] = np.array(palette)[:, ::-1]
    mixed = OPACITY * colors[labels] + (1 - OPACITY) * picture
    return mixed.round().astype(np.uint8)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    """Write a PNG that is whole or absent."""
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}.unfinished')
    try:
        unfinished.write_bytes(cv2.imencode('.png', pixels)[1].tobytes())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def main() -> int:
    args = parse_args()
    stems = [Path(image).stem for image in args.images]
    try:
        if len(set(stems)) < len(stems):
            raise ValueError('two images have one name; label them in two calls')
        segmentor = OnnxSegmentor(args.model)
        folder = Path(args.out)
        folder.mkdir(parents=True, exist_ok=True)
        for image, stem in zip(args.images, stems):
            picture, planes = segmentor.read(image)
            labels = segmentor.labels(planes, picture.shape[:2])
            _write_png(folder / f'{stem}.png', labels)
            if args.overlay:
                overlay = _overlay(picture, labels, segmentor.metadata['palette'])
                _write_png(folder / f'{stem}_overlay.png', overlay)
    except (OSError, ValueError) as error:
        print(f'onnx_predict.py: {error}', file=sys.stderr)
        return 2
    print(f'{len(stems)} images labelled in {folder}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
