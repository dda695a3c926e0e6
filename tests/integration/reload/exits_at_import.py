"""A module that exits the interpreter on import."""

import sys

sys.exit("not here")
