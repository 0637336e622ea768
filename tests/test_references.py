"""Modules are found without running what lies around them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zoo.keras_backend import is_installed
from zoo.references import find


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with packages that can't be imported."""
    for name in ("raising", "raising/below"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit(7)")
    (tmp_path / "spaced" / "below").mkdir(parents=True)  # namespace packages
    (tmp_path / "alone.py").write_text("raise SystemExit(7)")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_module_is_found_and_nothing_is_run(site: Path) -> None:
    for path in (None, [str(site)]):
        found = find("raising.below", path)
        assert found is not None
        assert found.origin == str(site / "raising" / "below" / "__init__.py")
        assert found.submodule_search_locations == [str(site / "raising" / "below")]
        spaced = find("spaced.below", path)
        assert spaced is not None
        assert [*(spaced.submodule_search_locations or ())] == [str(site / "spaced" / "below")]
    assert not {"raising", "spaced"} & sys.modules.keys()


@pytest.mark.parametrize("name", ["nothing", "raising.nothing", "alone.below", "__main__", "", ".", "raising..below"])
def test_what_is_not_there_is_none(site: Path, name: str) -> None:
    assert find(name, [str(site)]) is None
    if name != "__main__":
        assert find(name) is None
    assert is_installed(name) == (find(name) is not None)
