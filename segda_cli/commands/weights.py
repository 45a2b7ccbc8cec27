"""Turn a checkpoint into one that this project, MMSegmentation and others read.

The weights of one network alone, as .safetensors or as a .pth of plain tensors.
"""

from __future__ import annotations

import argparse

REFUSED = (FileNotFoundError, ValueError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--convert',
        nargs=2,
        required=True,
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
    from segda_mm.apis import export_weights
    from segda_mm.models.backbones.timm_xception71 import convert_timm_xception71

    source, out = args.convert
    if args.layout:
        convert_timm_xception71(source, out)
        metadata: dict = {}
    else:
        metadata = export_weights(source, out, args.network)
    print(out, *(f'{key}: {value}' for key, value in metadata.items()), sep='\n')
