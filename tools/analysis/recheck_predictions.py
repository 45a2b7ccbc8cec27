"""Recompute the figures of an evaluation from its prediction files.

Another library (torchmetrics) counts and divides. With --metrics the reported
figures stand beside the recomputed ones, and the exit status is 1 if any two of them
differ by more than rounding explains.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config that was evaluated')
    parser.add_argument('predictions', help='folder that tools/test.py --out wrote')
    parser.add_argument(
        '--metrics',
        metavar='JSON',
        type=Path,
        help='<checkpoint>_metrics.json that tools/test.py wrote in the same run',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help='override config entries, as test_dataloader.dataset.data_root=data/mine',
    )
    return parser.parse_args()


def percent(value: float | None, decimals: int) -> str:
    """A figure as text; of a class that is nowhere, a dash."""
    return '-' if value is None else f'{value:.{decimals}f}'


def main() -> int:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.apis import PreflightError, load_config
    from segda_mm.apis.checks import require_data
    from segda_mm.evaluation.recheck import (
        MEANS,
        compare_figures,
        recheck_predictions,
    )

    try:
        cfg = load_config(args.config, args.cfg_options)
        require_data(cfg, ('test_dataloader',))
        recomputed = recheck_predictions(args.predictions, cfg.test_dataloader.dataset)
        if args.metrics is None:
            for name in MEANS:
                print(f'{name:24}{percent(recomputed[name], 4):>12}')
            for name, value in recomputed['per_class_iou'].items():
                print(f'{"IoU." + name:24}{percent(value, 4):>12}')
            return 0
        figures = compare_figures(recomputed, json.loads(args.metrics.read_text()))
    except (PreflightError, ImportError, OSError, ValueError) as error:
        print(f'recheck_predictions.py: {error}', file=sys.stderr)
        return 2
    print(f'{"figure":24}{"reported":>12}{"recomputed":>12}')
    for figure in figures:
        print(
            f'{figure.name:24}{percent(figure.reported, 2):>12}'
            f'{percent(figure.recomputed, 4):>12}'
            f'{"" if figure.agrees else "  differs"}'
        )
    different = sum(not figure.agrees for figure in figures)
    print(
        f'{different} of {len(figures)} figures differ, '
        f'{recomputed["num_images"]} images'
    )
    return 1 if different else 0


if __name__ == '__main__':
    sys.exit(main())
