"""Fetch ImageNet weights, list them, or convert a checkpoint.

Without a name, tells where each published file is kept or belongs: the folder that
SEGDA_WEIGHTS names, else that of torch. With --convert, writes the weights of one
network alone; IN may be a file of MMEngine's Runner or of a model zoo, of which no
code is run.
"""

from __future__ import annotations

import argparse

REFUSED = (OSError, ValueError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = 'fetch these, as resnet18; all of them: `all`'
    parser.add_argument('names', nargs='*', metavar='NAME', help=names)
    parser.add_argument('--list', action='store_true', help='the same as no name')
    parser.add_argument(
        '--convert',
        nargs=2,
        metavar=('IN', 'OUT'),
        help='a checkpoint, and the .safetensors or .pth to write',
    )
    parser.add_argument(
        '--network',
        metavar='PREFIX',
        help='what its keys begin with, as teacher_generator.segmentor; "" is all',
    )
    layout = "IN is timm's checkpoint of this network"
    parser.add_argument('--layout', choices=['timm_xception71'], help=layout)


def job(args: argparse.Namespace) -> None:
    if args.convert:
        _convert(args)
        return
    from segda_mm.models.checkpoints import (
        cached_file,
        local_checkpoint,
        parse_checkpoint_source,
    )
    from segda_mm.models.published_weights import PUBLISHED_WEIGHTS

    unknown = set(args.names) - PUBLISHED_WEIGHTS.keys() - {'all'}
    if unknown:
        raise ValueError(
            f'there are no weights {", ".join(sorted(unknown))}; there are '
            f'{", ".join(PUBLISHED_WEIGHTS)}'
        )
    if args.names and not args.list:
        for name in PUBLISHED_WEIGHTS if 'all' in args.names else args.names:
            print(local_checkpoint(PUBLISHED_WEIGHTS[name]))
        return
    for name, source in PUBLISHED_WEIGHTS.items():
        place = parse_checkpoint_source(source)
        file = cached_file(place)
        print(
            f'{name}: {"here" if file.is_file() else "not fetched yet"}',
            f'  file    {file}',
            f'  url     {place.url}',
            f'  sha256  {place.sha256}',
            sep='\n',
        )


def _convert(args: argparse.Namespace) -> None:
    from segda_mm.apis import export_weights
    from segda_mm.models.backbones.timm_xception71 import convert_timm_xception71

    source, out = args.convert
    if args.layout:
        convert_timm_xception71(source, out)
        metadata: dict = {}
    else:
        metadata = export_weights(source, out, args.network, foreign=True)
    print(out, *(f'{key}: {value}' for key, value in metadata.items()), sep='\n')
