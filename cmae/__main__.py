"""``python -m cmae`` is the command line."""

import sys

from cmae.cli import main

if __name__ == "__main__":
    sys.exit(main())
