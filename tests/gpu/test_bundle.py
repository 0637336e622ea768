"""A bundle's folder, and one that is made and installed without a network."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import bundle
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = "{}.{}".format(*sys.version_info[:2])


def test_what_is_right_already_stays(tmp_path: Path) -> None:
    def folder(name: str, **files: str) -> Path:
        (tmp_path / "work" / name).mkdir(parents=True)
        for file, content in files.items():
            (tmp_path / "work" / name / file).write_text(content)
        return tmp_path / "work" / name

    out = tmp_path / "out"
    bundle._publish(folder("first", a="1", b="2"), out)
    before = {path.name: path.stat().st_ino for path in out.iterdir()}
    bundle._publish(folder("same", a="1", b="2"), out)
    assert {path.name: path.stat().st_ino for path in out.iterdir()} == before
    bundle._publish(folder("other", a="1", b="3", c="4"), out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {"a": "1", "b": "3", "c": "4"}
    assert (out / "a").stat().st_ino == before["a"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--python", "3"], "--python is such as 3.12"),
        (["--glibc", "new"], "--glibc such as 2.28"),
        (["--dataset", "cifar10"], "--dataset and --data-dir go together"),
        (["--part-mib", "0"], "--part-mib is at least 1"),
        (["--have", "no/such/file"], "can't read no/such/file: No such file"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    try:
        code = bundle.main(["--out", str(tmp_path / "out"), *arguments])
    except SystemExit as end:  # argparse's
        code = int(str(end.code))
    assert code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_what_is_no_bundle_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").touch()
    assert bundle.main(["--out", str(tmp_path)]) == 3
    assert "is there already and is no bundle" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_dataset_that_comes_with_its_plugin_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="digits comes with its plugin, which the bundle has; leave out --dataset"):
        bundle._pack("digits", tmp_path, tmp_path / "packed")
    assert not (tmp_path / "packed").exists()


def test_every_plugin_is_in_it_but_those_whose_runtimes_are_large() -> None:
    names = {path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml")}
    assert {path.name for path in bundle._plugins(runtimes=True)} == names
    assert {path.name for path in bundle._plugins(runtimes=False)} == names - set(bundle.OPTIONAL)
    assert set(bundle.OPTIONAL) < names


@pytest.mark.real
@pytest.mark.slow
def test_it_is_installed_without_a_network(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["ZOO_HOME"] = str(tmp_path / "home")

    def run(*command: str | Path, **more: str) -> str:
        done = subprocess.run(
            list(map(str, command)), env={**environment, **more}, cwd=tmp_path, capture_output=True, text=True
        )
        if "no package index can be reached" in done.stderr:
            pytest.skip("no package index can be reached")
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = tmp_path / "have.json"
    listed.write_text(run(sys.executable, "-m", "pip", "list", "--format", "json"))
    data = tmp_path / "data"
    data.mkdir()
    make = [sys.executable, ROOT / "benchmarks" / "gpu" / "bundle.py", "--out", tmp_path / "bundle", "--python", HERE]
    make += ["--have", listed, "--dataset", "shapes", "--data-dir", data, "--part-mib", "1"]
    run(*make, PYTHONPATH=str(ROOT))
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_bytes())
    assert {"zoobench", "zoo-toy-resnet", "zoo-onnxruntime"} <= {wheel["name"] for wheel in manifest["wheels"]}
    assert "keras" in manifest["present"]
    assert len(manifest["parts"]) > 2

    carried = shutil.copytree(tmp_path / "bundle", tmp_path / "carried")
    installer = ["unshare", "-n", sys.executable, carried / "install.py", "--into", tmp_path / "zoo"]
    said = run(*installer).splitlines()
    into = tmp_path / "zoo"
    assert (
        said[-1]
        == f"next: {into}/bin/zoo bench toy_resnet --runtime tensorflow --dataset shapes --data-dir {into}/data"
    )
    assert "nothing to do" in run(*installer)
    assert "toy_resnet" in run("unshare", "-n", into / "bin" / "zoo", "list")
    where = run(into / "bin" / "python", "-c", "import zoo, keras; print(zoo.__file__, keras.__file__)").split()
    assert [Path(file).is_relative_to(into) for file in where] == [True, False]
    command = [*shlex.split(said[-1].removeprefix("next: ")), "--max-time", "2", "--batch-size", "1", "--json"]
    (result,) = json.loads(run("unshare", "-n", *command))
    assert result["outcome"] == "ok"
