"""What is answered without click is, byte for byte, what click would have answered."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs
import pytest
from click.shell_completion import ShellComplete
from distributions import Site, declaring, settle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo import index, listing, registry
from zoo.cli import COMMANDS, group, names
from zoo.plugins.discover import Discovered

BY_CLICK = (sys.executable, "-c", "from zoo.cli import main; main()")
START = (sys.executable, "-c", "from zoo.start import main; main()")


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with two plugins more, one of them broken, and an index."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.install("zoo-many", declaring(*(f"many-{number}" for number in range(30))))
    site.install("zoo-broken", "import no_such_module")
    settle()
    home = str(tmp_path_factory.mktemp("home"))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ZOO_", "COLUMNS", "LINES"))}
    environment = {**clean, "ZOO_HOME": home, "PYTHONPATH": os.pathsep.join([str(site.folder), *sys.path])}
    subprocess.run([*START, "list"], env=environment, check=True, capture_output=True)
    return environment


def run(
    arguments: Sequence[str], environment: dict[str, str], columns: int | None = None, program: Sequence[str] = START
) -> tuple[bytes, bytes, int]:
    """What it prints: to a pipe, or to a terminal so wide."""
    if columns is None:
        done = subprocess.run([*program, *arguments], env=environment, capture_output=True)
        return done.stdout, done.stderr, done.returncode
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen([*program, *arguments], env=environment, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    printed = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the terminal has no user any more
            break
        printed += chunk
    os.close(ours)
    errors = process.communicate()[1]
    return printed, errors, process.returncode


@pytest.mark.parametrize("columns", [None, 80, 150])
@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "many-1*", "toy_resnet", "many-*"], ["list", "nothing*"], ["list", ""]],
    ids=" ".join,
)
def test_both_ways_say_the_same(variables: dict[str, str], arguments: list[str], columns: int | None) -> None:
    assert run(arguments, variables, columns) == run(arguments, variables, columns, BY_CLICK)


@pytest.mark.parametrize("columns", ["60", "100", "x"])
def test_a_width_that_is_asked_for_is_that_of_both(variables: dict[str, str], columns: str) -> None:
    environment = {**variables, "COLUMNS": columns}
    arguments = ["list", "many-1*"]
    assert run(arguments, environment, 120) == run(arguments, environment, 120, BY_CLICK)


@pytest.mark.parametrize("arguments", [["list"], ["list", "many-1*"]])
def test_it_is_answered_without_click(variables: dict[str, str], arguments: list[str]) -> None:
    script = (
        "import sys; before = set(sys.modules); from zoo import start; assert start.answer(sys.argv[1:]);"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout
    imported = set(eval(done.stderr.splitlines()[-1]))
    assert imported <= {"zoo", *sys.stdlib_module_names}
    assert not imported & {"inspect", "importlib", "dataclasses", "typing"}  # which take their time


def test_python_m_zoo_is_the_command(variables: dict[str, str]) -> None:
    module = (sys.executable, "-m", "zoo")
    for arguments in (["list", "toy_resnet"], ["--version"], ["nothing"]):
        assert run(arguments, variables, program=module) == run(arguments, variables)


def test_a_reader_that_goes_away_is_no_error(variables: dict[str, str]) -> None:
    command = f"set -o pipefail; {' '.join(map(shlex.quote, START))} list | true"
    done = subprocess.run(["bash", "-c", command], env=variables, capture_output=True, text=True)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_without_an_output_it_ends_as_click_does(variables: dict[str, str]) -> None:
    command = f"exec {' '.join(map(shlex.quote, START))} list >&-"
    done = subprocess.run(["bash", "-c", command], env=variables, capture_output=True, text=True)
    assert "Traceback" not in done.stderr


def test_where_the_folders_are_is_what_platformdirs_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOO_HOME")
    for cache, config in (("", ""), (" ", "/c"), ("/x y/z", "")):
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
        monkeypatch.setenv("XDG_CONFIG_HOME", config)
        assert index.cache_folder() == platformdirs.user_cache_dir("zoo", appauthor=False)
        assert index.config_file() == os.path.join(platformdirs.user_config_dir("zoo", appauthor=False), "config.toml")


@pytest.mark.parametrize("text", ["", "60", "0", "-5", "x", "1e3", " 70 "])
def test_the_terminals_width_is_what_shutil_says(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("COLUMNS", text)
    assert listing.terminal_columns() == shutil.get_terminal_size().columns


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=3)


@given(mentions=TEXTS, rows=st.lists(TEXTS, max_size=5), names=TEXTS)
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_the_index_says_what_it_was_told(
    tmp_path: Path, mentions: list[str], rows: list[list[str]], names: list[str]
) -> None:
    made = {"mentions": mentions, "rows": rows, "datasets": names, "runtimes": names, "plugins": names}
    states = [(index.state(str(tmp_path)), str(tmp_path))]
    path = Path(index.cache_file("index", index.key()))
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(index.text(index.key(), {"states": states, "index": made}))
    try:
        found = index.load()
    finally:
        path.unlink()
    assert found == made


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
def test_a_damaged_index_is_never_believed(random: random.Random) -> None:
    made = {"mentions": ["mention"], "rows": [["a", "1", "8×8×1", "–", "p 1", "summary"]]}
    whole = index.text(index.key(), {"states": [], "index": made})
    path = Path(index.cache_file("index", index.key()))
    path.parent.mkdir(exist_ok=True, parents=True)
    damaged = bytearray(whole)
    for _ in range(random.randrange(1, 4)):
        damaged[random.randrange(len(damaged))] = random.randrange(256)
    path.write_bytes(damaged[: random.choice([None, random.randrange(len(damaged))])])
    try:
        found = index.load()
    finally:
        path.unlink()
    assert found is None or bytes(damaged) == whole


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The candidates for the last of the words; ":file" where the shell completes files."""
    table = [[name, "", "", "", "", f"summary of {name}"] for name in ("toy_resnet", "toy_net", "vgg")]
    runtimes = ["jax", "torch", "torch-compile"]
    others = {"plugins": ["zoo-acme"], "exporters": ["csv", "tex"], "executors": ["ray"]}
    found = {"rows": table, "datasets": ["digits"], "runtimes": runtimes, **others}
    monkeypatch.setattr(names, "_index", lambda context: found)

    def candidates(*words: str) -> list[str]:
        *before, last = words or [""]
        items = ShellComplete(group, {}, "zoo", "_ZOO_COMPLETE").get_completions(before, last)
        return [f":{item.type}" if item.type != "plain" else item.value for item in items]

    return candidates


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["ben"], ["bench"]),
        ([""], list(COMMANDS)),
        (["bench", "toy"], ["toy_resnet", "toy_net"]),
        (["bench", "vgg", "toy_r"], ["toy_resnet"]),
        (["bench", "vgg", "--runtime", "to"], ["torch", "torch-compile"]),
        (["bench", "--runtime", "jax,to"], ["jax,torch", "jax,torch-compile"]),
        (["bench", "--runtime", "jax", "v"], ["vgg"]),
        (["bench", "--json", "v"], ["vgg"]),
        (["bench", "--dataset", ""], ["digits"]),
        (["bench", "--max-time", ""], []),
        (["--no-plugin", "zoo"], ["zoo-acme"]),
        (["--no-plugin", "zoo-acme", "sho"], ["show"]),
        (["show", "--diagr"], ["--diagram"]),
        (["data", ""], ["fetch", "list", "show", "verify"]),
        (["data", "verify", ""], ["digits"]),
        (["weights", "ver"], ["verify"]),
        (["results", "--model", "v"], ["vgg"]),
        (["results", "--precision", "fl"], ["float32", "float16"]),
        (["results", "export", "--format", ""], ["csv", "tex"]),
        (["bench", "--on", ""], ["local", "ray"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["compare", "x"], [":file"]),
        (["weights", "import", ""], [":file"]),
        (["bench", "\x1b", "--nonsense", "v"], ["vgg"]),
    ],
)
def test_what_is_completed(complete: Callable[..., list[str]], words: list[str], candidates: list[str]) -> None:
    assert complete(*words) == candidates


