"""The checks of `zoo plugin check` as tests, for the authors of plugins. A test file is one import:

    from zoo.testing import test_plugin

It is of the distribution in whose source tree the file lies. The setting `zoo_backends` in its pyproject.toml says on
which Keras backends models are checked, where not on all that are installed.

This module is a plugin of pytest (entry point `pytest11`), which imports it in every run. What takes time is imported
when a test of it is collected.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from zoo.authoring.check.api import Report
    from zoo.findings import Group

BACKENDS = "zoo_backends"
READING = "reading"  # one test for all that is found when a plugin is read


def test_plugin(zoo_plugin: Report, zoo_check: str) -> None:
    """One check of the plugin in whose source tree this is."""
    from zoo.authoring.check.api import describe, level
    from zoo.findings import codes

    if reason := _not_checked(zoo_plugin, zoo_check):
        pytest.skip(reason)
    chosen = codes("discovery", "manners") if zoo_check == READING else {zoo_check}
    found = [finding for finding in zoo_plugin.findings if finding.code in chosen]
    if errors := [describe(finding) for finding in found if level(finding) == "error"]:
        pytest.fail("\n\n".join(errors), pytrace=False)
    for finding in found:
        warnings.warn(describe(finding), stacklevel=1)


@pytest.fixture(scope="module")
def zoo_plugin(request: pytest.FixtureRequest) -> Report:
    """All that is found in the source tree, once for all tests."""
    from zoo.authoring.check.api import check

    return check(_tree(request.path), backends=request.config.getini(BACKENDS) or None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting `zoo_backends`."""
    parser.addini(BACKENDS, "Keras backends on which zoo.testing checks models; by default all there are", "args")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each check that is for what the plugin brings."""
    if metafunc.function is test_plugin:
        metafunc.parametrize("zoo_check", _checks(_tree(metafunc.definition.path)))


def _tree(file: Path) -> str:
    """The source tree that a file lies in."""
    for folder in file.parents:
        if (folder / "pyproject.toml").is_file():
            return str(folder)
    raise pytest.UsageError(f"{file} lies in no folder with a pyproject.toml")


def _checks(folder: str) -> list[str]:
    from zoo.authoring.check import target
    from zoo.authoring.check.api import declarations
    from zoo.errors import ZooError
    from zoo.findings import codes

    try:
        records = declarations(target.find(folder))
    except ZooError as error:
        raise pytest.UsageError(str(error)) from None
    checks = [READING, *codes("package")]
    kinds: tuple[Group, ...] = ("models", "runtimes", "datasets")
    for kind in kinds:
        if any(getattr(record, kind) for record in records):
            checks += codes(kind)
    if any(record.exporters or record.listens for record in records):
        checks += codes("results")
    if any(record.weights for record in records):
        checks += [code for code in ("weights-digest", "weights-do-not-fit") if code not in checks]
    return checks


def _not_checked(report: Report, check: str) -> str | None:
    """Why nothing was looked at for this check, if so."""
    from zoo.findings import codes

    groups: tuple[Group, ...] = ("runtimes", "datasets")
    for group in groups:
        names = getattr(report, group)
        left_out = [one for one in report.not_checked if f"{one.kind}s" == group]
        if check in codes(group) and len(left_out) == len(names):
            return "; ".join(map(str, left_out))
    return None
