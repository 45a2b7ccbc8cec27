"""Export the network that predicts as a plain MMSegmentation segmentor."""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('config', help='config of the run')
    parser.add_argument('checkpoint', help='a checkpoint of the run')
    parser.add_argument('out', help='.pth to write; the config goes beside it as .py')
    arguments.add_predict_on(parser)
    return arguments.run(parser.parse_args(), job)


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import export_segmentor, load_config

    cfg = load_config(args.config)
    print(*export_segmentor(cfg, args.checkpoint, args.out, args.predict_on), sep='\n')


if __name__ == '__main__':
    sys.exit(main())
