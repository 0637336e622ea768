"""What is read from the installed distributions is what `importlib.metadata` reads."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

import pytest

from zoo.installed import Plugin, entry_points, versions


@pytest.mark.parametrize("group", ["zoo", "console_scripts", "pytest11", "no_such_group"])
def test_it_agrees_with_the_standard_library(group: str) -> None:
    expected = {
        (p.dist.name, p.name, p.dist.version, p.value.partition("[")[0].strip())
        for p in importlib.metadata.entry_points(group=group)
        if p.dist is not None
    }
    assert {(p.distribution, p.name, p.version, p.reference) for p in entry_points(group)} == expected


def _install(folder: Path, name: str, version: str, text: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nVersion: 9\n")
    (info / "entry_points.txt").write_text(text)


def test_the_first_folder_on_the_path_wins(tmp_path: Path) -> None:
    _install(tmp_path / "a", "my-net", "1.0", "[zoo]\nnet = my_net\n")
    _install(tmp_path / "b", "my-net", "2.0", "[zoo]\nnet = my_net\n")
    found = entry_points("zoo", [str(tmp_path / "b"), str(tmp_path / "a")])
    assert found == [Plugin("net", "my-net", "2.0", "my_net")]


def test_only_the_group_is_read(tmp_path: Path) -> None:
    text = "[console_scripts]\nx = y:z\n\n[zoo]\n# a comment\n b = m.n : attribute \na=m\n[zoological]\nc = d\n"
    _install(tmp_path, "net", "1.0", text)
    assert [(p.name, p.reference) for p in entry_points("zoo", [str(tmp_path)])] == [
        ("a", "m"),
        ("b", "m.n:attribute"),
    ]


def test_what_is_no_folder_or_not_readable_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "python311.zip"
    file.write_bytes(b"PK")
    (tmp_path / "odd.dist-info").mkdir()
    assert entry_points("zoo", [str(file), str(tmp_path / "nowhere"), str(tmp_path)]) == []


def test_versions_are_the_standard_librarys(tmp_path: Path) -> None:
    names = ["numpy", "tensorflow-datasets", "scikit_learn", "Keras", "no-such-thing"]
    found = versions(names)
    assert list(found) == names[:-1]
    assert found == {name: importlib.metadata.version(name) for name in names[:-1]}
    _install(tmp_path / "a", "my-net", "1.0", "")
    _install(tmp_path / "b", "my-net", "2.0", "")
    assert versions(["my.net"], [str(tmp_path / "b"), str(tmp_path / "a")]) == {"my.net": "2.0"}


def test_all_that_is_installed_has_one_version(tmp_path: Path) -> None:
    _install(tmp_path / "a", "My_Net", "1.0", "")
    _install(tmp_path / "b", "my.net", "2.0", "")
    _install(tmp_path / "b", "other", "3.0", "[zoo]\nx = y\n")
    assert versions(path=[str(tmp_path / "b"), str(tmp_path / "a")]) == {"my-net": "2.0", "other": "3.0"}
    assert versions()["numpy"] == importlib.metadata.version("numpy")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    _install(tmp_path, "fine", "1.0", "[zoo]\nx = y\n")
    for name, file in (("a", "entry_points.txt"), ("b", "METADATA")):
        _install(tmp_path, name, "1.0", "[zoo]\nx = y\n")
        (tmp_path / f"{name}-1.0.dist-info" / file).unlink()
        os.mkfifo(tmp_path / f"{name}-1.0.dist-info" / file)
    found = {(point.distribution, point.version) for point in entry_points("zoo", [str(tmp_path)])}
    assert found == {("fine", "1.0"), ("b", "1.0")}
