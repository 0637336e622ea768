"""The script that counts wrong verdicts, with the least that it can be asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "verdicts.py"


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timed
def test_a_model_against_itself_is_not_called_different() -> None:
    arguments = ["--comparisons", "1", "--calibration", "2", "--products", "40", "--seconds", "1"]
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()]
    (itself,) = [row for row in rows if row[0] == "A against A, 1 + 1 fresh processes"]
    same, inconclusive, slower, faster = map(int, itself[2:])
    assert same + inconclusive == 1
    assert slower == faster == 0
