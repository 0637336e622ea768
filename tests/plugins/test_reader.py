"""Reading plugins: whatever one does, the others are read, and what it did is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from distributions import SPEC, Site, declaring

from zoo.authoring.check.api import OBSERVER
from zoo.errors import UsageError
from zoo.installed import Plugin
from zoo.plugins import reader, settings
from zoo.plugins.record import Record

IN_A_HOOK = "import zoo\n@zoo.hookimpl\ndef zoo_models():\n    {}\n    return []\n"
TWICE = (
    "import zoo\n@zoo.hookimpl(specname='zoo_models')\ndef one(): return {}\n"
    "@zoo.hookimpl(specname='zoo_models')\ndef two(): return {}\n"
)
OBJECT = "class P:\n    @zoo.hookimpl\n    def zoo_models(self): return [{}]\nP = P()"

# name: (source, code of the finding or None, what its line says)
CASES = {
    "lacks": ("import no_such_module_anywhere", "import-error", "ModuleNotFoundError: No module named 'no_such_mod"),
    "lacks-in-a-hook": (IN_A_HOOK.format("import no_such_module_anywhere"), "hook-raises", "in zoo_models: ModuleNot"),
    "raises": ("raise RuntimeError('not today')", "import-error", "RuntimeError: not today"),
    "raises-many": ("raise ExceptionGroup('two', [ValueError(1), ValueError(2)])", "import-error", "ExceptionGroup"),
    "is-mute": (
        "class Mute(Exception):\n    def __str__(self): raise ValueError('mute')\nraise Mute",
        "import-error",
        "Mute",
    ),
    "aborts": ("raise GeneratorExit", "import-error", "GeneratorExit"),
    "interrupts": ("raise KeyboardInterrupt", "import-error", "KeyboardInterrupt"),
    "interrupts-in-a-hook": (IN_A_HOOK.format("raise KeyboardInterrupt"), "hook-raises", "KeyboardInterrupt"),
    "recurses": ("def f(): f()\nf()", "import-error", "RecursionError"),
    "says-too-much": (IN_A_HOOK.format("raise ValueError('x' * 10_000_000)"), "hook-raises", "ValueError: xxx"),
    "colours": (IN_A_HOOK.format("raise ValueError('\\x1b[31mred')"), "hook-raises", "ValueError: ?[31mred"),
    "bad-encoding": ("# coding: no-such-encoding", "syntax-error", "encoding"),
    "exits": ("import sys; sys.exit('bye')", "exits", "SystemExit: bye"),
    "exits-in-a-hook": (IN_A_HOOK.format("raise SystemExit(3)"), "exits", "in zoo_models: SystemExit: 3"),
    "exits-in-a-thread": (
        declaring(
            "threaded", before="import os, threading\nthreading.Thread(target=os._exit, args=(7,)).start()\nwhile 1: 0"
        ),
        "dies",
        "ended its process with exit code 7",
    ),
    "is-ended": ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "dies", "ended its process by SIGTERM"),
    "reads-its-input": ("input()", "import-error", "EOFError"),
    "is-empty": ("", "no-hook", "implements no hook; the hooks are zoo_models, zoo_datasets, zoo_runtimes"),
    "misspells": ("import zoo\n@zoo.hookimpl\ndef zoo_modles(): return []", "unknown-hook", "did you mean zoo_models?"),
    "invents": ("import zoo\n@zoo.hookimpl\ndef on_start(): return []", "unknown-hook", "the hooks are zoo_models,"),
    "asks-for-more": ("import zoo\n@zoo.hookimpl\ndef zoo_models(colour): return []", "hook-arguments", "takes colour"),
    "wraps": (
        "import zoo\n@zoo.hookimpl(wrapper=True)\ndef zoo_models(): return (yield)",
        "hook-wrapper",
        "zoo_models is marked as a wrapper",
    ),
    "returns-nothing-once": (
        TWICE.format("[]", "None"),
        "wrong-type",
        "zoo_models must return a list of ModelSpec, not NoneType",
    ),
    "raises-once": (TWICE.format("[]", "1 / 0"), "hook-raises", "ZeroDivisionError"),
    "has-weights-of-a-script": (
        IN_A_HOOK.format("zoo.WeightsSpec(dataset='digits', file='__main__:w.safetensors', sha256='0' * 64)"),
        "invalid-spec",
        "file '__main__:w.safetensors' must have the form",
    ),
    "has-code-of-a-script": (declaring("scripted").replace("a.b:c", "__main__:c"), "invalid-spec", "'__main__:c' must"),
    "may-ask-for-more": ("import zoo\n@zoo.hookimpl\ndef zoo_models(colour=1): return []", None, ""),
    "a-generator": (IN_A_HOOK.format("yield 1"), "wrong-type", "a list of ModelSpec, not generator"),
    "a-text": (IN_A_HOOK.format("return 'toy'"), "wrong-type", "a list of ModelSpec, not str"),
    "a-class": (IN_A_HOOK.format("return [zoo.ModelSpec]"), "wrong-type", "a list of ModelSpec, not of type"),
    "a-recipe": (IN_A_HOOK.format("return [zoo.Recipe(dataset='*', epochs=1)]"), "wrong-type", "not of Recipe"),
    "bad-recipe": ("import zoo\nzoo.Recipe(dataset='*', epochs=0)", "invalid-spec", "epochs must be a whole number"),
    "bad-dataset-name": ("import zoo\nzoo.Recipe(dataset='../x', epochs=1)", "invalid-name", "name '..' must have"),
    "cheats": (
        declaring("fine").replace("return [", "s = ").removesuffix("]\n")
        + "\n    object.__setattr__(s, 'summary', '\\x1b[31m')\n    return [s]\n",
        "unprintable-text",
        "what it declares is no longer what it made: summary must be one line",
    ),
    "cheats-more": (
        declaring("fine").replace("return [", "s = ").removesuffix("]\n")
        + "\n    object.__setattr__(s, 'parameters', s.__class__)\n    return [s]\n",
        "invalid-spec",
        "declares what is not plain data",
    ),
    "answers-in-depth": (
        declaring("deep", before="import json\njson.dumps = lambda *a, **k: '[' * 100_000"),
        "invalid-spec",
        "what came back is not what a plugin declares",
    ),
    "answers-too-much": (
        declaring("large", before="import json\njson.dumps = lambda *a, **k: '1' * 30_000_000"),
        "invalid-spec",
        "what came back is not what a plugin declares",
    ),
    "never-exits": (
        declaring("immortal", before="import os\nos._exit = lambda code: None"),
        "patches",
        "replaces os._exit",
    ),
    "forks": (declaring("forked", before="import os\nos.fork()"), None, ""),
    "closes-everything": (declaring("closer", before="import os\nos.closerange(0, 100)"), None, ""),
    "an-object": ("import zoo\n" + OBJECT.format(""), None, ""),
    "without-a-hash": ("import dataclasses, zoo\n@dataclasses.dataclass\n" + OBJECT.format(""), None, ""),
    "sets-and-resets": (
        declaring(
            "tidy", before="import os\nos.environ['A'] = 'b'; del os.environ['A']; os.chdir('/'); os.chdir(H)"
        ).replace("os.chdir('/')", "H = os.getcwd(); os.chdir('/')"),
        None,
        "",
    ),
}
OBJECTS = ("an-object", "without-a-hash")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """All of them, read at once."""
    site = Site(tmp_path_factory.mktemp("site"))
    for name, (source, _, _) in CASES.items():
        module = f"zoo_{name.replace('-', '_')}"
        site.install(f"zoo-{name}", source, points={name: f"{module}:P" if name in OBJECTS else module})
    found = reader.read(site.points(), path=[str(site.folder), *sys.path], observer=OBSERVER)
    return {record.plugin.name: record for record in found}


@pytest.mark.parametrize("case", CASES)
def test_what_a_plugin_does_costs_only_itself_and_is_named(records: dict[str, Record], case: str) -> None:
    _, code, text = CASES[case]
    record = records[case]
    findings = [finding for finding in record.findings if finding.code != "leaves-processes"]
    assert [finding.code for finding in findings] == ([code] if code else [])
    for finding in findings:
        assert text in finding.message
        assert finding.message.isprintable()
        assert len(finding.message) <= 300
        assert all(line.isprintable() for line in finding.detail.splitlines())
        assert f"zoo_{case.replace('-', '_')}" in finding.where


def test_every_implementation_of_a_hook_counts_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    source = TWICE.format(f"[{SPEC.format('one')}]", f"[{SPEC.format('two')}]") + "again = one\n"
    site.install("zoo-twice", source)
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path])
    assert [spec.name for spec in record.models] == ["one", "two"]
    assert record.findings == ()


def test_the_line_is_named(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("zoo-one", "from zoo_one import two", two="x = 1\n\nimport jax_is_not_here\n")
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path])
    (finding,) = record.findings
    assert finding.where == "zoo_one/two.py:3"
    assert finding.detail.startswith("Traceback")
    assert "zoo/plugins" not in finding.detail
    assert record.unmet
    assert {f"{tmp_path}/zoo_one/two.py", f"{tmp_path}/zoo_one/__init__.py", f"{tmp_path}/zoo_one"} >= set(record.files)


def test_what_a_plugin_depends_on_is_what_it_has_read(tmp_path: Path) -> None:
    """Its own modules, those of others that lie in the open, its data, folders that it lists; not what it writes."""
    site = Site(tmp_path)
    source = """
        import json, os, pathlib, zoo_one.two, helpers.names
        here = pathlib.Path(__file__).parent
        json.loads((here / 'names.json').read_text())
        sorted((here / 'models').iterdir())
        (here / 'log.txt').write_text('x')
        open('/proc/self/status').read()
        try:
            import no_such_extra
        except ImportError:
            pass
    """
    package = site.install("zoo-one", declaring("one", before=textwrap.dedent(source)), two="")
    (package / "names.json").write_text("[]")
    (package / "models").mkdir()
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "names.py").write_text("")
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path])
    assert record.findings == ()
    inside = {str(Path(file).relative_to(tmp_path)) for file in record.files}
    assert inside == {
        "zoo_one", "zoo_one/__init__.py", "zoo_one/two.py", "zoo_one/names.json", "zoo_one/models", "helpers/names.py",
    }  # fmt: skip
    assert record.unmet


def test_a_source_tree_need_not_be_installed(tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text(declaring("acme-net"))
    (record,) = reader.read([Plugin("acme", "acme", "0", "acme")], path=[str(tmp_path), *sys.path])
    assert [spec.name for spec in record.models] == ["acme-net"]
    assert record.load_s > 0
    assert record.imports == ()


def test_one_that_ends_the_reader_costs_only_itself(tmp_path: Path) -> None:
    site = Site(tmp_path)
    kill = "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"
    site.install("zoo-ccc", "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\n" + declaring("ccc"))
    for name in ("aaa", "mmm", "zzz"):
        site.install(f"zoo-{name}", declaring(name))
    site.install("zoo-bbb", kill)
    site.install("zoo-yyy", kill)
    records = reader.read(site.points(), path=[str(tmp_path), *sys.path])
    assert [[spec.name for spec in record.models] for record in records] == [["aaa"], [], ["ccc"], ["mmm"], [], ["zzz"]]
    codes = [[finding.code for finding in record.findings] for record in records]
    assert codes == [[], ["dies"], [], [], ["dies"], []]


def test_those_that_never_end_are_ended(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for number, how in enumerate(
        ["while True: pass", "import time; time.sleep(60)", "import os; os.read(os.pipe()[0], 1)"]
    ):
        site.install(f"zoo-slow{number}", f"x = 1\n{how}")
    for number, record in enumerate(reader.read(site.points(), path=[str(tmp_path), *sys.path], timeout_s=2)):
        (finding,) = record.findings
        assert (finding.code, finding.where) == ("too-slow", f"zoo_slow{number}/__init__.py:2")
        assert str(tmp_path / f"zoo_slow{number}" / "__init__.py") in record.files


def test_manners_are_not_looked_at_unless_asked_for(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("zoo-loud", declaring("loud", before="import os\nprint('loud')\nos.environ['A'] = 'b'"))
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path])
    assert (record.findings, [spec.name for spec in record.models]) == ((), ["loud"])
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path], observer=OBSERVER)
    assert [finding.code for finding in record.findings] == ["changes-environment", "prints"]


def test_nothing_is_left_running(tmp_path: Path) -> None:
    site = Site(tmp_path)
    mark = f"{time.time()}"
    start = f"import subprocess\nsubprocess.Popen(['sleep', '1000', '{mark}'], start_new_session=True)"
    site.install("zoo-daemon", declaring("daemon", before=start))
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path], observer=OBSERVER)
    assert [finding.code for finding in record.findings] == ["leaves-processes"]
    assert record.findings[0].where == "zoo_daemon/__init__.py:3"
    assert mark not in subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, text=True).stdout


def test_nothing_is_left_running_when_the_caller_is_killed(tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    )
    script = (
        "import sys; from zoo.installed import Plugin; from zoo.plugins import reader;"
        "reader.read([Plugin('h', 'h', '0', 'hangs')], path=['.', *sys.path])"
    )
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    variables = {**os.environ, "TMPDIR": str(temporary)}
    caller = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=variables)
    pid = tmp_path / "pid"
    while not pid.exists() or not pid.read_text():
        time.sleep(0.01)
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    until = time.monotonic() + 30
    while time.monotonic() < until and (Path(f"/proc/{pid.read_text()}").exists() or list(temporary.iterdir())):
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize("exists", [True, False])
def test_reading_needs_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool) -> None:
    folder = tmp_path / "tmp"
    site = Site(tmp_path)
    before = f"import os, shutil\nfor name in os.listdir({str(folder)!r}): shutil.rmtree({str(folder)!r} + '/' + name)"
    site.install("zoo-cleaner", declaring("cleaner", before=before if exists else ""))
    if exists:
        folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path])
    assert [spec.name for spec in record.models] == ["cleaner"]


@pytest.mark.parametrize(("times", "code"), [(1, None), (2, "unread")])
def test_one_end_of_the_server_from_outside_is_nobodys_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, code: str | None
) -> None:
    """As when the system ends it for want of memory, before it has begun."""
    site = Site(tmp_path)
    site.install("zoo-fine", declaring("fine"))
    marks = tmp_path / "marks"
    marks.mkdir()
    kill = (
        f"import os, signal; n = len(os.listdir({str(marks)!r}));"
        f"n < {times} and (open({str(marks)!r} + f'/{{n}}', 'w').close(), os.kill(os.getpid(), signal.SIGKILL));"
    )
    monkeypatch.setattr(reader, "SERVE", kill + reader.SERVE)
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path])
    assert [finding.code for finding in record.findings] == ([code] if code else [])
    assert record.transient == bool(code)


@pytest.mark.parametrize(
    ("cause", "transient"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", True),  # as the system does
        ("import os, signal; os.kill(os.getppid(), signal.SIGKILL)", True),
        ("raise MemoryError", True),
        ("import errno; raise OSError(errno.ENOSPC, 'No space left on device')", True),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", False),
        ("raise OSError", False),
    ],
)
def test_what_may_not_be_its_fault_is_tried_again(tmp_path: Path, cause: str, transient: bool) -> None:
    site = Site(tmp_path)
    site.install("zoo-poor", cause)
    (record,) = reader.read(site.points(), path=[str(tmp_path), *sys.path])
    assert (record.failed, record.transient) == (True, transient)


@pytest.mark.parametrize("text", ["abc", "0", "-1", "nan", "inf", "\x1b[31m"])
def test_a_time_limit_that_is_none_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ZOO_PLUGIN_TIMEOUT", text)
    with pytest.raises(UsageError, match="ZOO_PLUGIN_TIMEOUT must be a number of seconds") as error:
        settings.time_limit()
    assert str(error.value).isprintable()


def test_that_the_reader_cannot_be_started_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    (record,) = reader.read([Plugin("acme", "acme", "0", "acme")])
    assert [finding.code for finding in record.findings] == ["unread"]
    assert "no such file" in record.findings[0].message
