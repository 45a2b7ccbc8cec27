"""Export the network that predicts as a plain MMSegmentation segmentor."""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def parse_args() -> argparse.Namespace:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('config', help='config of the run')
    parser.add_argument('checkpoint', help='a checkpoint of the run')
    parser.add_argument('out', help='.pth to write; the config goes beside it as .py')
    arguments.add_predict_on(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()

    def job() -> None:
        from segda_mm.apis import export_segmentor, load_config

        cfg = load_config(args.config)
        files = export_segmentor(cfg, args.checkpoint, args.out, args.predict_on)
        print(*files, sep='\n')

    return arguments.run(args, job)


if __name__ == '__main__':
    sys.exit(main())
