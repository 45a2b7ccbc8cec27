"""Export the network that predicts as ONNX, and compare both.

With --verify, exits with 1 where fewer than 99.9 % of the pixels of an image get
the same label.
"""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def parse_args() -> argparse.Namespace:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('config', help='config of the run')
    parser.add_argument('checkpoint', help='a checkpoint of the run')
    parser.add_argument('out', help='.onnx to write')
    parser.add_argument(
        '--size',
        type=_size,
        metavar='WxH',
        help="of the images (that of the Resize in the config's test pipeline)",
    )
    parser.add_argument(
        '--with-post-processing',
        action='store_true',
        help='give labels instead of logits, and of a panoptic model the centers of '
        'instances instead of their heatmap',
    )
    parser.add_argument('--opset', type=int, default=17, help='(%(default)s)')
    arguments.add_predict_on(parser)
    parser.add_argument(
        '--verify',
        nargs='*',
        metavar='IMAGE',
        help='compare with the model on these images, or without any on streets of '
        'the miniature world',
    )
    return parser.parse_args()


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition('x')
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f'{text!r} is not as 1024x512')
    return int(width), int(height)


def main() -> int:
    args = parse_args()

    def job() -> int:
        from segda_mm.apis import export_onnx, load_config, verify_onnx

        cfg = load_config(args.config)
        metadata = export_onnx(
            cfg,
            args.checkpoint,
            args.out,
            size=args.size,
            post_processing=args.with_post_processing,
            opset=args.opset,
            predict_on=args.predict_on,
        )
        print(args.out)
        print(*(f'{key}: {value}' for key, value in metadata.items()), sep='\n')
        if args.verify is None:
            return 0
        found = verify_onnx(
            cfg, args.checkpoint, args.out, args.verify, args.predict_on
        )
        print(*(f'{key}: {value}' for key, value in found.items()), sep='\n')
        if found['passed']:
            return 0
        print(
            f'export_onnx.py: {args.out} does not predict what the model predicts',
            file=sys.stderr,
        )
        return 1

    return arguments.run(args, job)


if __name__ == '__main__':
    sys.exit(main())
