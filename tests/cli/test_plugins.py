"""`zoo plugins`: the table, and putting plugins in and out of an environment, a broken one among them."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from distributions import declaring
from support import Zoo

from zoo.cli import plugins
from zoo.errors import UsageError, ZooError

Run = Callable[..., subprocess.CompletedProcess[str]]


def make_wheel(folder: Path, name: str, source: str) -> Path:
    """A wheel with one module, by hand."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[zoo]\n{name} = {module}\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    wheel = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, content)
    return wheel


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `zoo` in an environment of its own, which sees what this one has."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this environment has no pip")
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    (site / "others.pth").write_text("\n".join(path for path in sys.path if path and Path(path).is_dir()))
    program = [folder / "venv" / "bin" / "python", "-P", "-c", "from zoo.start import main; main()"]
    variables = {**os.environ, "ZOO_HOME": str(folder / "home"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*program, *arguments], capture_output=True, text=True, env=variables, cwd=folder)

    return run


def test_plugins_are_installed_and_uninstalled_beside_a_broken_one(environment: Run, tmp_path: Path) -> None:
    fine = make_wheel(tmp_path, "acme-fine", declaring("acme-net"))
    broken = make_wheel(tmp_path, "acme-broken", "raise SystemExit(7)")
    for wheel in (broken, fine):
        done = environment("plugins", "install", "--quiet", "--no-index", "--no-deps", str(wheel))
        assert done.returncode == 0, done.stderr
    listed = environment("list", "acme-net")
    assert "acme-fine 1.0" in listed.stdout
    assert "plugin acme-broken 1.0: SystemExit: 7 [exits]" in listed.stderr
    shown = {line["name"]: line for line in json.loads(environment("plugins", "--json").stdout)}
    assert shown["acme-fine"]["origin"] == str(fine)
    assert shown["acme-fine"]["brings"]["models"] == ["acme-net"]
    assert shown["acme-broken"]["state"] == "not used: exits"
    done = environment("plugins", "uninstall", "--yes", "acme-broken", "acme-fine")
    assert done.returncode == 0, done.stderr
    listed = environment("list", "acme-net")
    assert listed.returncode == 2
    assert "acme-broken" not in listed.stderr


def test_without_pip_uv_does_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    uv.chmod(stat.S_IRWXU)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    plugins._run("install", ["-U", "zoo-acme"])
    assert (tmp_path / "asked").read_text() == f"pip install --python {sys.executable} -U zoo-acme\n"
    uv.write_text("#!/bin/sh\nexit 2\n")
    with pytest.raises(ZooError, match="uv install failed with exit code 2"):
        plugins._run("install", ["zoo-acme"])
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="there is neither pip nor uv"):
        plugins._run("install", ["zoo-acme"])


def test_the_table_says_what_each_brings_and_how_long_it_took(in_process: Zoo) -> None:
    done = in_process("plugins")
    assert done.returncode == 0
    assert done.stderr == ""
    headers, _, core, *lines = done.stdout.splitlines()
    assert headers.split() == ["plugin", "version", "brings", "from", "state", "read", "in"]
    assert core.startswith("zoobench ")
    (toy,) = [line for line in lines if line.startswith("zoo-toy-resnet ")]
    assert "models toy_resnet" in toy
    assert toy.endswith(("ms", " s"))
    (toy,) = [p for p in json.loads(in_process("plugins", "--json").stdout) if p["name"] == "toy-resnet"]
    assert {kind: names for kind, names in toy["brings"].items() if names} == {"models": ["toy_resnet"]}
    assert toy["load_s"] > 0
    assert toy["findings"] == []
    assert toy["state"] == "used"
    assert in_process("plugins", "--refresh", "--format", "tsv").stdout.count("\t") > 10


def test_a_plugin_that_is_switched_off_says_so(in_process: Zoo, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[plugins]\ndisabled = ["toy-resnet"]\n')
    variables = {"ZOO_HOME": str(tmp_path)}
    for _ in range(2):
        assert "\ntoy_resnet " not in in_process("list", **variables).stdout
    (toy,) = [p for p in json.loads(in_process("plugins", "--json", **variables).stdout) if p["name"] == "toy-resnet"]
    assert toy["state"] == "switched off"
    (tmp_path / "config.toml").write_text("")
    assert "\ntoy_resnet " in in_process("list", **variables).stdout
    (tmp_path / "config.toml").write_text("[plugins\n")
    done = in_process("list", **variables)
    assert done.returncode == 2
    assert done.stderr.startswith(f"zoo: {tmp_path}/config.toml is not TOML: ")
    assert done.stderr.count("\n") == 1
