"""Make an exported graph compute in 8-bit integers."""

from __future__ import annotations

import argparse
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', help='.onnx that tools/deploy/export_onnx.py wrote')
    parser.add_argument('out', help='.onnx to write')
    parser.add_argument(
        '--images',
        nargs='+',
        required=True,
        metavar='IMAGE',
        help='images of the kind the network will see, to take the ranges of its '
        'values from; labels are not needed',
    )
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from onnx_predict import OnnxSegmentor

    from segda_mm.apis import PreflightError, quantize_onnx
    from segda_mm.errors import FileNotWrittenError

    try:
        # The images have to arrive as they will when the graph is used.
        segmentor = OnnxSegmentor(args.model)
        batches = (segmentor.read(image)[1] for image in args.images)
        quantize_onnx(args.model, args.out, batches)
    except (FileNotWrittenError, PreflightError, ValueError) as error:
        print(f'quantize_onnx.py: {error}', file=sys.stderr)
        return 2
    print(args.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
