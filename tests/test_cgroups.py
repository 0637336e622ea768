"""Limits of control groups, from trees of files as the kernel shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo import cores
from zoo.cgroups import Groups, Quota, Throttling


class Machine:
    """A folder that looks like `/proc/self` and the mounted control groups."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.mounted = folder / "proc", folder / "cgroup"
        self.proc.mkdir()
        self.paths: list[str] = []
        self.mounts = ["23 1 0:21 / /proc rw,relatime - proc proc rw"]

    def version_2(self, path: str, top: str = "/", at: str = "") -> Machine:
        self.paths.append(f"0::{path}")
        self.mounts.append(f"31 23 0:28 {top} {self.mounted / at} rw shared:9 master:1 - cgroup2 cgroup rw,nsdelegate")
        return self

    def version_1(self, path: str, top: str = "/", controllers: str = "cpu,cpuacct") -> Machine:
        self.paths.append(f"4:{controllers}:{path}")
        self.mounts.append(f"32 31 0:29 {top} {self.mounted / controllers} rw - cgroup cgroup rw,{controllers}")
        return self

    def put(self, path: str, content: str) -> Machine:
        (self.mounted / path).parent.mkdir(parents=True, exist_ok=True)
        (self.mounted / path).write_text(f"{content}\n")
        return self

    def groups(self) -> Groups:
        (self.proc / "cgroup").write_text("".join(f"{line}\n" for line in self.paths))
        (self.proc / "mountinfo").write_text("".join(f"{line}\n" for line in self.mounts))
        return Groups.of_this_process(self.proc)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_version_2_has_a_quota_and_a_limit_of_memory(machine: Machine) -> None:
    machine.version_2("/").put("cpu.max", "150000 100000").put("memory.max", "1073741824")
    groups = machine.groups()
    assert groups.quota() == Quota(150_000, 100_000)
    assert groups.quota().cores == 1.5  # type: ignore[union-attr]
    assert groups.memory_limit_bytes() == 2**30


def test_no_limit_is_none_in_version_2(machine: Machine) -> None:
    groups = machine.version_2("/a").put("a/cpu.max", "max 100000").put("a/memory.max", "max").groups()
    assert (groups.quota(), groups.memory_limit_bytes(), groups.throttling()) == (None, None, None)


@pytest.mark.parametrize("tight", ["", "a/", "a/b/"])
def test_of_nested_groups_the_tightest_counts(machine: Machine, tight: str) -> None:
    machine.version_2("/a/b")
    for folder in ("", "a/", "a/b/"):
        machine.put(f"{folder}cpu.max", "50000 100000" if folder == tight else "400000 100000")
        machine.put(f"{folder}memory.max", "1000" if folder == tight else "2000")
    groups = machine.groups()
    assert groups.quota() == Quota(50_000, 100_000)
    assert groups.memory_limit_bytes() == 1000


def test_shares_are_compared_and_not_numbers(machine: Machine) -> None:
    groups = machine.version_2("/a").put("cpu.max", "20000 10000").put("a/cpu.max", "100000 100000").groups()
    assert groups.quota() == Quota(100_000, 100_000)


def test_version_1_has_the_same_in_files_of_other_names(machine: Machine) -> None:
    machine.version_1("/a/b").version_1("/a", controllers="memory").version_2("/", at="unified")
    machine.put("cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1").put("cpu,cpuacct/a/b/cpu.cfs_period_us", "100000")
    machine.put("cpu,cpuacct/a/cpu.cfs_quota_us", "50000").put("cpu,cpuacct/a/cpu.cfs_period_us", "100000")
    machine.put("memory/memory.limit_in_bytes", "9223372036854771712").put("memory/a/memory.limit_in_bytes", "4096")
    groups = machine.groups()
    assert groups.quota() == Quota(50_000, 100_000)
    assert groups.memory_limit_bytes() == 4096


