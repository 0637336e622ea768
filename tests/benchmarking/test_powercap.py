"""The processor's energy counter: which zones count, how far a counter went, and why there is none."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.benchmarking import powercap
from zoo.benchmarking.powercap import Powercap, Zone, difference

MOST = 262_143_328_850


def zone(root: Path, folder: str, name: str, energy: str, most: str | None = str(MOST)) -> Path:
    made = root / folder
    made.mkdir()
    (made / "name").write_text(f"{name}\n")
    (made / "energy_uj").write_text(f"{energy}\n")
    if most is not None:
        (made / "max_energy_range_uj").write_text(f"{most}\n")
    return made


def test_packages_add_up_and_nothing_counts_twice(tmp_path: Path) -> None:
    one = zone(tmp_path, "intel-rapl:0", "package-0", "1000000")
    two = zone(tmp_path, "intel-rapl:1", "package-1", str(MOST))
    zone(tmp_path, "intel-rapl:0:0", "core", "7")
    zone(tmp_path, "intel-rapl:2", "psys", "8")
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", "9")
    (tmp_path / "intel-rapl").mkdir()
    counter = powercap.find(tmp_path).value
    assert counter is not None
    before = counter.read().value
    assert before == (1_000_000, MOST)
    (one / "energy_uj").write_text("3500000\n")
    (two / "energy_uj").write_text("499999\n")
    after = counter.read().value
    assert after is not None
    assert counter.joules(before, after).value == pytest.approx(3.0)


@pytest.mark.parametrize("name", ["psys", "core", None])
def test_without_a_package_there_is_no_counter(tmp_path: Path, name: str | None) -> None:
    if name is not None:
        zone(tmp_path, "intel-rapl:0", name, "1")
    assert powercap.find(tmp_path).code == "no_counter"


def test_without_the_tree_there_is_no_counter(tmp_path: Path) -> None:
    assert powercap.find(tmp_path / "nothing").code == "no_counter"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_counter_for_root_only_says_so(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", "1").joinpath("energy_uj").chmod(0)
    assert powercap.find(tmp_path).code == "no_permission"


def test_one_package_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", "1")
    second = zone(tmp_path, "intel-rapl:1", "package-1", "1") / "energy_uj"
    read = Path.read_text

    def refuse(path: Path) -> str:
        if path == second:
            raise PermissionError
        return read(path)

    monkeypatch.setattr(Path, "read_text", refuse)
    found = powercap.find(tmp_path)
    assert found.code == "no_permission"
    assert "chmod a+r" in found.reason


@pytest.mark.parametrize("content", ["", "nonsense"])
def test_a_counter_that_holds_no_number_is_an_error(tmp_path: Path, content: str) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", content)
    assert powercap.find(tmp_path).code == "error"


def test_a_counter_that_goes_back_and_has_no_range_is_not_guessed_at(tmp_path: Path) -> None:
    counter = Powercap([Zone(tmp_path / "energy_uj", None)])
    assert counter.joules((10,), (9,)).code == "counter_reset"
    assert counter.joules((9,), (10,)).value == pytest.approx(1e-6)


@given(st.integers(1, 2**48), st.data())
def test_a_counter_that_began_from_zero_once_counts_right(most: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(0, most))
    used = data.draw(st.integers(0, most))
    assert difference(before, (before + used) % (most + 1), most) == used


@given(st.integers(1, 2**48), st.data())
def test_windows_that_follow_each_other_add_up(most: int, data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.integers(0, most), min_size=1, max_size=20))
    count = data.draw(st.integers(0, most))
    counts = [count]
    for step in steps:
        counts.append((counts[-1] + step) % (most + 1))
    pairs = itertools.pairwise(counts)
    assert sum(difference(before, after, most) for before, after in pairs) == sum(steps)
