"""What is done in the process that reads one plugin: import it, call its hooks, and say what was found."""

from __future__ import annotations

import difflib
import importlib
import inspect
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from types import TracebackType
from typing import Any, Protocol

import pluggy

from zoo import hookspecs
from zoo.errors import SpecError
from zoo.findings import Finding
from zoo.plugins.watch import HEAVY, Watch, is_standard
from zoo.specs import KINDS
from zoo.text import describe

MAX_BYTES = 10_000_000
MAX_FILES = 500
REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")
LISTENER = "zoo_result_recorded"  # not called here
HOOKS = (*(f"zoo_{kind}" for kind in KINDS), LISTENER)


class Observer(Protocol):
    """What looks at whatever else a plugin does where it is read. It is made before the plugin is imported."""

    def findings(self) -> Iterable[Finding]:
        """What was seen, when all is over."""


def examine(reference: str, observer: Callable[[Watch], Observer] | None = None) -> str:
    """What a plugin declares and does, as the text of a JSON object (`zoo.plugins.record`).

    :param reference: `"package.module"` or `"package.module:attribute"`.
    """
    watch = Watch(reference)
    observing = observer(watch) if observer else None
    findings: list[Finding] = []
    declared: dict[str, list[Any]] = {}
    listens = False
    started = time.perf_counter()
    watch.watching = True
    try:
        module = _load(reference)
        for hook, function in _implementations(module, reference, watch, findings):
            if hook == LISTENER:
                listens = True
                continue
            try:
                declared.setdefault(hook.removeprefix("zoo_"), []).extend(_call(hook, function, watch, findings))
            except BaseException as error:
                findings.append(_failure(error, reference, watch, hook))
    except BaseException as error:
        findings.append(_failure(error, reference, watch, None))
    load_s = time.perf_counter() - started
    findings += watch.findings()
    if observing:
        findings += observing.findings()
    values = {
        **declared,
        "listens": listens,
        "findings": [finding.to_json() for finding in findings],
        "load_s": load_s,
        "imports": watch.imported(),
        "files": _files(watch),
        "unmet": any(name not in sys.modules for name in watch.asked),
    }
    try:
        text = json.dumps(values, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        wrong = Finding("invalid-spec", reference, f"declares what is not plain data: {describe(error)}")
    else:
        if len(text) <= MAX_BYTES:
            return text
        wrong = Finding("too-large", reference, f"declares {len(text):,} characters, over {MAX_BYTES:,}")
    return json.dumps({"findings": [wrong.to_json()], "files": values["files"]})


class _BadReferenceError(Exception):
    """An entry point that leads nowhere."""


def _load(reference: str) -> Any:
    """The object that `"package.module"` or `"package.module:attribute"` names."""
    if not REFERENCE.fullmatch(reference):
        raise _BadReferenceError(f"the entry point {ascii(reference)[:80]} must have the form package.module:attribute")
    name, _, attributes = reference.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise _BadReferenceError(f"the entry point leads nowhere: {error}") from error
        raise
    try:
        return reduce(getattr, filter(None, attributes.split(".")), module)
    except AttributeError as error:
        raise _BadReferenceError(f"the entry point leads nowhere: {error}") from error


def _implementations(
    module: Any, reference: str, watch: Watch, findings: list[Finding]
) -> list[tuple[str, Callable[..., Any]]]:
    """The hooks that the plugin implements, and how; by `specname` there can be several functions for one hook."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    wanted: list[tuple[str, Callable[..., Any]]] = []
    for name in dir(module):
        options = manager.parse_hookimpl_opts(module, name)
        if options is None:
            continue
        hook, function = options.get("specname") or name, getattr(module, name)
        if problem := _misfit(hook, function, options):
            findings.append(Finding(problem[0], _defined(function, reference, watch), problem[1]))
        elif (hook, function) not in wanted:  # one function may have two names
            wanted.append((hook, function))
    if not wanted and not findings:
        text = f"{reference} implements no hook; the hooks are {', '.join(HOOKS)}, marked @zoo.hookimpl"
        findings.append(Finding("no-hook", watch.place(getattr(module, "__file__", None) or reference, 1), text))
    return wanted


def _misfit(hook: str, function: Callable[..., Any], options: Mapping[str, Any]) -> tuple[str, str] | None:
    """The code and message of what is wrong with how a hook is implemented."""
    if hook not in HOOKS:
        close = difflib.get_close_matches(hook, HOOKS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"the hooks are {', '.join(HOOKS)}"
        return "unknown-hook", f"there is no hook {hook}; {hint}"
    if options["wrapper"] or options["hookwrapper"]:
        return "hook-wrapper", f"{hook} is marked as a wrapper, and the zoo calls nothing inside it"
    try:
        given = inspect.signature(getattr(hookspecs, hook)).parameters
        wanted = {
            name: parameter
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        }
    except (TypeError, ValueError):
        return "hook-arguments", f"{hook} must be a function"
    if unknown := [name for name in wanted if name not in given]:
        return (
            "hook-arguments",
            f"{hook} takes {', '.join(unknown)}; what the zoo gives it: {', '.join(given) or 'nothing'}",
        )
    return None


def _call(hook: str, function: Callable[..., Any], watch: Watch, findings: list[Finding]) -> list[Any]:
    """The specs that an implementation of a hook returns, as JSON values; none where one of them isn't one."""
    returned = function()
    kind = KINDS[hook.removeprefix("zoo_")]
    wrong = None
    if not isinstance(returned, (list, tuple)):
        wrong = type(returned).__name__
    elif others := [spec for spec in returned if not isinstance(spec, kind)]:
        wrong = f"of {type(others[0]).__name__}"
    if wrong:
        text = f"{hook} must return a list of {kind.__name__}, not {wrong}"
        findings.append(Finding("wrong-type", _defined(function, hook, watch), text))
        return []
    return [kind.to_json(spec) for spec in returned]


def _failure(error: BaseException, reference: str, watch: Watch, hook: str | None) -> Finding:
    """The finding for what was raised on import, or in a hook."""
    if isinstance(error, _BadReferenceError):
        return Finding("bad-entry-point", reference, str(error), _traceback(error))
    where = _raised(error.__traceback__, watch) or hook or reference
    if isinstance(error, SystemExit):
        code = "exits"
    elif isinstance(error, SpecError):
        code = error.code
    elif isinstance(error, SyntaxError):
        code = "syntax-error"
        where = watch.place(error.filename, error.lineno or 1) if error.filename else where
    else:
        code = "hook-raises" if hook else "import-error"
    text = str(error) if isinstance(error, SpecError) else describe(error)
    return Finding(code, where, f"in {hook}: {text}" if hook else text, _traceback(error))


def _raised(trace: TracebackType | None, watch: Watch) -> str:
    """The last line of the plugin's own that led to an error, else the last that isn't Python's or ours."""
    own, others = "", ""
    for frame, number in traceback.walk_tb(trace):
        file = frame.f_code.co_filename
        if watch.is_own(frame):
            own = watch.place(file, number)
        elif not is_standard(file) and not str(frame.f_globals.get("__name__", "")).startswith(("zoo.", "pluggy")):
            others = watch.place(file, number)
    return own or others


def _defined(function: Any, default: str, watch: Watch) -> str:
    """Where a function is defined."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return watch.place(code.co_filename, code.co_firstlineno) if code else default


def _traceback(error: BaseException) -> str:
    """The traceback, from the plugin's first line on."""
    try:
        trace = error.__traceback__
        while trace and (is_standard(file := trace.tb_frame.f_code.co_filename) or file.startswith(_OURS)):
            trace = trace.tb_next
        return "".join(traceback.format_exception(type(error), error, trace))
    except Exception:  # what a plugin raises may raise when it is printed
        return ""


_OURS = (os.path.dirname(__file__) + os.sep, os.path.dirname(pluggy.__file__) + os.sep)


def _files(watch: Watch) -> list[str]:
    """The files and folders on which it depends what the plugin declares.

    Of its own package and of others that lie in the open: every module. Of an installed package: its first file,
    which changes when another version is installed. Python's own and the frameworks' don't count.
    """
    files: dict[str, None] = {}
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        file = getattr(module, "__file__", None)
        if name in watch.modules or not isinstance(file, str) or top in OTHERS or is_standard(file):
            continue
        if top != watch.package and "-packages" in file:
            file = getattr(sys.modules.get(top), "__file__", None) or file
        files[os.path.abspath(file)] = None
        if top == watch.package:
            files.update((os.path.abspath(folder), None) for folder in _folders(module))
    files.update(watch.opened)
    return list(files)[:MAX_FILES]


OTHERS = frozenset({*HEAVY, "jaxlib", "numpy", "zoo", "__mp_main__"})


def _folders(module: Any) -> Iterator[str]:
    """Where a package looks for its modules."""
    try:
        yield from (folder for folder in getattr(module, "__path__", ()) if isinstance(folder, str))
    except Exception:
        return
