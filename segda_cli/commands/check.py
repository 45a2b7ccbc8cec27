"""Check a config: its data sets, file by file, and a step of its training.

Looks for missing pairs, unreadable files, sizes that differ and unknown ids, and
shows how often each class occurs. Where all is well, a step of training and one of
validation are tried. Exits with 1 when there are problems.
"""

from __future__ import annotations

import argparse

from segda_cli import arguments

SPLITS = ('train', 'target', 'val', 'test')

REFUSED = (ValueError,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--split', choices=(*SPLITS, 'all'), default='all', help='(%(default)s)'
    )
    parser.add_argument(
        '--write-exclude',
        metavar='FILE',
        help='write the names of samples with problems, for exclude= of the data set',
    )
    workers = 'processes; 0 is none but this one (%(default)s)'
    parser.add_argument('--workers', type=int, default=2, help=workers)
    arguments.add_cfg_options(parser, 'train_dataloader.dataset.data_root=data/x')


def job(args: argparse.Namespace) -> int:
    from segda_mm.apis import load_config
    from segda_mm.apis.checks.preflight import require_model
    from segda_mm.apis.training import try_steps
    from segda_mm.datasets.data_check import check_data, format_report, write_exclude

    splits = SPLITS if args.split == 'all' else (args.split,)
    cfg = load_config(args.config, args.cfg_options)
    if '_settings' in cfg:
        # A plan about own data: its data are those of a pair, or of the target.
        cfg = load_config(args.config, args.cfg_options, recipe='mean_teacher')
    if 'model' in cfg:
        require_model(cfg)
    reports = check_data(cfg, splits, args.workers, arguments.progress_printer())
    for report in reports:
        print(format_report(report), end='\n\n')
    if args.write_exclude:
        count = write_exclude(args.write_exclude, reports)
        print(f'{args.write_exclude} names {count} images')
    problems = sum(len(report.problems) for report in reports)
    print(f'{problems} problems in {len(reports)} data sets')
    if problems:
        return 1
    if args.split == 'all' and 'model' in cfg and cfg.get('train_cfg'):
        try_steps(cfg)
        print('a step of training and validation went well')
    return 0
