"""``python -m gantutor`` is the command ``gantutor``."""

import sys

from gantutor.cli import main

if __name__ == "__main__":
    sys.exit(main())
