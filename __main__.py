"""`python -m limitlab` is the command `limitlab`."""

import sys

from limitlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
