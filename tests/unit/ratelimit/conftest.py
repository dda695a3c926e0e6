from __future__ import annotations

import sys
from pathlib import Path

# The model of Discord is shared by the test modules of this folder.
sys.path.insert(0, str(Path(__file__).parent))
