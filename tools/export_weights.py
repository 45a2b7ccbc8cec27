"""Write the weights of one network of a checkpoint as .safetensors."""

from __future__ import annotations

import argparse
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', help='a checkpoint of a run')
    parser.add_argument('out', help='.safetensors to write')
    parser.add_argument(
        '--network',
        metavar='PREFIX',
        help='what its keys begin with, as teacher_generator.segmentor (asked for '
        'when the checkpoint holds several, with their names; "" is all of it)',
    )
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.apis import PreflightError, export_weights

    try:
        metadata = export_weights(args.checkpoint, args.out, args.network)
    except PreflightError as error:
        print(f'export_weights.py: {error}', file=sys.stderr)
        return 2
    print(args.out, *(f'{key}: {value}' for key, value in metadata.items()), sep='\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
