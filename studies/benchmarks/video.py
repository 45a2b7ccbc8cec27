"""Time `segda predict` from video to video, and each of its stages alone.

A graph of ONNX Runtime in 8-bit integers, of random weights unless one is given, sees a
drive through a drawn street, in the pictures' own size. The stages are decoding (with
resizing for the network), the network, colouring and encoding; the bound of the whole
is the slowest of them alone, with all cores to itself. Where cores are fewer than
stages, there is another bound: the processor's time of all stages, shared out among the
cores (`cores_bound_ms`). Times are of one frame, by the clock that is asked for, and
`processor_ms`.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from timing import parser_for, report, time_ways

from segda_mm.apis import Predictor, export_onnx, load_config, quantize_onnx
from segda_mm.inference.frames import Frame
from segda_mm.inference.sources import open_source
from segda_mm.minicity import render_frame
from segda_mm.registry import MODELS
from studies.records import ROOT, provenance

CONFIG = 'configs/supervised/supervised_bisenetv1-lite0_minicity-gta5-128x256.py'
#: Frames that are drawn; a video goes through them forwards and backwards.
DRAWN = 12
STAGES = ('decoding', 'network', 'colouring', 'encoding')


def draw_video(file: Path, size: tuple[int, int], num_frames: int) -> None:
    """Write a drive through a street, (width, height)."""
    drawn = [render_frame('real', 0, 0, size, step=k).image for k in range(DRAWN)]
    writer = open_writer(file, size)
    there_and_back = itertools.cycle([*drawn, *drawn[-2:0:-1]])
    for image in itertools.islice(there_and_back, num_frames):
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()


def open_writer(file: Path, size: tuple[int, int]) -> cv2.VideoWriter:
    """A writer of the codec that `segda predict` takes for an mp4."""
    return cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*'mp4v'), 17.0, size)


def make_graph(config: str, folder: Path, size: tuple[int, int]) -> Path:
    """A graph in 8-bit integers of a config's network with random weights."""
    cfg = load_config(ROOT / config)
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    weights = MODELS.build(cfg.model).state_dict()
    checkpoint, whole, graph = (
        folder / name for name in ('random.pth', 'fp32.onnx', 'int8.onnx')
    )
    torch.save(dict(state_dict=weights), checkpoint)
    export_onnx(cfg, checkpoint, whole, size=size)
    shape = (2, 1, 3, *size[::-1])
    images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    quantize_onnx(whole, graph, images)
    return graph


def stages_and_whole(
    predictor: Predictor, video: Path, folder: Path
) -> dict[str, Callable[[], object]]:
    """Each stage of a video alone, and what overlaps them."""
    network = predictor._network
    pictures = [picture.image for picture in open_source(video).pictures()]
    prepared = [network.prepare(picture)[1] for picture in pictures]
    size = pictures[0].shape[:2]
    ((labels, _),) = network.predict(prepared[:1], [size], False)
    frames = [
        Frame(picture, labels, None, '', None, 0, None, predictor.palette)
        for picture in pictures
    ]

    def decode() -> None:
        for picture in open_source(video).pictures():
            network.prepare(picture.image)

    def predict() -> None:
        for given in prepared:
            network.predict([given], [size], False)

    def color() -> list[np.ndarray]:
        return [cv2.cvtColor(f.overlay(), cv2.COLOR_RGB2BGR) for f in frames]

    drawn = color()

    def encode() -> None:
        writer = open_writer(folder / 'encoded.mp4', size[::-1])
        for picture in drawn:
            writer.write(picture)
        writer.release()

    ways = dict(zip(STAGES, (decode, predict, color, encode)))
    return {**ways, 'whole': lambda: predictor.save(video, folder / 'whole.mp4')}


def measure(
    config: str,
    graph: Path | None,
    size: str,
    num_frames: int,
    repeats: int,
    clock: str,
) -> list[dict]:
    """The lines of one size, WxH."""
    width, height = map(int, size.split('x'))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        graph = graph or make_graph(config, folder, (width, height))
        video = folder / 'drive.mp4'
        draw_video(video, (width, height), num_frames)
        ways = stages_and_whole(Predictor(graph), video, folder)
        processor = time_ways(ways, repeats, 1, 'cpu')
        asked = processor if clock == 'cpu' else time_ways(ways, repeats, 0, clock)
    lines = [
        dict(
            path=f'video, {name}',
            size=size + (", processor's time" if clock == 'cpu' else ''),
            ms=round(asked[name]['ms'] / num_frames, 2),
            quartiles=[round(x / num_frames, 2) for x in asked[name]['quartiles']],
            processor_ms=round(processor[name]['ms'] / num_frames, 2),
        )
        for name in ways
    ]
    *stages, whole = lines
    whole['bound_ms'] = max(line['ms'] for line in stages)
    of_stages = sum(line['processor_ms'] for line in stages)
    whole['cores_bound_ms'] = round(of_stages / len(os.sched_getaffinity(0)), 2)
    if clock == 'wall':
        whole['fps'] = round(1000 / whole['ms'], 1)
    return lines


def main() -> None:
    parser = parser_for(__doc__, repeats=5)
    parser.add_argument('--config', default=CONFIG, help='(BiSeNet-Lite0)')
    parser.add_argument('--graph', type=Path, help='.onnx in its place')
    parser.add_argument('--frames', type=int, default=60, help='of the video')
    parser.add_argument('--sizes', nargs='+', default=['512x256', '640x360'])
    args = parser.parse_args()
    origin = provenance()
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.set_num_threads(args.threads)
    for size in args.sizes:
        lines = measure(
            args.config, args.graph, size, args.frames, args.repeats, args.clock
        )
        report('video', lines, origin, args.out, clock=args.clock)
        whole = lines[-1]
        print(f'    all cores busy: {whole["cores_bound_ms"]} ms', end='')
        print(f', {whole["fps"]} fps' if 'fps' in whole else '', flush=True)


if __name__ == '__main__':
    main()
