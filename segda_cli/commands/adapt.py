"""Adapt a network to footage without labels, from labelled images to the last step.

`segda adapt my.py` trains on the source and then by the recipe that my.py names; each
step starts from the one before. Interrupted, it goes on where it was. Without a config,
`segda adapt --target drive.mp4` learns from streets that are drawn, and with
`--init net.pth --network NAME` from a trained network alone; `--quick` gives a first
look in minutes.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from segda_cli import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', nargs='?', help='config file of `segda init`')
    target = 'footage, for which a config is written: folders, "globs", lists, videos'
    parser.add_argument('--target', nargs='+', metavar='PLACE', help=target)
    quick = 'a first look in minutes: small images and few steps'
    parser.add_argument('--quick', action='store_true', help=quick)
    arguments.add_trained_network(parser)
    arguments.add_work_dir(parser, 'all steps, one folder each')
    amp = 'mixed precision: float16 on CUDA, bfloat16 on a CPU'
    parser.add_argument('--amp', action='store_true', help=amp)
    arguments.add_cfg_options(parser, 'epochs=2')


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import adapt
    from segda_mm.apis.adapting import table_of
    from segda_mm.apis.config import parse_cfg_options
    from segda_mm.apis.own.files import write_own_config
    from segda_mm.datasets.discovery import VIDEO_SUFFIXES, has_suffix
    from segda_mm.errors import PreflightError

    config = args.config
    if (config is None) == (args.target is None):
        raise PreflightError(
            'name a config, as `segda init` writes it, or footage with --target'
        )
    said = dict(init=args.init, network=args.network, recipe=args.recipe)
    said = {key: value for key, value in said.items() if value is not None}
    if config is not None and said:
        raise PreflightError(
            f'--{next(iter(said))} goes with --target; {config} says it itself'
        )
    if config is not None and args.quick:
        raise PreflightError(
            f'--quick goes with --target; smaller size and epochs in {config} are quick'
        )
    if config is None:
        name = Path(args.target[0]).stem or 'footage'
        config = f'{"quick" if args.quick else "adapt"}_{name}.py'
        # Started again, it goes on.
        if not Path(config).exists():
            write_own_config(config, args.target, **said, quick=args.quick)
            print(f'Wrote {config}')
        _require_said(Path(config), said)
    options = parse_cfg_options(args.cfg_options or ())
    results = adapt(config, options, args.work_dir, args.amp)
    folder = Path(results['network']).parent
    print(f'\n{table_of(results)}\nTable: {folder / "results.md"}')
    print(f'Report: {folder / "report.html"}')
    print(f'Network: {results["steps"][-1]["checkpoint"]}')
    shown, out = 'VIDEO', 'overlay.mp4'
    if args.target is not None:
        shown = shlex.quote(args.target[0])
        out = out if has_suffix(args.target[0], VIDEO_SUFFIXES) else 'overlays'
    print(f'See it: segda predict {results["network"]} {shown} --out {out}')
    if args.quick:
        print(
            'That was a first look: few steps on small images. Next: without --quick.'
        )


def _require_said(config: Path, said: dict[str, str]) -> None:
    """See that a config which was there already is of what is asked for."""
    from segda_mm.apis.config_files import read_config
    from segda_mm.errors import PreflightError

    cfg = read_config(config)
    found = dict(
        init=(cfg.get('init') or {}).get('checkpoint'),
        network=cfg.get('network'),
        recipe=cfg.get('recipe', {}).get('name'),
    )
    for key, value in said.items():
        if found[key] != value:
            raise PreflightError(
                f'{config} is there already, and its {key} is {found[key]}, not '
                f'{value}; change it there, or move the file and '
                f'work_dirs/{config.stem} away'
            )
