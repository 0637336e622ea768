"""On what it depends what a plugin declares: the files and modules that it asks for, as an audit hook sees them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from types import FrameType
from typing import Any

from zoo.findings import Finding

HEAVY = ("tensorflow", "keras", "jax", "torch")
NOT_FOLLOWED = frozenset({*HEAVY, "jaxlib", "numpy", "zoo"})  # whose files don't count
STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep
VOLATILE = ("/proc/", "/sys/", "/dev/")


class Dependencies:
    """Sees what a plugin reads in this process, from when `watching` is set.

    Attributes:
        opened: the files that the plugin's own code has opened, and the folders that it has listed.
        asked: the modules that the plugin's own code has asked for.
        heavy: the frameworks that were imported, and the plugin's line that caused it.
        events: what is called with the arguments of an audit event, by its name.
    """

    def __init__(self, reference: str) -> None:
        self.reference = reference
        self.package = reference.partition(":")[0].partition(".")[0]
        self.path = [folder.rstrip(os.sep) + os.sep for folder in sys.path if folder]
        self.opened: dict[str, None] = {}
        self.asked: set[str] = set()
        self.heavy: dict[str, str] = {}
        self.watching = False
        file_events = ("open", "os.listdir", "os.scandir")
        self.events: dict[str, Callable[[tuple[Any, ...]], None]] = dict.fromkeys(file_events, self._file)
        self.modules = set(sys.modules)
        sys.meta_path.insert(0, self)  # it finds nothing, it only listens
        sys.addaudithook(self._audit)

    def place(self, file: str, number: int) -> str:
        """A file and line, the file as seen from the folder on `sys.path` in which it lies."""
        folder = max((folder for folder in self.path if file.startswith(folder)), key=len, default="")
        return f"{file[len(folder) :]}:{number}"

    def is_own(self, frame: FrameType) -> bool:
        """Whether the frame runs code of the plugin's package."""
        return str(frame.f_globals.get("__name__", "")).partition(".")[0] == self.package

    def find_spec(self, name: str, *_: object) -> None:
        """Hear which module is asked for (the protocol of `sys.meta_path`)."""
        if not self.watching:
            return
        asking: FrameType | None = sys._getframe(1)
        while asking and asking.f_code.co_filename.startswith("<frozen importlib"):
            asking = asking.f_back
        if asking and self.is_own(asking):
            self.asked.add(name)
        if name in HEAVY and name not in self.heavy:
            cause = next(filter(self.is_own, frames()), asking)
            self.heavy[name] = self.place(cause.f_code.co_filename, cause.f_lineno) if cause else ""

    def findings(self) -> Iterator[Finding]:
        """That a framework was imported, if so. Call it when all is over."""
        self.watching = False
        if loaded := self.imported():
            line = next((self.heavy[name] for name in loaded if name in self.heavy), "")
            yield Finding("heavy-import", line, f"imports {', '.join(loaded)} at the top")

    def imported(self) -> list[str]:
        """The frameworks that are imported by now."""
        return [name for name in HEAVY if name in sys.modules]

    def files(self) -> list[str]:
        """The files and folders on which it depends what the plugin declares.

        Of its own package and of others that lie in the open: every module. Of an installed package: its first file,
        which changes when another version is installed. Python's own and the frameworks' don't count.
        """
        files: dict[str, None] = {}
        for name, module in list(sys.modules.items()):
            top = name.partition(".")[0]
            file = getattr(module, "__file__", None)
            if name in self.modules or not isinstance(file, str) or top in NOT_FOLLOWED or is_standard(file):
                continue
            if top != self.package and "-packages" in file:
                file = getattr(sys.modules.get(top), "__file__", None) or file
            folders = getattr(module, "__path__", ()) if top == self.package else ()
            files |= dict.fromkeys(os.path.abspath(path) for path in (file, *folders))
        return [*files, *self.opened]

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and (heard := self.events.get(event)):
            self.watching = False
            try:
                heard(arguments)
            finally:
                self.watching = True

    def _file(self, arguments: tuple[Any, ...]) -> None:
        try:
            path = os.path.abspath(os.fsdecode(arguments[0]))
        except TypeError:  # a file descriptor
            return
        if path.startswith(VOLATILE) or _is_writing(*arguments[1:]):
            return
        if path.endswith(".pyc"):
            path = path.replace(f"{os.sep}__pycache__{os.sep}", os.sep).partition(".cpython-")[0] + ".py"
        is_module = os.path.basename(path) == f"{self.package}.py" or f"{os.sep}{self.package}{os.sep}" in path
        if is_module or any(map(self.is_own, islice(frames(importing=False), 1))):
            self.opened[path] = None


def _is_writing(mode: str | None = "r", flags: int = 0) -> bool:
    """Whether a file is opened to be written: what a plugin writes is not what it depends on."""
    return bool(set(mode or "") & set("wax+")) or bool(flags & (os.O_WRONLY | os.O_RDWR))


def frames(*, importing: bool = True) -> Iterator[FrameType]:
    """The frames of code that is neither Python's own nor ours, innermost first.

    :param importing: whether to go on beyond Python's import system.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (importing or not frame.f_code.co_filename.startswith("<frozen importlib")):
        if not is_standard(frame.f_code.co_filename) and not frame.f_code.co_filename.startswith(OURS):
            yield frame
        frame = frame.f_back


def is_standard(file: str) -> bool:
    """Whether a file belongs to Python itself."""
    return file.startswith("<frozen ") or (file.startswith(STANDARD_LIBRARY) and "-packages" not in file)
