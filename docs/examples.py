"""Run the commands in the `console` blocks of a page and put what they print below them.

    .venv/bin/python docs/examples.py docs/tutorial.md
    .venv/bin/python docs/examples.py --bin AUTHOR/bin --link elsewhere=OTHER docs/tutorial-plugin.md

So that whatever a page shows was printed by the command above it. Run it from the root of the repository, on a machine
that has nothing else to do. A page's commands run one after the other in one scratch folder.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)```", re.DOTALL)

OF_THE_INDEX = "WARNING: Location 'file:"  # what pip says where packages also come from a folder


@dataclass(frozen=True, slots=True)
class Example:
    """A command, what it printed, standard error too, and how it ended."""

    command: str
    output: str
    exit_code: int


def commands(page: str) -> list[tuple[str, str]]:
    """The commands of a page, and what stands below each."""
    return [(block["command"], block["output"]) for block in BLOCK.finditer(page)]


def run(page: str, bin_folder: Path, links: Mapping[str, Path]) -> Iterator[Example]:
    """Run the commands of a page, one after the other in a scratch folder.

    :param bin_folder: where `zoo` and `pip` are.
    :param links: names in the scratch folder, and what they lead to.
    """
    path = os.pathsep.join([str(bin_folder), os.environ["PATH"]])
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "ZOO_"))
    }
    with tempfile.TemporaryDirectory() as folder:
        environment = {**clean, "PATH": path, "COLUMNS": "120", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        for name, target in links.items():
            (Path(folder) / name).symlink_to(target)
        for command, _ in commands(page):
            place = command.partition("/")[0]  # a linked environment is another machine's: it has a home of its own
            home = f"{folder}/home-{place}" if place in links else f"{folder}/home"
            done = subprocess.run(
                command,
                shell=True,
                cwd=ROOT if command.startswith("make ") else folder,
                env={**environment, "ZOO_HOME": home},
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            lines = [line.rstrip() for line in done.stdout.replace(folder, "~").splitlines()]
            said = [line for line in lines if not line.startswith(OF_THE_INDEX)]
            yield Example(command, "".join(f"{line}\n" for line in said), done.returncode)


def fill(page: Path, bin_folder: Path, links: Mapping[str, Path]) -> None:
    """Run every block of the page anew."""
    text = page.read_text()
    outputs = []
    for example in run(text, bin_folder, links):
        print(f"$ {example.command}", file=sys.stderr)
        outputs.append(f"```console\n$ {example.command}\n{example.output}```")
    filled = iter(outputs)
    page.write_text(BLOCK.sub(lambda _: next(filled), text))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--bin", type=Path, default=ROOT / ".venv" / "bin", metavar="FOLDER", help="where zoo is")
    parser.add_argument("--link", action="append", default=[], metavar="NAME=FOLDER", help="in the scratch folder")
    arguments = parser.parse_args()
    named = {name: Path(target).absolute() for name, _, target in (link.partition("=") for link in arguments.link)}
    for page in arguments.pages:
        fill(page, arguments.bin, named)
