"""What a plugin does to the process that reads it, besides declaring: seen by an audit hook and by comparing."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, FunctionType, ModuleType
from typing import Any

from zoo.findings import Finding

HEAVY = ("tensorflow", "keras", "jax", "torch")
STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
VOLATILE = ("/proc/", "/sys/", "/dev/")
OURS = ("zoo", "builtins")  # whose functions nobody replaces, whatever with
# Whose functions are looked through for ones of the plugin's.
PATCHABLE = frozenset({*sys.stdlib_module_names, *HEAVY, "zoo", "pluggy", "click", "numpy"})


class Watch:
    """Watches this process while a plugin is imported and its hooks are called.

    Attributes:
        opened: the files that the plugin's own code has opened, and the folders that it has listed.
        asked: the modules that the plugin's own code has asked for.
        heavy: the frameworks that were imported, and the plugin's line that caused it.
    """

    def __init__(self, reference: str) -> None:
        self.reference = reference
        self.package = reference.partition(":")[0].partition(".")[0]
        self.path = [folder.rstrip(os.sep) + os.sep for folder in sys.path if folder]
        self.opened: dict[str, None] = {}
        self.asked: dict[str, None] = {}
        self.heavy: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.watching = False
        self.events: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "open": self._file,
            "os.listdir": self._file,
            "os.scandir": self._file,
            "os.putenv": lambda arguments: self._keep(f"variable {os.fsdecode(arguments[0])}"),
            "os.unsetenv": lambda arguments: self._keep(f"variable {os.fsdecode(arguments[0])}"),
            "os.chdir": lambda _: self._keep("folder"),
            "_thread.start_new_thread": lambda _: self._keep("thread"),
            "_thread.start_joinable_thread": lambda _: self._keep("thread"),
            "subprocess.Popen": lambda _: self._keep("process"),
            "os.fork": lambda _: self._keep("process"),
            "os.posix_spawn": lambda _: self._keep("process"),
        }
        self.modules = set(sys.modules)
        self.environ = dict(os.environ)
        self.folder = os.getcwd()
        self.sys_path = list(sys.path)
        self.functions = _functions()
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
            self.asked[name] = None
        if name in HEAVY and name not in self.heavy:
            cause = next((frame for frame in _frames() if self.is_own(frame)), asking)
            self.heavy[name] = self.place(cause.f_code.co_filename, cause.f_lineno) if cause else ""

    def findings(self) -> Iterator[Finding]:
        """What the plugin has done. Call it when all is over."""
        self.watching = False
        if loaded := self.imported():
            line = next((self.heavy[name] for name in loaded if name in self.heavy), "")
            yield Finding("heavy-import", line, f"imports {', '.join(loaded)} at the top")
        for name in sorted(self.environ.keys() | os.environ.keys()):
            if self.environ.get(name) != os.environ.get(name) and (where := self.places.get(f"variable {name}")):
                yield Finding("changes-environment", where, f"changes the environment variable {name}")
        if (where := self.places.get("folder")) and _working_folder() != self.folder:
            yield Finding("changes-directory", where, f"changes the working directory to {_working_folder()}")
        if sys.path != self.sys_path:
            new = [str(folder) for folder in sys.path if folder not in self.sys_path]
            yield Finding("changes-path", self.reference, f"changes sys.path: {', '.join(new) or 'its order'}")
        where = self.places.get("thread") or (
            "" if loaded else self.reference
        )  # Python 3.11 doesn't tell who starts one
        if where and len(sys._current_frames()) > 1:
            names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
            yield Finding("leaves-threads", where, f"leaves threads running: {', '.join(names) or 'without a name'}")
        if _has_children():
            line = self.places.get("process", self.reference)
            yield Finding("leaves-processes", line, "leaves processes running")
        if patched := sorted(set(self._patched())):
            yield Finding("patches", self.reference, f"replaces {', '.join(patched)}")

    def imported(self) -> list[str]:
        """The frameworks that are imported by now."""
        return [name for name in HEAVY if name in sys.modules]

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
        frame = next(_frames(), None)
        is_module = os.path.basename(path) == f"{self.package}.py" or f"{os.sep}{self.package}{os.sep}" in path
        if is_module or (frame and self.is_own(frame) and not _is_importing()):
            self.opened[path] = None

    def _keep(self, what: str) -> None:
        frame = next(_frames(), None)
        if frame and self.is_own(frame):
            self.places.setdefault(what, self.place(frame.f_code.co_filename, frame.f_lineno))

    def _patched(self) -> Iterator[str]:
        """Names of functions that were there before and are others now, or are the plugin's own."""
        for (module_name, name), before in self.functions.items():
            if module_name in sys.modules and getattr(sys.modules[module_name], name, None) is not before:
                yield f"{module_name}.{name}"
        for module_name, module in list(sys.modules.items()):
            top = module_name.partition(".")[0]
            if top not in PATCHABLE or not isinstance(module, ModuleType):
                continue
            for name, value in list(vars(module).items()):
                if self._is_own(value):
                    yield f"{module_name}.{name}"
                if isinstance(value, type) and value.__module__ == module_name:
                    yield from (f"{module_name}.{name}.{key}" for key, v in vars(value).items() if self._is_own(v))

    def _is_own(self, value: object) -> bool:
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        if not isinstance(value, (FunctionType, type)) or self.package in PATCHABLE:
            return False
        return str(getattr(value, "__module__", "")).partition(".")[0] == self.package


def _is_writing(mode: str | None = "r", flags: int = 0) -> bool:
    """Whether a file is opened to be written: what a plugin writes is not what it depends on."""
    return bool(set(mode or "") & set("wax+")) or bool(flags & (os.O_WRONLY | os.O_RDWR))


def _frames() -> Iterator[FrameType]:
    """The frames of code that is neither Python's own nor ours, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not is_standard(frame.f_code.co_filename) and frame.f_code.co_filename != __file__:
            yield frame
        frame = frame.f_back


def is_standard(file: str) -> bool:
    """Whether a file belongs to Python itself."""
    return file.startswith("<frozen ") or (file.startswith(STANDARD_LIBRARY) and "-packages" not in file)


def _is_importing() -> bool:
    """Whether it is Python's import system that opens the file or lists the folder."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (is_standard(file := frame.f_code.co_filename) or file == __file__):
        if file.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _functions() -> dict[tuple[str, str], object]:
    """The functions of ours and of Python's built-ins."""
    return {
        (module_name, name): value
        for module_name, module in list(sys.modules.items())
        if module_name.partition(".")[0] in OURS
        for name, value in vars(module).items()
        if callable(value) and name != "_"
    }


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "one that is gone"


def _has_children() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG) == (0, 0)
    except OSError:
        return False
