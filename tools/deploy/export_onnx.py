"""Export the network that predicts as ONNX, and compare both.

With --verify, exits with 1 where fewer than 99.9 % of the pixels of an image get
the same label.
"""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('config', help='config of the run')
    parser.add_argument('checkpoint', help='a checkpoint of the run')
    parser.add_argument('out', help='.onnx to write')
    parser.add_argument(
        '--size',
        type=arguments.size,
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
    return arguments.run(parser.parse_args(), job)


def job(args: argparse.Namespace) -> int:
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
    print(args.out, *(f'{key}: {value}' for key, value in metadata.items()), sep='\n')
    if args.verify is None:
        return 0
    found = verify_onnx(cfg, args.checkpoint, args.out, args.verify, args.predict_on)
    print(*(f'{key}: {value}' for key, value in found.items()), sep='\n')
    if found['passed']:
        return 0
    message = f'{args.out} does not predict what the model predicts'
    print(f'export_onnx.py: {message}', file=sys.stderr)
    return 1


if __name__ == '__main__':
    sys.exit(main())
