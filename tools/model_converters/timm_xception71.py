"""Turn a local checkpoint of timm's xception71 into one of Xception71."""

from __future__ import annotations

import argparse
import sys


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='.safetensors, .pth or .bin file of timm')
    parser.add_argument('out', help='.pth to write: backbone.* and head.fc.*')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    # Heavy imports wait until the arguments are known to be good.
    from segda_mm.dependencies import require_dependencies

    require_dependencies()
    from segda_mm.models.backbones.timm_xception71 import convert_timm_xception71

    try:
        convert_timm_xception71(args.source, args.out)
    except (FileNotFoundError, ValueError) as error:
        print(f'timm_xception71.py: {error}', file=sys.stderr)
        return 2
    print(args.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
