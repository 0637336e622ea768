"""What a folder of images is called in records: nothing of where it lies, and a name that a shell takes as it is."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from zoo.data import folder_names
from zoo.data.folder_names import place_of, recorded_name


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("own", ["pets", "my pets", "it's; rm -rf $HOME", "ねこ", "x" * 200])
def test_a_recorded_name_leads_back_and_says_nothing_of_the_place(tmp_path: Path, own: str) -> None:
    folder = tmp_path / "alice" / own
    folder.mkdir(parents=True)
    name = recorded_name(folder)
    assert name == recorded_name(folder)
    assert "alice" not in name
    assert shlex.split(name) == [name]
    assert place_of(name.removeprefix("folder:")) == folder


def test_two_folders_of_one_name_have_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_names, "DIGITS", (0, 8))  # as if the first digits were the same
    monkeypatch.setattr(folder_names, "RECORDED", folder_names.re.compile(r"[\w-]+"))
    folders = [tmp_path / owner / "pets" for owner in ("alice", "bob")]
    for folder in folders:
        folder.mkdir(parents=True)
    names = [recorded_name(folder) for folder in folders]
    assert len(set(names)) == 2
    assert [place_of(name.removeprefix("folder:")) for name in names] == folders


def test_a_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "pets")
    assert recorded_name(tmp_path / "link") == recorded_name(tmp_path / "pets")


@pytest.mark.parametrize("name", ["pets-0000", "../etc-1234", "pets", ""])
def test_what_was_never_recorded_leads_nowhere(name: str) -> None:
    assert place_of(name) is None


def test_a_folder_that_is_gone_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    name = recorded_name(tmp_path / "pets")
    (tmp_path / "pets").rmdir()
    assert place_of(name.removeprefix("folder:")) is None


def test_where_nothing_can_be_written_a_folder_still_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "pets").mkdir()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "file"))
    assert recorded_name(tmp_path / "pets").startswith("folder:pets-")
