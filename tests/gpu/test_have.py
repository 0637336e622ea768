"""What the target has, from each of the lists that pip prints."""

from __future__ import annotations

import json

import have
import pytest

LIST = """\
Package            Version      Editable project location
------------------ ------------ -------------------------
Jinja2             3.1.6
torch              2.11.0+cu126
typing_extensions  4.16.0
zoobench           0.1.0        /home/me/zoo
"""

FREEZE = """\
# what was there in June
Jinja2==3.1.6
torch @ https://download.example/whl/torch-2.11.0%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl#sha256=00
typing_extensions===4.16.0
-e git+https://example.org/zoo@0123#egg=zoobench
odd @ file:///tmp/odd
"""

FOUND = {"jinja2": "3.1.6", "torch": "2.11.0+cu126", "typing-extensions": "4.16.0"}


def test_a_table() -> None:
    assert have.parse(LIST) == {**FOUND, "zoobench": "0.1.0"}


def test_what_was_frozen_and_what_has_no_version_counts_as_missing() -> None:
    assert have.parse(FREEZE) == FOUND


def test_json() -> None:
    rows = [{"name": name, "version": version} for name, version in FOUND.items()]
    assert have.parse(json.dumps(rows)) == FOUND


def test_nothing_and_a_byte_order_mark() -> None:
    assert have.parse("") == {}
    assert have.parse("\ufeffnumpy==2.4.6\r\n") == {"numpy": "2.4.6"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("numpy\n", "the line 'numpy' is none"),
        ("[{]", "begins as JSON"),
        ('[{"name": "numpy"}]', "begins as JSON"),
        ("numpy==new", "numpy has the version 'new'"),
    ],
)
def test_what_is_no_list_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        have.parse(text)