def test_no_limit_is_none_in_version_1(machine: Machine) -> None:
    machine.version_1("/").version_1("/", controllers="memory")
    machine.put("cpu,cpuacct/cpu.cfs_quota_us", "-1").put("cpu,cpuacct/cpu.cfs_period_us", "100000")
    machine.put("memory/memory.limit_in_bytes", "9223372036854771712")
    groups = machine.groups()
    assert (groups.quota(), groups.memory_limit_bytes()) == (None, None)


def test_a_container_whose_groups_begin_below_the_top(machine: Machine) -> None:
    machine.version_1("/docker/abc/inner", top="/docker/abc")
    machine.put("cpu,cpuacct/inner/cpu.cfs_quota_us", "100000").put("cpu,cpuacct/inner/cpu.cfs_period_us", "50000")
    assert machine.groups().quota() == Quota(100_000, 50_000)


@pytest.mark.parametrize("path", ["/elsewhere", "/../../user.slice", "/docker/other"])
def test_a_process_that_is_elsewhere_has_the_limits_at_the_top(machine: Machine, path: str) -> None:
    machine.version_2(path, top="/docker/abc" if "docker" in path else "/")
    assert machine.put("cpu.max", "30000 100000").groups().quota() == Quota(30_000, 100_000)


def test_a_folder_with_a_blank_in_its_name_is_found(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.mounted = tmp_path / "c group"
    machine.version_2("/").put("cpu.max", "30000 100000")
    machine.mounts = [line.replace("c group", r"c\040group") for line in machine.mounts]
    assert machine.groups().quota() == Quota(30_000, 100_000)


def test_throttling_is_that_of_the_group_that_was_held_back_longest(machine: Machine) -> None:
    machine.version_2("/a/b")
    for folder, periods, microseconds in (("a/", 3, 1_500_000), ("a/b/", 7, 20)):
        machine.put(f"{folder}cpu.max", "50000 100000")
        machine.put(
            f"{folder}cpu.stat", f"usage_usec 9\nnr_periods 9\nnr_throttled {periods}\nthrottled_usec {microseconds}"
        )
    assert machine.groups().throttling() == Throttling(3, 1.5)


def test_version_1_counts_throttling_in_nanoseconds(machine: Machine) -> None:
    machine.version_1("/a").put("cpu,cpuacct/a/cpu.cfs_quota_us", "50000")
    machine.put("cpu,cpuacct/a/cpu.cfs_period_us", "100000")
    machine.put("cpu,cpuacct/a/cpu.stat", "nr_periods 9\nnr_throttled 4\nthrottled_time 2500000000")
    assert machine.groups().throttling() == Throttling(4, 2.5)


@pytest.mark.parametrize("content", ["", "nr_throttled", "nr_throttled many\nthrottled_usec 1"])
def test_counters_that_are_not_there_are_none(machine: Machine, content: str) -> None:
    machine.version_2("/").put("cpu.max", "50000 100000").put("cpu.stat", content)
    assert machine.groups().throttling() is None


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    groups = Groups.of_this_process(tmp_path / "nowhere")
    assert (groups.quota(), groups.memory_limit_bytes(), groups.throttling()) == (None, None, None)


@pytest.mark.parametrize(
    ("affinity", "quota", "usable"),
    [
        ({3, 5}, None, 2),
        ({0, 1, 2, 3}, Quota(150_000, 100_000), 2),
        ({0, 1, 2, 3}, Quota(20_000, 100_000), 1),
        ({0, 1}, Quota(800_000, 100_000), 2),
    ],
)
def test_usable_are_the_cores_of_the_process_as_far_as_its_quota_goes(
    monkeypatch: pytest.MonkeyPatch, affinity: set[int], quota: Quota | None, usable: int
) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: affinity, raising=False)
    monkeypatch.setattr(cores.Groups, "quota", lambda _: quota)
    assert cores.usable_cores() == usable
    assert cores.schedulable_cores() == len(affinity)
