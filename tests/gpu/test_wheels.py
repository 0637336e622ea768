"""What wheels say, and whether those of a bundle are all that is needed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
import resolve
from packaging.version import Version
from wheels import Target, Wheel, check_closed, extras_wanted

TARGET = Target("3.12")


def wheel(folder: Path, name: str, version: str = "1.0", *requires: str) -> Wheel:
    """A wheel with nothing but what it says of itself."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    lines = [f"Requires-Dist: {line}\n" for line in requires]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{name}-{version}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(lines)}\n# About\nRequires-Dist: no\n",
        )
        archive.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    return Wheel.read(path)


def test_it_says_what_it_requires(tmp_path: Path) -> None:
    found = wheel(tmp_path, "Some.Net", "2.0", "numpy>=2", "tqdm; extra == 'bar'")
    assert (found.name, found.version) == ("some-net", "2.0")
    assert found.requires == ("numpy>=2", "tqdm; extra == 'bar'")


def test_conditions_are_the_targets_and_not_this_machines() -> None:
    lines = [
        "a; python_version < '3.12'",
        "b; python_version >= '3.12'",
        "c; sys_platform == 'win32'",
        "d; extra == 'x'",
    ]
    assert [r.name for r in TARGET.needed(lines)] == ["b"]
    assert [r.name for r in Target("3.11").needed(lines, "x")] == ["a", "d"]


def test_pip_is_told_the_target() -> None:
    options = Target("3.13", "2.17").options()
    assert "--python-version=3.13" in options
    assert {"--platform=manylinux_2_17_x86_64", "--platform=manylinux2014_x86_64"} <= set(options)
    assert "--platform=manylinux_2_28_x86_64" not in options
    assert "--platform=manylinux_2_28_x86_64" in TARGET.options()


def test_extras_are_followed_through() -> None:
    requires = {"a": ["b[x]", "c; python_version < '3.12'"], "b": ["d[y]; extra == 'x'", "e; extra == 'z'"]}
    assert extras_wanted(requires, TARGET, {("a", "")}) == {("a", ""), ("b", ""), ("b", "x"), ("d", ""), ("d", "y")}


def test_a_bundle_is_closed(tmp_path: Path) -> None:
    core = wheel(tmp_path, "core", "1.0", "numpy>=2", "tool[x]", "jax; extra == 'jax'")
    tool = wheel(tmp_path, "tool", "1.0", "tqdm; extra == 'x'")
    asked = {("core", "")}
    check_closed([core, tool], {"numpy": "2.4.6", "tqdm": "4.0"}, TARGET, asked)
    with pytest.raises(
        ValueError, match=r"^tool needs tqdm; extra == \"x\", which neither the bundle nor the target has$"
    ):
        check_closed([core, tool], {"numpy": "2.4.6"}, TARGET, asked)
    with pytest.raises(ValueError, match=r"^core needs numpy>=2, and there would be numpy 1.26.4$"):
        check_closed([core, tool], {"numpy": "1.26.4", "tqdm": "4.0"}, TARGET, asked)
    with pytest.raises(ValueError, match="core needs jax"):
        check_closed([core, tool], {"numpy": "2.4.6", "tqdm": "4.0"}, TARGET, asked | {("core", "jax")})


@pytest.mark.parametrize("version", ["2.11.0", "2.11.0+cu126", "2.12.0.dev20261101+cu126"])
def test_a_stub_is_taken_for_the_original_and_for_nothing_that_an_index_has(tmp_path: Path, version: str) -> None:
    made = Wheel.read(resolve.stub(tmp_path, "torch", version, ["numpy", "opt; extra == 'opt'"]))
    assert Version(made.version).public == Version(version).public
    assert Version(made.version) > Version(version)
    assert made.requires == ("opt; extra == 'opt'",)


def test_what_the_zoo_cannot_use_of_the_targets_is_replaced(tmp_path: Path) -> None:
    core = wheel(tmp_path, "core", "1.0", "click>=8.2", "numpy>=2")
    reasons = resolve._unusable([core], {("core", "")}, TARGET, {"click": "8.1.7", "numpy": "2.4.6", "other": "1"})
    assert list(reasons) == ["click"]
    assert "click 8.1.7 will not do for core, which needs click>=8.2" in reasons["click"]


def test_every_wheel_and_every_extra_is_asked_for_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = search(tmp_path)
    one.ours = [wheel(tmp_path, "zoobench"), wheel(tmp_path, "zoo_net")]
    one.asked = {("zoobench", ""), ("zoobench", "jax"), ("zoo-net", "")}
    asked: list[list[str]] = []
    monkeypatch.setattr(resolve, "_report", lambda named, *more: asked.append(named) or [])
    one._try()
    where = tmp_path.as_uri()
    assert asked == [
        [
            f"zoo-net @ {where}/zoo_net-1.0-py3-none-any.whl",
            f"zoobench @ {where}/zoobench-1.0-py3-none-any.whl",
            f"zoobench[jax] @ {where}/zoobench-1.0-py3-none-any.whl",
        ]
    ]
    with pytest.raises(resolve.PipError, match="No matching distribution found for zoobench"):
        one._mend(resolve.PipError("ERROR: No matching distribution found for zoobench"))  # never one of the index