def test_what_is_switched_off_is_not_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(disabled: Sequence[str] = ()) -> registry.Registry:
        asked.append(tuple(disabled))
        return registry.of(Discovered(0))

    monkeypatch.setattr(registry, "load", load)
    monkeypatch.setattr(index, "load", lambda: {"datasets": ["acme"]})
    for options, expected in (([], ["acme"]), (["--no-plugin", "zoo-acme"], [])):
        completing = ShellComplete(group, {}, "zoo", "_ZOO_COMPLETE")
        items = completing.get_completions([*options, "bench", "toy_resnet", "--dataset"], "ac")
        assert [item.value for item in items] == expected
    assert asked == [("zoo-acme",)]


@pytest.fixture
def shell(variables: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a shell in which `zoo` is this one."""
    program = tmp_path / "bin" / "zoo"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom zoo.start import main\nmain()\n")
    program.chmod(0o755)
    return {**variables, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "TERM": "dumb"}


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("zoo ben", "zoo bench "),
        ("zoo bench toy_r", "zoo bench toy_resnet "),
        ("zoo bench --runtime keras-pr", "zoo bench --runtime keras-predict "),
        ("zoo compare ex", "zoo compare example.json "),
    ],
)
def test_bash_completes_when_tab_is_pressed(shell: dict[str, str], tmp_path: Path, line: str, completed: str) -> None:
    (tmp_path / "example.json").write_text("")
    setup = f'PS1="> "; eval "$(zoo completion bash)"; cd {tmp_path}; echo rea""dy'
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=shell,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        os.write(ours, f"{setup}\n".encode())
        _read_until(ours, b"ready\r\n")
        _read_until(ours, b"> ")
        os.write(ours, f"{line}\t#end\n".encode())
        printed = _read_until(ours, b"#end")
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert printed.decode().rpartition("> ")[2] == f"{completed}#end"


def _read_until(descriptor: int, end: bytes) -> bytes:
    printed = b""
    while not printed.endswith(end):
        printed += os.read(descriptor, 1)
    return printed


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_the_script_is_one_of_that_shell(shell: dict[str, str], name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    script = subprocess.run([*START, "completion", name], env=shell, capture_output=True, text=True, check=True).stdout
    subprocess.run([name, "-n"], input=script, text=True, check=True)


def test_fish_completes(shell: dict[str, str]) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    script = "zoo completion fish | source; complete -C 'zoo bench toy_r'"
    done = subprocess.run(["fish", "--no-config", "-c", script], env=shell, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("toy_resnet\t")


def test_zsh_completes_when_tab_is_pressed(shell: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    setup = "autoload -U compinit; compinit -u -D; eval \"$(zoo completion zsh)\"; PS1='> '; echo rea''dy"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=shell, start_new_session=True
    )
    os.close(theirs)
    try:
        os.write(ours, f"{setup}\n".encode())
        _read_until(ours, b"ready\r\n")
        _read_until(ours, b"> ")
        os.write(ours, b"zoo bench toy_r\t")
        assert _read_until(ours, b"toy_resnet").count(b"toy_r") == 1
    finally:
        process.kill()
        process.wait()
        os.close(ours)
