"""`segda check` by the name that it has in a clone: the same flags."""

import sys

from segda_cli.main import main

if __name__ == '__main__':
    sys.exit(main(['check', *sys.argv[1:]]))
