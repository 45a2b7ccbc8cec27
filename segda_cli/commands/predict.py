"""Predict on images, a video or a camera, and write labels, colours or overlays."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from segda_cli import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'weights',
        help='a run folder (its best checkpoint, else the latest), a checkpoint, or '
        'an exported .onnx',
    )
    parser.add_argument(
        'source',
        nargs='+',
        help='an image, folder, glob pattern in quotes, .txt list, several images, a '
        'video, or the number of a camera',
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='PATH',
        help='a video (.mp4, .avi) of the frame rate of the source, or a folder for '
        '<kind>/<name>.png',
    )
    parser.add_argument(
        '--save',
        default='overlay',
        metavar='KINDS',
        help='labels (class ids), colors, overlay, or several with commas '
        '(%(default)s)',
    )
    parser.add_argument(
        '--config', help='config of the checkpoint (the .py that lies beside it)'
    )
    parser.add_argument(
        '--classes',
        metavar='JSON',
        help='file of own names and colours: {"road": [128, 64, 128], ...}',
    )
    parser.add_argument('--batch-size', type=int, default=1, help='(%(default)s)')
    parser.add_argument(
        '--opacity', type=float, default=0.5, help='of an overlay (%(default)s)'
    )
    arguments.add_max_lost_frames(parser)
    parser.add_argument(
        '--tta', action='store_true', help="average over the config's scales and flips"
    )
    parser.add_argument(
        '--window',
        '--slide',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        help='slide windows of this size over the picture',
    )
    parser.add_argument('--device', help='as cpu or cuda:1 (a GPU, if there is one)')
    arguments.add_predict_on(parser)


def job(args: argparse.Namespace) -> None:
    from segda_mm import Predictor
    from segda_mm.errors import DataError, MissingDataError, PreflightError

    classes = None
    if args.classes:
        try:
            classes = json.loads(Path(args.classes).read_text('utf-8'))
        except (OSError, ValueError) as error:
            raise PreflightError(
                f'{args.classes} is no JSON of names and colours: {error}'
            ) from error
    try:
        predict = Predictor(
            args.weights,
            args.config,
            tta=args.tta,
            window=args.window and tuple(args.window),
            classes=classes,
            predict_on=args.predict_on,
            device=args.device,
        )
        count = predict.save(
            args.source,
            args.out,
            args.save.split(','),
            batch_size=args.batch_size,
            opacity=args.opacity,
            max_lost_frames=args.max_lost_frames,
        )
    except (DataError, MissingDataError) as error:
        raise PreflightError(str(error)) from error
    print(f'{count} pictures predicted: {args.out}')
