"""Make an exported graph compute in 8-bit integers."""

from __future__ import annotations

import argparse

REFUSED = (ValueError,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('model', help='.onnx that `segda export` wrote')
    parser.add_argument('out', help='.onnx to write')
    parser.add_argument(
        '--images',
        nargs='+',
        required=True,
        metavar='IMAGE',
        help='images of the kind the network will see, for the ranges of its values',
    )
    parser.add_argument(
        '--keep',
        nargs='+',
        default=(),
        metavar='NAME',
        help='parts of names of nodes that stay in float32, where too much is lost',
    )


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import quantize_onnx
    from segda_mm.inference.onnx_predict import OnnxSegmentor, read_picture

    # The images have to arrive as they will when the graph is used.
    segmentor = OnnxSegmentor(args.model)
    batches = (segmentor.planes(read_picture(image))[None] for image in args.images)
    quantize_onnx(args.model, args.out, batches, args.keep)
    print(args.out)
