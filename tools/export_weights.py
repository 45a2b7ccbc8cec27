"""Write the weights of one network of a checkpoint as .safetensors."""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('checkpoint', help='a checkpoint of a run')
    parser.add_argument('out', help='.safetensors to write')
    parser.add_argument(
        '--network',
        metavar='PREFIX',
        help='what its keys begin with, as teacher_generator.segmentor (asked for '
        'when the checkpoint holds several, with their names; "" is all of it)',
    )
    return arguments.run(parser.parse_args(), job)


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import export_weights

    metadata = export_weights(args.checkpoint, args.out, args.network)
    print(args.out, *(f'{key}: {value}' for key, value in metadata.items()), sep='\n')


if __name__ == '__main__':
    sys.exit(main())
