"""Export the network that predicts: .pth for MMSegmentation alone, or .onnx.

Beside a .pth goes its config; `mmseg.apis.init_model` reads both. With --verify, exits
with 1 where fewer than 99.9 % of the pixels of an image get the same label.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from segda_cli import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config of the run')
    parser.add_argument('checkpoint', help='a checkpoint of the run')
    parser.add_argument('out', help='.pth or .onnx to write')
    arguments.add_predict_on(parser)
    graph = parser.add_argument_group('of an .onnx')
    graph.add_argument(
        '--size',
        type=arguments.size,
        metavar='WxH',
        help="of the images (that of the Resize in the config's test pipeline)",
    )
    graph.add_argument(
        '--with-post-processing',
        action='store_true',
        help='give labels instead of logits, and centers instead of their heatmap',
    )
    graph.add_argument('--opset', type=int, default=17, help='(%(default)s)')
    graph.add_argument(
        '--verify',
        nargs='*',
        metavar='IMAGE',
        help='compare with the model on these images, or on drawn streets',
    )


def job(args: argparse.Namespace) -> int:
    from segda_mm.apis import export, export_onnx, load_config, verify_onnx

    cfg = load_config(args.config)
    if Path(args.out).suffix != '.onnx':
        print(export(cfg, args.checkpoint, args.out, args.predict_on))
        return 0
    metadata = export_onnx(
        cfg,
        args.checkpoint,
        args.out,
        size=args.size,
        post_processing=args.with_post_processing,
        opset=args.opset,
        predict_on=args.predict_on,
    )
    _print(args.out, metadata)
    if args.verify is None:
        return 0
    found = verify_onnx(cfg, args.checkpoint, args.out, args.verify, args.predict_on)
    _print(None, found)
    if found['passed']:
        return 0
    print('segda export: the graph does not predict as the model', file=sys.stderr)
    return 1


def _print(title: str | None, figures: dict) -> None:
    lines = [f'{key}: {value}' for key, value in figures.items()]
    print(*([title] if title else []), *lines, sep='\n')
