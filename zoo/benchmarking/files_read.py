"""On which files the outcome of a process depends: what it has read so far, and the code that it has loaded."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo import index
from zoo.plugins.record import MAX_FILES
from zoo.references import below

VOLATILE = ("/proc/", "/sys/", "/dev/")
SITES = ("site-packages", "dist-packages")  # such a folder changes whenever something is installed
WRITING = os.O_WRONLY | os.O_RDWR


class FilesRead:
    """Notes each file that Python code opens to read, and each folder that it lists, from now on.

    The import system's own reading is left out: the modules that it loads are known anyway.

    :param started_ns: when the process started, by `time.time_ns`, or before.
    :param own: folders that are made for this process alone.
    """

    def __init__(self, started_ns: int, own: Sequence[Path]) -> None:
        self.started_ns = started_ns
        self.passed_over = (*VOLATILE, *(f"{folder.resolve()}{os.sep}" for folder in own))
        self.read: dict[str, int] = {}
        sys.addaudithook(self._audit)

    def states(self, package: str) -> list[tuple[str, str]] | None:
        """The state of each file and folder that the outcome depends on, with its path.

        :param package: whose files all count, whether they were read or not.
        :return: None where it isn't certain that the files are still as they were when they were read.
        """
        since = dict.fromkeys((*_loaded(), *_sites(), *(own := _below(package))), self.started_ns)
        if not own or len(own) > MAX_FILES:
            return None
        for path, when_ns in self.read.items():
            for name in (path, os.path.realpath(path)):  # a link may come to lead elsewhere
                if not f"{name}{os.sep}".startswith(self.passed_over):
                    since.setdefault(name, when_ns)
        found = []
        for path, since_ns in since.items():
            state = index.state(path)
            if state == "-" or not index.settled([(state, path)], since_ns):
                return None
            found.append((state, path))
        return found

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.listdir", "os.scandir"):
            return
        path = arguments[0] if arguments else None
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if writes or not isinstance(path, (str, bytes, os.PathLike)):
            return
        if sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
            return
        self.read.setdefault(os.path.abspath(os.fsdecode(path)), time.time_ns())


def hold(states: list[tuple[str, str]]) -> bool:
    """Whether each of these files is still in its state."""
    return all(index.state(path) == before for before, path in states)


def _loaded() -> list[str]:
    """The files of all modules."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return [os.path.abspath(file) for file in files if isinstance(file, str)]


def _sites() -> list[str]:
    return [folder for folder in sys.path if os.path.basename(folder) in SITES]


def _below(package: str) -> list[str]:
    """The files and folders of a package that is loaded, without what Python has compiled; of a module its file."""
    module = sys.modules.get(package)
    found = [file] if isinstance(file := getattr(module, "__file__", None), str) else []
    return list(dict.fromkeys(map(os.path.abspath, [*found, *below(getattr(module, "__path__", ()))])))
