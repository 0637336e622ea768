"""Plugins are told of each Result that was stored, between scenarios; what they do costs nobody else anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from distributions import Site
from support import make_result

from zoo.errors import ZooError
from zoo.executors.local import Completed
from zoo.installed import Plugin
from zoo.plugins.discover import discover
from zoo.plugins.reader import read
from zoo.record.result import Result
from zoo.registry import of
from zoo.results import listeners
from zoo.results.listeners import Listeners

HEARS = """
import os
import zoo

@zoo.hookimpl
def zoo_result_recorded(result):
    assert isinstance(result, zoo.Result)
    with open(os.environ["HEARD"], "a") as file:
        print(result.id, file=file)
"""
HOOK = "import os, sys, time\nimport zoo\n@zoo.hookimpl\ndef zoo_result_recorded(result):\n    {}\n"
MORE = "@zoo.hookimpl(specname='zoo_result_recorded')\ndef more"
TWICE = HEARS + HEARS.replace("@zoo.hookimpl\ndef zoo_result_recorded", MORE)
FAILS = {
    "raises": (HOOK.format("1 / 0"), "ZeroDivisionError: division by zero"),
    "exits": (HOOK.format("sys.exit(1)"), "SystemExit: 1"),
    "ends": (HOOK.format("os._exit(0)"), "exited with code 0 before it was done"),
    "crashes": (HOOK.format("os.abort()"), "ended by SIGABRT"),
    "vanishes": (HEARS.replace("import zoo", "import no_such_module"), "No module named 'no_such_module'"),
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Where plugins are installed, for this process and those that it starts."""
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    monkeypatch.syspath_prepend(str(site.folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site.folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("HEARD", str(tmp_path / "heard"))
    return site


def heard(tmp_path: Path) -> list[str]:
    return (tmp_path / "heard").read_text().split()


def test_every_implementation_is_called_with_the_result_as_it_was_stored(site: Site, tmp_path: Path) -> None:
    site.install("zoo-twice", TWICE)
    result, said = make_result(), list[str]()
    Listeners(site.points(), said.append).tell(result)
    assert heard(tmp_path) == [result.id, result.id]
    assert said == []


def test_one_that_takes_no_argument_is_called_too(site: Site, tmp_path: Path) -> None:
    site.install("zoo-plain", HEARS.replace("(result)", "()").replace("result.id", "7").replace("assert", "'' #"))
    Listeners(site.points(), pytest.fail).tell(make_result())
    assert heard(tmp_path) == ["7"]


@pytest.mark.parametrize("name", FAILS)
def test_one_that_fails_is_a_line_and_the_next_is_told(site: Site, tmp_path: Path, name: str) -> None:
    site.install("zoo-a", FAILS[name][0])
    site.install("zoo-b", HEARS)
    result, said = make_result(), list[str]()
    Listeners(site.points(), said.append).tell(result)
    assert heard(tmp_path) == [result.id]
    (line,) = said
    assert line.startswith(f"plugin zoo-a 1.0 (plugin), told of {result.id}: ")
    assert FAILS[name][1] in line
    assert "\n" not in line


def test_one_that_takes_too_long_is_ended_and_not_told_again(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert listeners.TIMEOUT_S == 30
    monkeypatch.setattr(listeners, "TIMEOUT_S", 1)
    site.install("zoo-slow", HOOK.format("time.sleep(300)"))
    said: list[str] = []
    telling = Listeners(site.points(), said.append)
    for number in range(3):
        telling.tell(make_result(number))
    (line,) = said
    assert "not done after 1 s" in line


def test_where_no_process_can_be_started_it_is_a_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise ZooError("can't start a process: no memory")

    monkeypatch.setattr(listeners, "run", fails)
    said: list[str] = []
    site.install("zoo-hears", HEARS)
    Listeners(site.points(), said.append).tell(make_result())
    assert said == [
        f"plugin zoo-hears 1.0 (plugin) was not told of {make_result().id}: can't start a process: no memory"
    ]


def test_without_a_listener_for_warnings_python_warns(site: Site) -> None:
    site.install("zoo-a", FAILS["raises"][0])
    with pytest.warns(UserWarning, match="ZeroDivisionError"):
        Listeners(site.points()).tell(make_result())


def test_the_registry_names_those_that_listen_and_are_not_switched_off(site: Site) -> None:
    site.install("zoo-hears", HEARS)
    site.install("zoo-deaf", "import zoo\n@zoo.hookimpl\ndef zoo_models(): return []")
    names = {plugin.distribution for plugin in of(discover()).listeners}
    assert names == {"zoo-hears"}
    assert of(discover(["zoo-hears"])).listeners == []
    (record,) = read([point for point in site.points() if point.distribution == "zoo-hears"])
    assert record.listens
    assert record.is_used


def test_what_is_held_is_told_of_when_nothing_is_measured_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def tell(_: object, result: Result) -> Completed:
        told.append(result.id)
        return Completed("ok", {})

    monkeypatch.setattr(listeners, "tell", tell)
    telling = Listeners([Plugin("a", "a", "1", "a")], pytest.fail, hold=True)
    for number in range(2):
        telling.tell(make_result(number))
    assert told == []
    telling.tell_held()
    telling.tell_held()
    assert told == [make_result(0).id, make_result(1).id]
