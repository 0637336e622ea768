"""Discovery, with real distributions: what is read, what is not, and when it is read again."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from distributions import Site, declaring, rewrite, settle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo import index, registry
from zoo.errors import UsageError
from zoo.installed import Plugin
from zoo.plugins import reader
from zoo.plugins.discover import Cache, Discovered, discover
from zoo.plugins.record import Record


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Where a test installs its plugins; those of this environment are out of sight."""
    folder, own = tmp_path / "site", tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("ZOO_HOME", str(own))
    monkeypatch.setattr("zoo.plugins.discover.entry_points", lambda group: Site(folder).points())
    monkeypatch.syspath_prepend(folder)
    return Site(folder)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The distributions that were read, in their order."""
    names: list[str] = []
    real = reader.read

    def spy(points: Sequence[Plugin], **options: Any) -> list[Record]:
        names.extend(point.distribution for point in points)
        return real(points, **options)

    monkeypatch.setattr(reader, "read", spy)
    return names


def models(discovered: Discovered) -> dict[str, list[str]]:
    """The models by distribution."""
    return {record.plugin.distribution: [spec.name for spec in record.models] for record in discovered.records}


def codes(record: Record) -> list[str]:
    return [finding.code for finding in record.findings]


def test_plugins_come_in_the_order_of_distribution_and_entry_point(site: Site) -> None:
    site.install("zoo-bbb", declaring("b"))
    more = declaring("z")
    site.install("zoo-aaa", declaring("a"), points={"z": "zoo_aaa.more", "a": "zoo_aaa"}, more=more)
    found = [(record.plugin.distribution, record.plugin.name) for record in discover().records]
    assert found == [("zoo-aaa", "a"), ("zoo-aaa", "z"), ("zoo-bbb", "plugin")]
    assert "zoo_aaa" not in sys.modules


@pytest.mark.parametrize("name", ["zoo-off", "Zoo_Off", "zoo.off", "zoo--off", "off-point", "Off_Point"])
@pytest.mark.parametrize("how", ["argument", "environment", "file"])
def test_a_plugin_that_is_switched_off_is_not_read(
    site: Site, read: list[str], monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    site.install("zoo-off", declaring("off"), points={"off-point": "zoo_off"})
    if how == "environment":
        monkeypatch.setenv("ZOO_DISABLE_PLUGINS", f"nothing, ,{name} ,")
    elif how == "file":
        os.mkdir(os.environ["ZOO_HOME"])
        Path(index.config_file()).write_text(f'[plugins]\ndisabled = ["{name}", "nothing"]\n')
    discovered = discover([name, "nothing"] if how == "argument" else [])
    assert [plugin.distribution for plugin in discovered.disabled] == ["zoo-off"]
    assert discovered.records == []
    assert discovered.not_found == ["nothing"]
    assert read == []


def test_part_of_a_name_switches_nothing_off(site: Site) -> None:
    site.install("zoo-heavy", declaring("a"))
    discovered = discover(["heavy", "zoo", "zoo-heav", "zoobench", "builtin"])
    assert models(discovered) == {"zoo-heavy": ["a"]}
    assert discovered.not_found == ["heavy", "zoo", "zoo-heav", "zoobench", "builtin"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"[plugins\n", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"[plugin]\n", "unknown field `plugin`; the only setting is [plugins] disabled, a list of names"),
        (b"[plugins]\noff = []\n", "unknown field `off` - at `$.plugins`; the only setting is [plugins] disabled"),
        (b"plugins = 7\n", "Expected `object`, got `int` - at `$.plugins`; the only setting"),
        (b"[plugins]\ndisabled = 'zoo-x'\n", "got `str` - at `$.plugins.disabled`; the only setting"),
        (b"[plugins]\ndisabled = [7]\n", "got `int` - at `$.plugins.disabled[0]`; the only setting"),
        (b'"\\u001b[31m" = 1\n', "unknown field `?[31m`; the only setting"),
    ],
)
def test_settings_that_cannot_be_understood_are_one_line(site: Site, content: bytes, text: str) -> None:
    file = Path(index.config_file())
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(UsageError) as error:
        discover()
    assert text in str(error.value)
    assert str(error.value).isprintable()
    assert str(file) in str(error.value)


def test_settings_that_cannot_be_read_are_one_line(site: Site) -> None:
    Path(index.config_file()).mkdir(parents=True)
    with pytest.raises(UsageError, match=r"can't read .*: is a directory"):
        discover()


@pytest.mark.parametrize(
    "points",
    ["a = zoo_same\na = zoo_same\nb = zoo_same", "a = zoo_same\na = zoo_same.more"],
    ids=["one module twice", "one name twice"],
)
def test_of_two_entry_points_that_are_one_the_first_is_used(site: Site, points: str) -> None:
    site.install("zoo-same", declaring("x"), more=declaring("y"))
    site.metadata("zoo-same", {"entry_points.txt": f"[zoo]\n{points}\n"})
    first, second = discover().records
    assert [spec.name for spec in first.models] == ["x"]
    assert second.models == ()
    assert codes(second) == ["duplicate-plugin"]


RUINS: dict[str, dict[str, str | bytes]] = {
    "no-metadata": {"entry_points.txt": "[zoo]\nruin = zoo_ruin\n"},
    "empty-metadata": {"METADATA": "", "entry_points.txt": "[zoo]\nruin = zoo_ruin\n"},
    "not-text": {"METADATA": b"\xff\xfe\x00", "entry_points.txt": "[zoo]\nruin = zoo_ruin_b\n"},
    "no-entry-point": {"METADATA": "Name: zoo-c\nVersion: 1.0\n", "entry_points.txt": "[zoo]\nruin\n"},
    "points-not-text": {"METADATA": "Name: zoo-d\nVersion: 1.0\n", "entry_points.txt": b"[zoo]\n\xff\xfe = \x00\n"},
    "not-a-reference": {"METADATA": "Name: zoo-e\nVersion: 1.0\n", "entry_points.txt": "[zoo]\na = !\nb = os:path\n"},
    "escape-codes": {
        "METADATA": "Name: zoo-\x1b[31mred\nVersion: 1.0\x1b[0m\n",
        "entry_points.txt": "[zoo]\n\x1b[31mred = zoo_red\x1b[0m\n",
    },
    "endless": {"METADATA": f"Name: {'x' * 10**6}\n", "entry_points.txt": f"[zoo]\n{'n' * 10**6} = {'m' * 10**6}\n"},
}


def test_distributions_in_ruins_cost_only_themselves(site: Site) -> None:
    site.install("zoo-aaa", declaring("a"))
    for name, files in RUINS.items():
        site.metadata(f"zoo-{name}", files)
    (site.folder / "zoo_folder-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    site.install("zoo-zzz", declaring("z"))
    discovered = discover()
    assert {name: found for name, found in models(discovered).items() if found} == {"zoo-aaa": ["a"], "zoo-zzz": ["z"]}
    for record in discovered.records:
        assert str(record.plugin).isprintable()
        assert record.plugin.reference.isprintable()
        assert len(str(record.plugin)) < 1000
        assert record.models or codes(record) in (["bad-entry-point"], ["duplicate-plugin"], ["no-hook"])


def test_a_plugin_is_read_once(site: Site, read: list[str]) -> None:
    site.install("zoo-one", declaring("one"))
    site.install("zoo-bad", "import no_such_module")
    settle()
    first = discover()
    assert read == ["zoo-bad", "zoo-one"]
    assert discover().records == first.records
    assert read == ["zoo-bad", "zoo-one"]
    assert discover(fresh=["zoo_one"]).records[1].models == first.records[1].models
    assert read[2:] == ["zoo-one"]
    discover(fresh=["*"])
    assert read[3:] == ["zoo-bad", "zoo-one"]


def test_a_changed_plugin_is_seen_at_once(site: Site, read: list[str]) -> None:
    """A module in place, of the same size and time; a module besides; data; a version; and one that lies elsewhere."""
    before = "import json, pathlib\nnames = json.loads(pathlib.Path(__file__).with_name('names.json').read_text())"
    package = site.install("zoo-one", declaring("one", before=f"{before}\nfrom . import two"), two="")
    (package / "names.json").write_text("[1]")
    site.install("zoo-other", declaring("other"))
    settle()
    assert models(discover())["zoo-one"] == ["one"]

    def changes(what: str) -> list[str]:
        del read[:]
        settle()
        found = models(discover())["zoo-one"]
        assert read == ["zoo-one"], what
        settle()
        return found

    rewrite(package / "__init__.py", (package / "__init__.py").read_text().replace("'one'", "'two'"))
    assert changes("a module") == ["two"]
    rewrite(package / "names.json", "[2]")
    assert changes("its data") == ["two"]
    (package / "three.py").write_text("")
    assert changes("a new file") == ["two"]
    replacement = package / "new"
    replacement.write_text((package / "two.py").read_text())
    os.replace(replacement, package / "two.py")
    assert changes("a file in the place of another") == ["two"]
    site.metadata("zoo-one", {"METADATA": "Metadata-Version: 2.1\nName: zoo-one\nVersion: 2.0\n"})
    assert changes("its version") == ["two"]
    assert {record.plugin.version for record in discover().records} == {"1.0", "2.0"}


def test_what_changes_while_it_is_read_is_read_again(
    site: Site, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = site.install("zoo-one", declaring("one"))
    written_ns = (package / "__init__.py").stat().st_ctime_ns
    for since_ns in (written_ns - 1, written_ns, written_ns + 10_000_000):
        with monkeypatch.context() as patch:  # within the grain of the clock it may change again
            patch.setattr("zoo.plugins.discover.time_ns", lambda since_ns=since_ns: since_ns)
            discover()
    assert read == ["zoo-one"] * 3
    settle()
    discover()
    rewrite(package / "__init__.py", declaring("two"))
    assert models(discover()) == {"zoo-one": ["two"]}


@pytest.mark.parametrize("lacking", ["import helper", "try:\n    import helper\nexcept ImportError:\n    pass"])
def test_what_a_plugin_lacked_gets_it_read_again(site: Site, read: list[str], lacking: str) -> None:
    site.install("zoo-one", declaring("one", before=lacking))
    settle()
    discover()
    (site.folder / "helper.py").write_text("")
    settle()
    assert models(discover()) == {"zoo-one": ["one"]}
    assert read == ["zoo-one", "zoo-one"]


def test_one_that_hangs_is_read_again_when_it_is_mended_or_given_longer(
    site: Site, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = site.install("zoo-one", "while True: pass")
    settle()
    for limit, times in (("0.3", 1), ("0.3", 1), ("0.2", 1), ("0.4", 2)):
        monkeypatch.setenv("ZOO_PLUGIN_TIMEOUT", limit)
        assert codes(discover().records[0]) == ["too-slow"]
        assert len(read) == times
    (package / "__init__.py").write_text(declaring("one"))
    monkeypatch.delenv("ZOO_PLUGIN_TIMEOUT")
    assert models(discover()) == {"zoo-one": ["one"]}


def test_what_may_not_be_its_fault_is_not_kept(site: Site, read: list[str]) -> None:
    site.install("zoo-killed", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    settle()
    for times in (1, 2):
        loaded = registry.load()
        assert [problem.finding.code for problem in loaded.errors] == ["dies"]
        assert read == ["zoo-killed"] * times
        assert index.load() is None


def test_one_that_changes_what_it_made_is_read_again_when_it_is_mended(site: Site, read: list[str]) -> None:
    cheat = "\n    object.__setattr__(s, 'summary', '')\n    return [s]\n"
    source = declaring("one").replace("return [", "s = ").removesuffix("]\n") + cheat
    package = site.install("zoo-one", source)
    settle()
    assert codes(discover().records[0]) == ["invalid-spec"]
    (package / "__init__.py").write_text(declaring("one"))
    assert models(discover()) == {"zoo-one": ["one"]}


def test_a_plugin_that_is_gone_is_forgotten(site: Site) -> None:
    package = site.install("zoo-one", declaring("one"))
    site.install("zoo-two", declaring("two"))
    settle()
    discover()
    assert len(Cache(60).entries) == 2
    (site.folder / "zoo_one-1.0.dist-info" / "entry_points.txt").unlink()
    assert models(discover()) == {"zoo-two": ["two"]}
    assert len(Cache(60).entries) == 1
    assert package.exists()


@pytest.fixture
def kept(site: Site) -> Path:
    """The file in which it is kept what two plugins declare."""
    site.install("zoo-one", declaring("one"))
    site.install("zoo-bad", "import no_such_module")
    settle()
    discover()
    return Cache(60).path


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"{}", b"0-0\n", b"[]", b"\xff", b"null"])
def test_a_file_that_is_something_else_is_made_anew(site: Site, kept: Path, content: bytes) -> None:
    whole = kept.read_bytes()
    for sealed in (content, b"%08x\n%b" % (zlib.crc32(content), content)):
        kept.write_bytes(sealed)
        assert models(discover())["zoo-one"] == ["one"]
        assert kept.read_bytes() != sealed
    assert len(kept.read_bytes()) == pytest.approx(len(whole), rel=0.05)


@given(random=st.randoms(use_true_random=False), kind=st.sampled_from(["cut", "flip", "insert", "swap"]))
@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
def test_a_damaged_file_is_never_believed(kept: Path, random: random.Random, kind: str) -> None:
    whole = kept.read_bytes()
    damaged = bytearray(whole)
    place = random.randrange(len(whole))
    if kind == "cut":
        del damaged[place:]
    elif kind == "flip":
        damaged[place] ^= random.randrange(1, 256)
    elif kind == "insert":
        damaged[place:place] = random.randbytes(random.randrange(1, 20))
    else:
        other = random.randrange(len(whole))
        damaged[place], damaged[other] = damaged[other], damaged[place]
    file = kept.with_name("damaged.json")
    file.write_bytes(damaged)
    assert index.read(str(file), Cache(60).key) is None or bytes(damaged) == whole


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ("models", "datasets", "runtimes", "findings", "load_s", "imports", "files", "unmet")


@given(values=st.dictionaries(st.sampled_from(FIELDS), JSON))
@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
def test_what_no_plugin_declares_is_refused_in_one_way(values: dict[str, object]) -> None:
    from zoo.errors import SpecError
    from zoo.installed import CORE

    with contextlib.suppress(SpecError):
        record = Record.from_json(CORE, values)
        assert Record.from_json(CORE, record.to_json()) == record


@pytest.fixture
def unwritable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A home that is a file, in which nothing can be kept, whoever runs the tests."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "file" / "home"))
    return


def test_where_nothing_can_be_kept_everything_works(site: Site, unwritable: None, read: list[str]) -> None:
    site.install("zoo-one", declaring("one"))
    settle()
    for _ in range(2):
        assert models(discover()) == {"zoo-one": ["one"]}
    assert read == ["zoo-one", "zoo-one"]
