"""Label images with an exported graph, by ONNX Runtime alone.

Needs NumPy, OpenCV and ONNX Runtime; neither PyTorch nor segda_mm, so that this file
and the graph are all that has to be copied. What has to be known about the network
stands in the graph's metadata. Writes one PNG of label ids an image, pixel by pixel as
the image is stored, whatever its EXIF tag of orientation says.
:class:`~segda_mm.apis.Predictor` runs graphs by it as well.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import struct
import sys
from pathlib import Path

import cv2
import numpy as np

#: Lies in a folder that segda_mm or this file wrote, see ``segda_mm/outputs.py``.
WRITTEN = '.written_by_segda'

#: Share of the classes' colours in an overlay.
OPACITY = 0.5


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', help='.onnx that segda export wrote')
    parser.add_argument('images', nargs='+', help='image files')
    parser.add_argument('--out', required=True, metavar='FOLDER')
    overlay = "also write <name>_overlay.png: the image under the classes' colours"
    parser.add_argument('--overlay', action='store_true', help=overlay)
    return parser.parse_args()


class OnnxSegmentor:
    """A graph that ``segda export`` wrote.

    Args:
        file: The graph.

    Attributes:
        metadata: What the graph says of itself: ``classes``, ``palette`` (RGB),
            ``input_size`` (width, height) and more.
        output: ``logits`` or ``labels``.

    Raises:
        ValueError: It is missing, damaged, or does not say what it takes; or ONNX
            Runtime is not installed.
    """

    def __init__(self, file: str | os.PathLike) -> None:
        if not Path(file).is_file():
            raise ValueError(f'there is no graph {file}')
        try:
            onnxruntime = importlib.import_module('onnxruntime')
        except ImportError as error:
            raise ValueError(
                f'{file} needs ONNX Runtime; `pip install onnxruntime` ({error})'
            ) from error
        wanted = ('CUDAExecutionProvider', 'CPUExecutionProvider')
        available = onnxruntime.get_available_providers()
        providers = [name for name in wanted if name in available]
        options = onnxruntime.SessionOptions()
        # Threads that wait would keep those that read and draw from working.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            self.session = onnxruntime.InferenceSession(
                os.fspath(file), options, providers=providers
            )
        # ONNX Runtime has an exception of its own for each kind of damage.
        except Exception as error:
            raise ValueError(f'{file} is no graph that can be run: {error}') from error
        self.metadata = self._read_metadata(file)
        self.output = self.session.get_outputs()[0].name

    def _read_metadata(self, file: str | os.PathLike) -> dict:
        found = self.session.get_modelmeta().custom_metadata_map
        advice = 'export it with segda export'
        if 'segda_mm_version' not in found:
            raise ValueError(
                f'{file} does not say what it takes: another program wrote it. Make '
                f'a checkpoint of the network and {advice}'
            )
        try:
            metadata = {key: json.loads(value) for key, value in found.items()}
            width, height = metadata['input_size']
            shape = tuple(self.session.get_inputs()[0].shape[1:])
            if shape != (3, height, width):
                raise ValueError(
                    f'input_size is {[width, height]}, but it takes {shape}'
                )
            if len(metadata['palette']) != len(metadata['classes']):
                raise ValueError('palette and classes differ in length')
            metadata['align_corners']
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'{file} contradicts itself ({type(error).__name__}: {error}); {advice}'
            ) from error
        return metadata

    def planes(self, picture: np.ndarray) -> np.ndarray:
        """A picture (H, W, 3) uint8 in RGB as the graph takes it, (3, h, w)."""
        size = tuple(self.metadata['input_size'])
        resized = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(resized.transpose(2, 0, 1))

    def run(self, planes: np.ndarray) -> np.ndarray:
        """What the graph says of images (N, 3, h, w) uint8: :attr:`output`."""
        # Some networks can be exported for one image at a time only.
        step = self.session.get_inputs()[0].shape[0]
        step = step if isinstance(step, int) else len(planes)
        parts = [planes[start : start + step] for start in range(0, len(planes), step)]
        run = self.session.run
        return np.concatenate([run([self.output], dict(image=p))[0] for p in parts])

    def labels(self, picture: np.ndarray) -> np.ndarray:
        """Label one picture.

        Args:
            picture: (H, W, 3) uint8 in RGB.

        Returns:
            Label ids, (H, W) uint8. Logits are resized, bilinearly, before the
            largest is taken; labels by taking the nearest.
        """
        output = self.run(self.planes(picture)[None])[0]
        size = picture.shape[:2]
        if self.output == 'labels':
            return cv2.resize(output, size[::-1], interpolation=cv2.INTER_NEAREST)
        logits = _resized(output, size, self.metadata['align_corners'])
        return logits.argmax(0).astype(np.uint8)


def read_picture(file: str | os.PathLike) -> np.ndarray:
    """Read an image as it is stored, whatever its orientation tag says.

    Returns:
        (H, W, 3) uint8 in RGB.

    Raises:
        ValueError: It is missing or no image.
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    content = Path(file).read_bytes() if Path(file).is_file() else b''
    picture = None
    if content:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if picture is None:
        raise ValueError(f'{file} is missing or is no image that OpenCV reads')
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def orientation_of(content: bytes) -> int:
    """EXIF's number, 1 to 8, of how viewers turn a JPEG, PNG or WebP; 1: not at all."""
    exif = re.search(rb'(?s)(?:Exif\0\0|eXIf|EXIF....)(MM\0\*|II\*\0)', content)
    if exif is None:
        return 1
    start, order = exif.start(1), '>' if exif[1] == b'MM\0*' else '<'
    try:
        (first,) = struct.unpack_from(f'{order}I', content, start + 4)
        (count,) = struct.unpack_from(f'{order}H', content, start + first)
        for entry in range(start + first + 2, start + first + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(f'{order}HHIH', content, entry)
            if tag == 0x0112:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        # Cut short.
        pass
    return 1


def upright(picture: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a picture (H, W, ...) as viewers do, by EXIF's number."""
    if orientation >= 5:
        picture = picture.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)


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
    colors[: len(palette)] = palette
    mixed = OPACITY * colors[labels] + (1 - OPACITY) * picture
    return mixed.round().astype(np.uint8)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    """Write a PNG, (H, W) or RGB, that is whole or absent."""
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}.unfinished')
    try:
        unfinished.write_bytes(cv2.imencode('.png', pixels)[1].tobytes())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _require_own(folder: Path, images: list[str], targets: list[Path]) -> None:
    """Refuse to write over what is read, or over what others wrote."""
    if len(set(targets)) < len(targets):
        raise ValueError('two images would write one file; label them in two calls')
    for image in images:
        if Path(image).resolve().parent == folder.resolve():
            raise ValueError(f'{folder} holds {image}, which is read; name another one')
    if not (folder / WRITTEN).is_file():
        for target in filter(os.path.lexists, targets):
            raise ValueError(
                f'{target} is there and was not written by this command; name another '
                'folder'
            )


def main() -> int:
    args = parse_args()
    folder = Path(args.out)
    suffixes = ['.png', '_overlay.png'][: 1 + args.overlay]
    files = [
        [folder / f'{Path(image).stem}{suffix}' for suffix in suffixes]
        for image in args.images
    ]
    try:
        segmentor = OnnxSegmentor(args.model)
        _require_own(folder, args.images, [file for pair in files for file in pair])
        for image, (labels_file, *overlay_file) in zip(args.images, files):
            picture = read_picture(image)
            labels = segmentor.labels(picture)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / WRITTEN).write_text('.\n')
            _write_png(labels_file, labels)
            for file in overlay_file:
                overlay = _overlay(picture, labels, segmentor.metadata['palette'])
                # It shall look like the photo in a viewer.
                overlay = upright(overlay, orientation_of(Path(image).read_bytes()))
                _write_png(file, overlay)
    except (OSError, ValueError) as error:
        print(f'onnx_predict.py: {error}', file=sys.stderr)
        return 2
    print(f'{len(files)} images labelled in {folder}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
