"""docs/own-pictures.md: its commands, typed as they stand, in a folder with pictures of all sizes and formats."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pictures
import pytest
from support import Zoo

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "own-pictures.md").read_text()
COMMANDS = re.findall(r"^\$ zoo (.+)$", PAGE, re.MULTILINE)

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_five_commands_from_a_clone() -> None:
    assert re.findall(r"^    (make .+)$", PAGE, re.MULTILINE) == ["make bench"]
    assert len(COMMANDS) == 4


def test_pictures_of_your_own(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures.make(tmp_path / "photos")
    new = pictures.draw_new(tmp_path / "new.jpg")
    monkeypatch.chdir(tmp_path)
    outputs = []
    for command in COMMANDS:
        done = zoo(*shlex.split(command), ZOO_HOME=str(tmp_path / "home"), timeout=600)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    trained, measured, scored, predicted = outputs
    score = re.match(r"toy_resnet on folder:photos: (\d+\.\d) %", trained)
    assert score is not None
    assert float(score[1]) > 85  # of 48 images of four classes
    assert f"{score[1]} %" in measured
    assert f"{score[1]} % (" in scored
    titles = [node.text or "" for node in ElementTree.parse("confusion.svg").iter() if node.tag.endswith("title")]
    assert sum(int(title.rpartition(": ")[2].partition(" ")[0]) for title in titles[1:]) == 48
    assert predicted.splitlines()[-1].split()[:2] == ["new.jpg", new]