CONFLICT = """\
ERROR: Cannot install tool because these package versions have conflicting dependencies.

The conflict is caused by:
    tool 1.0 depends on promise
    The user requested (constraint) promise==2.3

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io
"""


def test_what_pip_says_is_one_line() -> None:
    assert str(resolve.PipError(CONFLICT)) == (
        "pip: ERROR: Cannot install tool because these package versions have conflicting dependencies.; "
        "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io; tool 1.0 depends on promise; "
        "The user requested (constraint) promise==2.3"
    )
    assert (
        str(resolve.PipError("WARNING: … [Errno -3] Temporary failure in name resolution"))
        == "no package index can be reached"
    )


def search(folder: Path) -> resolve._Search:
    constraints = folder / "repository.txt"
    constraints.write_text("# tested together\nnumpy==2.4.6\npromise==2.3\nprotobuf==7.0\n")
    (folder / "work").mkdir()
    places = resolve.Places(constraints, folder / "cache", folder / "work")
    return resolve._Search([], set(), TARGET, {"numpy": "2.5.5"}, places)


def test_the_targets_versions_win(tmp_path: Path) -> None:
    assert search(tmp_path)._constraints().read_text().split() == [
        "numpy==2.5.5+present",
        "promise==2.3",
        "protobuf==7.0",
    ]


def test_a_pin_that_does_not_go_with_the_target_is_dropped_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = search(tmp_path)
    monkeypatch.setattr(resolve, "_report", lambda *arguments: [])
    one._mend(resolve.PipError(CONFLICT))
    assert "promise" not in one._constraints().read_text()
    assert "protobuf==7.0" in one._constraints().read_text()
    assert one.notes == ["promise 2.3 of constraints.txt does not go with what the target has"]


INDIRECT = """\
The conflict is caused by:
    zoobench 0.1.0 depends on numpy>=2
    protobuf 7.0 depends on numpy>=3
    The user requested (constraint) numpy==2.5.5+present
ERROR: ResolutionImpossible
"""


def test_a_pin_whose_needs_do_not_go_with_the_target_is_dropped_and_then_it_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = search(tmp_path)
    monkeypatch.setattr(resolve, "_report", lambda *arguments: [])
    one._mend(resolve.PipError(INDIRECT))
    assert one.loosened == {"protobuf"}
    with pytest.raises(ValueError, match="leave numpy out of HAVE, and the bundle brings another"):
        one._mend(resolve.PipError(INDIRECT))


def test_what_has_no_wheel_is_built_if_it_is_pure_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = search(tmp_path)
    made = {"promise": "promise-2.3-py3-none-any.whl", "fast": "fast-1-cp311-cp311-linux_x86_64.whl"}

    def report(*arguments: object) -> list[resolve.Item]:
        raise resolve.PipError("ERROR: No matching distribution found for promise==2.3")

    def pip(*arguments: str | Path, **variables: object) -> None:
        (one.places.built / made[str(arguments[3])]).write_bytes(wheel(tmp_path, str(arguments[3])).path.read_bytes())

    monkeypatch.setattr(resolve, "_report", report)
    monkeypatch.setattr(resolve, "pip", pip)
    one._mend(resolve.PipError(CONFLICT))
    assert [path.name for path in one.places.built.iterdir()] == [made["promise"]]
    with pytest.raises(ValueError, match="no promise can be had"):
        one._mend(resolve.PipError("ERROR: No matching distribution found for promise"))
    with pytest.raises(ValueError, match=r"fast has no wheel for Python 3.12 and glibc 2.28"):
        one._mend(resolve.PipError("ERROR: No matching distribution found for fast (from tool)"))
    assert [path.name for path in one.places.built.iterdir()] == [made["promise"]]


@pytest.mark.real
def test_extras_of_what_the_target_has_are_followed_by_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    one = search(tmp_path)
    one.places.built.mkdir(parents=True)
    wheel(one.places.built, "tool", "1.0", "base", "extra_one; extra == 'x'", "other; extra == 'y'")
    wheel(one.places.built, "tool", "2.0", "base")
    wheel(one.places.built, "extra_one", "1.0", "old; python_version < '3.12'", "new; python_version >= '3.12'")
    wheel(one.places.built, "new")
    one.ours = [wheel(tmp_path, "core", "1.0", "tool[x]", "numpy>=2")]
    one.asked = {("core", "")}
    one.have = {"numpy": "2.5.5", "tool": "1.0"}
    found = {item.name: item.version for item in one.run()}
    assert found == {"core": "1.0", "tool": "1.0+present", "extra-one": "1.0", "new": "1.0", "numpy": "2.5.5+present"}
