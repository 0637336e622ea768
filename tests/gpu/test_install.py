"""Parts and manifests: what is not as it should be is told in one line, before anything is written."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import platform
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

import bundle
import install
import pytest
from hypothesis import given
from hypothesis import strategies as st

HERE = "{}.{}".format(*sys.version_info[:2])
CONTENTS = {
    "wheels/b.whl": b"b" * 3000,
    "data/a/1.0.0/x.pack": bytes(range(256)) * 20,
    "pack.py": b"",
    "pip/pip-1-py3-none-any.whl": b"no archive",
}


def write(folder: Path, size: int = 4096) -> tuple[dict[str, Path], list[dict[str, Any]]]:
    """Files, and the parts made of them."""
    files = {}
    for name, content in CONTENTS.items():
        path = folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files[name] = path
    made = folder / "bundle"
    made.mkdir(exist_ok=True)
    return files, bundle.write_parts(files, made, size)


def make(folder: Path, **changes: Any) -> Path:
    """A bundle for this machine whose parts are right; what they hold is no installation."""
    _, parts = write(folder)
    manifest = {
        "schema": install.SCHEMA,
        "python": HERE,
        "machine": platform.machine(),
        "glibc": "2.5",
        "parts": parts,
        "wheels": [],
        "present": {},
        "dataset": None,
        "installed_bytes": 1000,
    }
    (folder / "bundle" / install.MANIFEST).write_text(json.dumps({**manifest, **changes}))
    return folder / "bundle"


@given(st.integers(1, 30_000))
def test_whatever_the_size_of_parts_they_hold_the_same(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    folder = tmp_path_factory.mktemp("parts")
    size = max(size, 100)  # or there are too many files
    _, parts = write(folder, size)
    assert all(part["bytes"] == size for part in parts[:-1])
    assert 0 <= parts[-1]["bytes"] <= size
    for part in parts:
        content = (folder / "bundle" / part["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (part["bytes"], part["sha256"])
    install.unpack(folder / "bundle", parts, folder / "into")
    assert {name: (folder / "into" / name).read_bytes() for name in CONTENTS} == CONTENTS


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, first = write(tmp_path / "a")
    files, _ = write(tmp_path / "b")
    for path in files.values():
        os.utime(path, (1, 1))
        path.chmod(0o600)
    assert bundle.write_parts(dict(reversed(files.items())), tmp_path / "b" / "bundle", 4096) == first


def test_joined_is_read_to_its_end_in_any_pieces(tmp_path: Path) -> None:
    paths = []
    for i, content in enumerate([b"abc", b"", b"defgh"]):
        paths.append(tmp_path / str(i))
        paths[-1].write_bytes(content)
    with io.BufferedReader(install.Joined(paths), 2) as file:
        assert file.read(4) == b"abcd"
        assert file.read() == b"efgh"


def test_an_archive_can_not_write_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "evil").write_bytes(b"evil")
    parts = bundle.write_parts({"../out": tmp_path / "evil"}, tmp_path / "bundle", 4096)
    with pytest.raises(install.RefusedError, match="no plain file"):
        install.unpack(tmp_path / "bundle", parts, tmp_path / "into")
    assert not (tmp_path / "out").exists()


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """The one line, after which there is nothing new."""
    into = folder / "into"
    before = sorted(into.rglob("*")) if into.exists() else None
    assert install.main(["--bundle", str(folder / "bundle"), "--into", str(into), *more]) == 2
    assert (sorted(into.rglob("*")) if into.exists() else None) == before
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_missing_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (make(tmp_path) / "bundle.001").unlink()
    assert "bundle.001 is missing" in refused(tmp_path, capsys)


def test_a_part_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.truncate(make(tmp_path) / "bundle.000", 4000)
    assert "bundle.000 has 4,000 bytes and should have 4,096; copy it again" in refused(tmp_path, capsys)


def test_a_flipped_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make(tmp_path) / "bundle.001"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    assert "bundle.001 is damaged: its sha256" in refused(tmp_path, capsys)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"python": "3.9"},
            f"the bundle is for CPython 3.9, and this is CPython {HERE}; run install.py with python3.9",
        ),
        ({"machine": "riscv64"}, "the bundle is for Linux on riscv64"),
        ({"glibc": "2.999"}, "the bundle takes glibc 2.999 or newer"),
        ({"present": {"no-such-thing": "1.0"}}, "the bundle counts on no-such-thing 1.0, which"),
        ({"installed_bytes": 10**18}, "it takes 1,000,000,000,000 MB on the disk"),
        ({"schema": "zoo.bundle/9"}, "is a 'zoo.bundle/9', and this installer takes a 'zoo.bundle/1'"),
    ],
)
def test_a_bundle_for_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], message: str
) -> None:
    make(tmp_path, **changes)
    assert message in refused(tmp_path, capsys)


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_a_damaged_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (make(tmp_path) / install.MANIFEST).write_text(content)
    assert "manifest.json is damaged; copy it again" in refused(tmp_path, capsys)


def test_no_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "name the bundle's folder with --bundle" in refused(tmp_path, capsys)


def test_something_that_is_there_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path)
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "mine").touch()
    assert "into is there already and was not made by this installer" in refused(tmp_path, capsys)
    (tmp_path / "into" / "mine").unlink()
    (tmp_path / "into" / install.STATE).write_text('{"manifest": "another", "data_dir": "/"}')
    assert "another bundle is installed in" in refused(tmp_path, capsys)


def test_what_fails_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path)
    assert install.main(["--bundle", str(folder), "--into", str(tmp_path / "new" / "into")]) == 3
    assert "nothing was installed" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_one_that_was_killed_is_begun_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path)
    into = tmp_path / "into"
    into.mkdir()
    (into / "half").touch()
    (into / install.BEGUN).touch()
    assert install.main(["--bundle", str(folder), "--into", str(into)]) == 3  # what the bundle holds can't be installed
    assert "pip" in capsys.readouterr().err
    assert not into.exists()


def test_other_versions_are_noted() -> None:
    here = importlib.metadata.version("numpy")
    assert install.check_present({"numpy": here}, install._version) == []
    assert install.check_present({"numpy": "0.1"}, install._version) == [
        f"! numpy is {here} here, and the bundle was made for 0.1"
    ]


def test_space_is_added_up_on_one_disk(tmp_path: Path) -> None:
    needed = {tmp_path / "a" / "b": 600, tmp_path / "c": 600}
    install.check_space(needed, lambda folder: 1200)
    with pytest.raises(install.RefusedError, match=r"it takes 0 MB on the disk of"):
        install.check_space(needed, lambda folder: 1199)


@pytest.mark.real
def test_an_environment_sees_the_packages_of_a_virtual_one_after_its_own(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in ("zoo_seen", "zoo_both"):
        (theirs / f"{name}.py").write_text("who = 'theirs'\n")
    (theirs / "more.pth").write_text(f"{tmp_path / 'more'}\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "zoo_more.py").write_text("who = 'more'\n")
    python = install.make_environment(tmp_path / "new", [str(theirs)], False)
    (own,) = (tmp_path / "new" / "lib").glob("python*/site-packages")
    (own / "zoo_both.py").write_text("who = 'own'\n")
    script = "import zoo_seen, zoo_both, zoo_more; print(zoo_seen.who, zoo_both.who, zoo_more.who)"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "theirs own more\n"


def test_a_python_in_a_virtual_environment_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert install.target_folders() == []
    assert install.sees_system()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert install.target_folders() == site.getsitepackages()
    assert not install.sees_system()
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = true\n")
    assert install.sees_system()
