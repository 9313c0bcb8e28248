"""`python -m akid_core` is the program `akid`."""

import sys

from akid_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
