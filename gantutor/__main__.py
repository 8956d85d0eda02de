"""``python -m gantutor`` runs the command line."""

import sys

from gantutor.cli import main

if __name__ == "__main__":
    sys.exit(main())
