"""Export the network that predicts as a plain MMSegmentation segmentor."""

from __future__ import annotations

import argparse
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config of the run')
    parser.add_argument('checkpoint', help='a checkpoint of the run')
    parser.add_argument('out', help='.pth to write; the config goes beside it as .py')
    parser.add_argument(
        '--predict-on',
        choices=['student', 'teacher'],
        help='which network of Meta Pseudo Labels (what the config says)',
    )
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.apis import PreflightError, export_segmentor, load_config

    try:
        cfg = load_config(args.config)
        files = export_segmentor(cfg, args.checkpoint, args.out, args.predict_on)
    except PreflightError as error:
        print(f'export_segmentor.py: {error}', file=sys.stderr)
        return 2
    print(*files, sep='\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
