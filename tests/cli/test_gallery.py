"""The gallery of bad plugins, all installed at once: each is told what is wrong with it, and the zoo goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from distributions import settle
from gallery import GALLERY, SLOW, install_all
from support import Zoo

from zoo.authoring.check.api import OBSERVER
from zoo.findings import codes
from zoo.installed import entry_points
from zoo.plugins.reader import read
from zoo.plugins.record import Record

BESIDES = {"patches-keras": ["heavy-import"], "prints-forever": ["prints"]}  # where manners are looked at, too
USED = {
    "heavy", "printer", "threaded", "processed", "environmental", "mover", "pathfinder", "printless",
    "patcher", "rewriter", "weighty",
}  # fmt: skip


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, zoo: Zoo) -> dict[str, str]:
    """The variables under which all of them are installed, and the zoo uses jax, which is imported soonest."""
    folder = tmp_path_factory.mktemp("bad")
    install_all(folder)
    settle()
    home = tmp_path_factory.mktemp("home")
    variables = {"PYTHONPATH": str(folder), "ZOO_HOME": str(home), "KERAS_BACKEND": "jax"}
    # Those that only take their time get it, however busy the machine is; those that never end are then given less.
    off = ",".join(f"bad-{name}" for name in SLOW)
    assert zoo("list", ZOO_DISABLE_PLUGINS=off, ZOO_PLUGIN_TIMEOUT="200", **variables).returncode == 0
    return {**variables, "ZOO_PLUGIN_TIMEOUT": "1"}


@pytest.fixture(scope="module")
def listed(zoo: Zoo, bad: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`zoo list --json` beside all of them."""
    return zoo("list", "--json", **bad)


@pytest.fixture(scope="module")
def plugins(zoo: Zoo, bad: dict[str, str], listed: object) -> dict[str, dict[str, Any]]:
    """What `zoo plugins --json` says of each, by entry point."""
    done = zoo("plugins", "--json", **bad)
    assert done.returncode == 0, done.stderr
    return {plugin["name"]: plugin for plugin in json.loads(done.stdout)}


def test_the_gallery_is_large_and_shows_every_code() -> None:
    assert len(GALLERY) >= 25
    shown = {code for code, _ in GALLERY.values()}
    assert shown == set(codes("discovery", "manners")) - {"unread", "duplicate-plugin"}


BY_MANNERS = [name for name, (code, _) in GALLERY.items() if code in codes("manners")]


@pytest.fixture(scope="module")
def checked(bad: dict[str, str]) -> dict[str, Record]:
    """What a check reads of those that have bad manners, by entry point."""
    path = [bad["PYTHONPATH"], *sys.path]
    found = [plugin for plugin in entry_points("zoo", path) if plugin.name in BY_MANNERS]
    return {record.plugin.name: record for record in read(found, path=path, observer=OBSERVER)}


@pytest.mark.parametrize("name", BY_MANNERS)
def test_bad_manners_are_found_by_a_check_and_cost_nothing(
    plugins: dict[str, dict[str, Any]], checked: dict[str, Record], name: str
) -> None:
    code, _ = GALLERY[name]
    found = {finding.code: finding for finding in checked[name].findings}
    assert set(found) == {code, *BESIDES.get(name, ())}
    assert f"bad_{name.replace('-', '_')}" in found[code].where
    assert plugins[name]["state"] == "used"
    assert {finding["code"] for finding in plugins[name]["findings"]} <= {"heavy-import"}


def test_whatever_prints_is_kept_with_the_finding(checked: dict[str, Record]) -> None:
    (finding,) = checked["prints"].findings
    assert finding.message == "prints '\\x1b[31mnoise of print on import'"
    for how in ("print", "Python", "the system", "C", "a child"):
        for where in ("on import", "in a hook"):
            assert f"noise of {how} {where}" in finding.detail


