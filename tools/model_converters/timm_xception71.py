"""Turn a local checkpoint of timm's xception71 into one of Xception71."""

from __future__ import annotations

import argparse
import sys

from segda_cli import arguments


def main() -> int:
    parser = arguments.make_parser(__doc__)
    parser.add_argument('source', help='.safetensors, .pth or .bin file of timm')
    parser.add_argument('out', help='.pth to write: backbone.* and head.fc.*')
    refused = (FileNotFoundError, ValueError)
    return arguments.run(parser.parse_args(), job, refused)


def job(args: argparse.Namespace) -> None:
    from segda_mm.models.backbones.timm_xception71 import convert_timm_xception71

    convert_timm_xception71(args.source, args.out)
    print(args.out)


if __name__ == '__main__':
    sys.exit(main())
