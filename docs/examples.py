"""Run the commands in the `console` blocks of a page and put what they print below them.

    .venv/bin/python docs/examples.py docs/tutorial.md

So that whatever a page shows was printed by the command above it. Run it from the root of the repository, on a machine
that has nothing else to do. A page's commands run one after the other in one scratch folder that holds a link to the
repository's files.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n.*?```", re.DOTALL)


def fill(page: Path) -> None:
    """Run every block of the page anew."""
    path = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PATH": path, "ZOO_HOME": f"{folder}/home", "COLUMNS": "120"}

        def run(block: re.Match[str]) -> str:
            command = block["command"]
            print(f"$ {command}", file=sys.stderr)
            here = ROOT if command.startswith("make ") else folder
            done = subprocess.run(
                command,
                shell=True,
                cwd=here,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            lines = [line.rstrip() for line in done.stdout.replace(folder, "~").splitlines()]
            return "\n".join(["```console", f"$ {command}", *lines, "```"])

        page.write_text(BLOCK.sub(run, page.read_text()))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        fill(Path(name))