@pytest.mark.parametrize("name", [name for name in GALLERY if name not in BY_MANNERS])
def test_each_gets_its_finding(plugins: dict[str, dict[str, Any]], name: str) -> None:
    code, _ = GALLERY[name]
    findings = {finding["code"]: finding for finding in plugins[name]["findings"]}
    assert set(findings) == {code}
    finding = findings[code]
    assert finding["message"]
    assert finding["mend"]
    if code not in ("duplicate-name", "reserved-name", "unknown-model"):
        assert f"bad_{name.replace('-', '_')}" in finding["where"]
    used = finding["level"] == "warning"
    assert plugins[name]["state"] == ("used" if used else f"not used: {code}")
    assert any(plugins[name]["brings"].values()) == used
    assert plugins[name]["origin"] != ""


def test_the_rest_of_the_zoo_goes_on(listed: subprocess.CompletedProcess[str]) -> None:
    assert listed.returncode == 0
    names = {model["name"] for model in json.loads(listed.stdout)}
    assert {"toy_resnet", "resnet20", *USED} <= names
    assert "plain_cnn" not in names  # two claim it: neither is used
    lines = listed.stderr.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("zoo: ") for line in lines)
    assert lines[-1].endswith("more problems with plugins; see 'zoo plugins'")


@pytest.mark.real
def test_toy_resnet_is_measured_beside_all_of_them(quick: Zoo, bad: dict[str, str], listed: object) -> None:
    arguments = ("--runtime", "jax", "--max-time", "1", "--batch-size", "1", "--json")
    done = quick("bench", "toy_resnet", *arguments, **bad)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["outcome"] == "ok"


def test_a_duplicate_is_reported_for_both(plugins: dict[str, dict[str, Any]]) -> None:
    (finding,) = plugins["plain-cnn"]["findings"]
    assert "declared by bad-claims-a-models-name 0.3 and zoo-plain-cnn 0.1.0; none is used" in finding["message"]


def test_the_core_keeps_its_names(plugins: dict[str, dict[str, Any]]) -> None:
    assert plugins["builtin"]["brings"]["datasets"] == ["digits"]
    assert "tensorflow" in plugins["builtin"]["brings"]["runtimes"]


def test_why_says_what_where_and_how_to_mend_it(zoo: Zoo, bad: dict[str, str]) -> None:
    done = zoo("plugins", "--why", "bad_misspelt-hook", **bad)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "bad-misspelt-hook 0.3: not used: unknown-hook" in done.stdout
    assert "error unknown-hook, at bad_misspelt_hook.py:2" in done.stdout
    assert "there is no hook zoo_model; did you mean zoo_models?" in done.stdout
    assert "To mend it: Give it the name of a hook" in done.stdout
    assert zoo("plugins", "--why", "toy-resnet", **bad).stdout.endswith("\nnothing is wrong with it\n")
    done = zoo("plugins", "--why", "bad-misspelt-hok", **bad)
    assert done.returncode == 2
    assert done.stderr == "zoo: unknown plugin 'bad-misspelt-hok'; did you mean 'bad-misspelt-hook'?\n"


COMMANDS = [["list"], ["list", "--json"], ["plugins"], ["plugins", "--json"], ["doctor", "--quick"]]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_a_plugin_says_reaches_the_terminal_unescaped(
    zoo: Zoo, bad: dict[str, str], listed: object, arguments: list[str]
) -> None:
    done = zoo(*arguments, **bad)
    assert done.returncode == 0
    for line in (done.stdout + done.stderr).split("\n"):
        assert line.replace("\t", " ").isprintable()


def test_what_a_plugin_says_reaches_a_shell_that_completes_unescaped_neither(
    zoo: Zoo, bad: dict[str, str], listed: object
) -> None:
    variables = {"_ZOO_COMPLETE": "bash_complete", "COMP_WORDS": "zoo bench ", "COMP_CWORD": "2"}
    done = zoo(**bad, **variables)
    assert "plain,toy_resnet" in done.stdout
    assert all(line.isprintable() for line in (done.stdout + done.stderr).split("\n"))


def test_nothing_is_left_running(plugins: object) -> None:
    running = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, text=True).stdout
    assert "sleep 1000\n" not in running
