"""The scripts for machines with a GPU import each other by name, as they do when they are run."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "benchmarks" / "gpu"

if str(SCRIPTS) not in sys.path:
    sys.path.append(str(SCRIPTS))
