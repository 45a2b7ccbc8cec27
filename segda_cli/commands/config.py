"""List the configs that are shipped, or show where one is and what it says."""

from __future__ import annotations

import argparse

from segda_cli import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'config', nargs='?', help='a file, or a name as any command takes it'
    )
    whole = 'print the whole config, with all that it inherits'
    parser.add_argument('--print', action='store_true', help=whole)
    arguments.add_cfg_options(parser, 'train_cfg.max_epochs=2')


def job(args: argparse.Namespace) -> None:
    from segda_mm.apis import load_config
    from segda_mm.apis.config_files import find_config, shipped_configs

    if args.config is None:
        print(*shipped_configs(), sep='\n')
    elif args.print:
        print(load_config(args.config, args.cfg_options).pretty_text, end='')
    else:
        print(find_config(args.config))
