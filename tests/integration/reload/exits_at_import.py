"""A module that does at import what a module should not."""

import sys

sys.exit("not here")
