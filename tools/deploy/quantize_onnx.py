"""Make an exported graph compute in 8-bit integers."""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('model', help='.onnx that tools/deploy/export_onnx.py wrote')
    parser.add_argument('out', help='.onnx to write')
    parser.add_argument(
        '--images',
        nargs='+',
        required=True,
        metavar='IMAGE',
        help='images of the kind the network will see, for the ranges of its values',
    )
    return arguments.run(parser.parse_args(), job, refused=(ValueError,))


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import quantize_onnx
    from segda_mm.inference.onnx_predict import OnnxSegmentor, read_picture

    # The images have to arrive as they will when the graph is used.
    segmentor = OnnxSegmentor(args.model)
    batches = (segmentor.planes(read_picture(image))[None] for image in args.images)
    quantize_onnx(args.model, args.out, batches)
    print(args.out)


if __name__ == '__main__':
    sys.exit(main())
