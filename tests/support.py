"""Types that the tests share."""

from __future__ import annotations

import subprocess
from typing import Protocol


class Zoo(Protocol):
    """Runs the installed command as a user does."""

    def __call__(self, *arguments: str, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess[str]: ...
