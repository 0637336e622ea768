"""What a plugin does to the process that reads it, besides declaring: by Python's audit events, and by comparing.

It runs where the plugin is read, before and after the plugin does.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from types import FunctionType, ModuleType

from zoo.findings import Finding
from zoo.plugins.dependencies import HEAVY, Dependencies, frames

OURS = ("zoo", "builtins")  # whose functions nobody replaces, whatever with
# Whose functions are looked through for ones of the plugin's.
PATCHABLE = frozenset({*sys.stdlib_module_names, *HEAVY, "zoo", "pluggy", "click", "numpy"})


class Manners:
    """Sees what a plugin leaves behind or changes (the findings of the group "manners").

    :param dependencies: of the plugin, which is imported after this is made.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self.dependencies = dependencies
        self.places: dict[str, str] = {}
        dependencies.events |= {
            "os.putenv": lambda arguments: self._keep(f"variable {os.fsdecode(arguments[0])}"),
            "os.unsetenv": lambda arguments: self._keep(f"variable {os.fsdecode(arguments[0])}"),
            "os.chdir": lambda _: self._keep("folder"),
            "_thread.start_new_thread": lambda _: self._keep("thread"),
            "_thread.start_joinable_thread": lambda _: self._keep("thread"),
            "subprocess.Popen": lambda _: self._keep("process"),
            "os.fork": lambda _: self._keep("process"),
            "os.posix_spawn": lambda _: self._keep("process"),
        }
        self.environ = dict(os.environ)
        self.folder = _working_folder()
        self.sys_path = list(sys.path)
        self.functions = _functions()

    def findings(self) -> Iterator[Finding]:
        """What was seen, when all is over."""
        reference = self.dependencies.reference
        names = sorted(self.environ.keys() | os.environ.keys())
        if changed := [
            name
            for name in names
            if self.environ.get(name) != os.environ.get(name) and f"variable {name}" in self.places
        ]:
            text = f"changes the environment: {', '.join(changed[:20])}{' and more' if changed[20:] else ''}"
            yield Finding("changes-environment", self.places[f"variable {changed[0]}"], text)
        if (where := self.places.get("folder")) and _working_folder() != self.folder:
            yield Finding("changes-directory", where, f"changes the working directory to {_working_folder()}")
        if sys.path != self.sys_path:
            new = [str(folder) for folder in sys.path if folder not in self.sys_path]
            yield Finding("changes-path", reference, f"changes sys.path: {', '.join(new) or 'its order'}")
        # Python 3.11 doesn't tell who starts a thread; a framework may.
        where = self.places.get("thread") or ("" if self.dependencies.imported() else reference)
        if where and len(sys._current_frames()) > 1:
            names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
            yield Finding("leaves-threads", where, f"leaves threads running: {', '.join(names) or 'without a name'}")
        if _has_children():
            yield Finding("leaves-processes", self.places.get("process", reference), "leaves processes running")
        if patched := sorted(set(self._patched())):
            yield Finding("patches", reference, f"replaces {', '.join(patched)}")

    def _keep(self, what: str) -> None:
        frame = next(frames(), None)
        if frame and self.dependencies.is_own(frame):
            self.places.setdefault(what, self.dependencies.place(frame.f_code.co_filename, frame.f_lineno))

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
        package = self.dependencies.package
        if not isinstance(value, (FunctionType, type)) or package in PATCHABLE:
            return False
        return str(getattr(value, "__module__", "")).partition(".")[0] == package


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
