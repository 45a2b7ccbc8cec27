"""``python -m segda_cli``, which is what ``torchrun -m segda_cli`` starts."""

import sys

from segda_cli.main import main

sys.exit(main())
