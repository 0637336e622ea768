"""What is done in the process that reads one plugin: import it, call its hooks, and say what was found."""

from __future__ import annotations

import difflib
import errno
import importlib
import inspect
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import pluggy

from zoo import hookspecs
from zoo.errors import SpecError
from zoo.findings import Finding
from zoo.plugins.dependencies import OURS, Dependencies, is_standard
from zoo.plugins.record import MAX_FILES
from zoo.specs import KINDS
from zoo.text import describe

MAX_BYTES = 10_000_000
LISTENER = "zoo_result_recorded"  # not called here
HOOKS = (*(f"zoo_{kind}" for kind in KINDS), LISTENER)
FOREIGN_TO_PLUGINS = (OURS, os.path.dirname(pluggy.__file__) + os.sep)
WANTING = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN)


def examine(reference: str, observer: Callable[[Dependencies], Any] | None = None) -> str:
    """What a plugin declares and does, as the text of a JSON object (`zoo.plugins.record`).

    :param reference: `"package.module"` or `"package.module:attribute"`.
    :param observer: makes what looks at whatever else the plugin does, before it is imported. Its method `findings`
        says what was seen, when all is over.
    """
    dependencies = Dependencies(reference)
    observing = observer(dependencies) if observer else None
    found = _Found(reference, dependencies)
    started = time.perf_counter()
    dependencies.watching = True
    try:
        for hook, implementation in found.implementations(load(reference)):
            try:
                found.call(hook, implementation.function)
            except BaseException as error:
                found.fail(error, hook)
    except BaseException as error:
        found.fail(error)
    load_s = time.perf_counter() - started
    findings = [*found.findings, *dependencies.findings(), *(observing.findings() if observing else ())]
    files = dependencies.files()[:MAX_FILES]
    values = {
        **found.declared,
        "listens": found.listens,
        "findings": [finding.to_json() for finding in findings],
        "load_s": load_s,
        "imports": dependencies.imported(),
        "files": files,
        "unmet": any(name not in sys.modules for name in dependencies.asked),
        "transient": found.transient,
    }
    try:
        text = json.dumps(values, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        wrong = Finding("invalid-spec", reference, f"declares what is not plain data: {describe(error)}")
    else:
        if len(text) <= MAX_BYTES:
            return text
        wrong = Finding("too-large", reference, f"declares {len(text):,} characters, over {MAX_BYTES:,}")
    return json.dumps({"findings": [wrong.to_json()], "files": files})


def load(reference: str) -> Any:
    """The object that `"package.module"` or `"package.module:attribute"` names."""
    if not all(map(str.isidentifier, reference.replace(":", ".", 1).split("."))):
        text = f"the entry point {ascii(reference)[:80]} must have the form package.module:attribute"
        raise SpecError(text, "bad-entry-point")
    name, _, attributes = reference.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise SpecError(f"the entry point leads nowhere: {error}", "bad-entry-point") from error
        raise
    try:
        return reduce(getattr, filter(None, attributes.split(".")), module)
    except AttributeError as error:
        raise SpecError(f"the entry point leads nowhere: {error}", "bad-entry-point") from error


class _Found:
    """What a plugin declares, and what is wrong with it."""

    def __init__(self, reference: str, dependencies: Dependencies) -> None:
        self.reference, self.place, self.is_own = reference, dependencies.place, dependencies.is_own
        self.declared: dict[str, list[Any]] = {}
        self.findings: list[Finding] = []
        self.listens = self.transient = False

    def implementations(self, module: Any) -> Iterator[tuple[str, pluggy.HookImpl]]:
        """The hooks that the plugin implements, and how; by `specname` there can be several functions for one hook."""
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.register(module)
        callers = manager.get_hookcallers(module) or ()
        for caller in callers:
            functions: list[Any] = []
            for implementation in caller.get_hookimpls():
                if implementation.function in functions:  # it has two names
                    continue
                functions.append(implementation.function)
                if problem := _misfit(caller.name, implementation):
                    self.findings.append(Finding(problem[0], self._defined(implementation.function), problem[1]))
                else:
                    yield caller.name, implementation
        if not callers:
            text = f"{self.reference} implements no hook; the hooks are {', '.join(HOOKS)}, marked @zoo.hookimpl"
            where = self.place(getattr(module, "__file__", None) or self.reference, 1)
            self.findings.append(Finding("no-hook", where, text))

    def call(self, hook: str, function: Callable[..., Any]) -> None:
        """Take the specs that an implementation of a hook returns, as JSON values; none where one of them isn't one."""
        if hook == LISTENER:
            self.listens = True
            return
        returned, kind, wrong = function(), KINDS[hook.removeprefix("zoo_")], None
        if not isinstance(returned, (list, tuple)):
            wrong = type(returned).__name__
        elif others := [spec for spec in returned if not isinstance(spec, kind)]:
            wrong = f"of {type(others[0]).__name__}"
        if wrong:
            text = f"{hook} must return a list of {kind.__name__}, not {wrong}"
            self.findings.append(Finding("wrong-type", self._defined(function), text))
        else:
            self.declared.setdefault(hook.removeprefix("zoo_"), []).extend(map(kind.to_json, returned))

    def fail(self, error: BaseException, hook: str | None = None) -> None:
        """Note what was raised on import, or in a hook."""
        code, text = "hook-raises" if hook else "import-error", describe(error)
        where = self._raised(error) or hook or self.reference
        if isinstance(error, SystemExit):
            code = "exits"
        elif isinstance(error, SpecError):
            code, text = error.code, str(error)
        elif isinstance(error, SyntaxError):
            code, where = "syntax-error", self.place(error.filename, error.lineno or 1) if error.filename else where
        self.transient |= isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in WANTING)
        self.findings.append(Finding(code, where, f"in {hook}: {text}" if hook else text, _traceback(error)))

    def _raised(self, error: BaseException) -> str:
        """The last line of the plugin's own that led to an error, else the last that isn't Python's or ours."""
        own, others = "", ""
        for frame, number in traceback.walk_tb(error.__traceback__):
            file = frame.f_code.co_filename
            if self.is_own(frame):
                own = self.place(file, number)
            elif not is_standard(file) and not file.startswith(FOREIGN_TO_PLUGINS):
                others = self.place(file, number)
        return own or others

    def _defined(self, function: Any) -> str:
        """Where a function is defined."""
        code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
        return self.place(code.co_filename, code.co_firstlineno) if code else self.reference


def _misfit(hook: str, implementation: pluggy.HookImpl) -> tuple[str, str] | None:
    """The code and message of what is wrong with how a hook is implemented."""
    if hook not in HOOKS:
        close = difflib.get_close_matches(hook, HOOKS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"the hooks are {', '.join(HOOKS)}"
        return "unknown-hook", f"there is no hook {hook}; {hint}"
    if implementation.wrapper or implementation.hookwrapper:
        return "hook-wrapper", f"{hook} is marked as a wrapper, and the zoo calls nothing inside it"
    given = inspect.signature(getattr(hookspecs, hook)).parameters
    if unknown := ", ".join(name for name in implementation.argnames if name not in given):
        return "hook-arguments", f"{hook} takes {unknown}; what the zoo gives it: {', '.join(given) or 'nothing'}"
    return None


def _traceback(error: BaseException) -> str:
    """The traceback, from the plugin's first line on."""
    try:
        trace = error.__traceback__
        while trace and (is_standard(file := trace.tb_frame.f_code.co_filename) or file.startswith(FOREIGN_TO_PLUGINS)):
            trace = trace.tb_next
        return "".join(traceback.format_exception(type(error), error, trace))
    except Exception:  # what a plugin raises may raise when it is printed
        return ""
