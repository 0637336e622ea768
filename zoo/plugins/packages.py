"""Install and uninstall distributions in this interpreter's environment, by its own pip or by uv."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence

from zoo.errors import UsageError, ZooError


def run(verb: str, arguments: Sequence[str]) -> None:
    """`pip VERB ARGUMENTS`. No plugin is imported, so this works however broken they are.

    :raises UsageError: if there is neither pip nor uv.
    :raises ZooError: if it failed; it has said why.
    """
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", verb, *arguments]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", verb, "--python", sys.executable, *arguments]
    else:
        raise UsageError(f"there is neither pip nor uv for {sys.executable}; 'python -m ensurepip' brings pip")
    code = subprocess.run(command, check=False).returncode
    if code:
        raise ZooError(f"{'pip' if command[0] == sys.executable else 'uv'} {verb} failed with exit code {code}")
