"""Words of others in one printable line."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.errors import SpecError
from zoo.findings import Finding, codes
from zoo.text import describe, line


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError(), "ValueError"),
        (ValueError("  \n"), "ValueError"),
        (KeyError("a"), "KeyError: 'a'"),
        (ValueError("\x1b[31mred\x07"), "ValueError: ?[31mred?"),
        (
            ValueError("Exception encountered when calling A.call().\n\n\x1b[1mno such axis\x1b[0m\n\nArguments: x"),
            "ValueError: Exception encountered when calling A.call(). no such axis",
        ),
        (
            OSError("Graph execution error:\n\nDetected at node A\n  File\nTypeError: no axis\nTraceback\n [[A]]"),
            "OSError: Graph execution error: TypeError: no axis",
        ),
        (ValueError("Graph execution error:"), "ValueError: Graph execution error:"),
    ],
)
def test_an_exception_is_described_in_one_printable_line(error: BaseException, text: str) -> None:
    assert describe(error) == text


def test_a_long_description_is_cut() -> None:
    text = describe(ValueError("x" * 10_000))
    assert len(text) == 300
    assert text.endswith("x…")


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(st.text(), st.text(), st.text())
def test_whatever_a_finding_is_told_can_be_printed(where: str, message: str, detail: str) -> None:
    finding = Finding("exits", where, message, detail)
    for text in (finding.where, finding.message, *finding.detail.split("\n"), str(finding), line(message)):
        assert text.isprintable()
    assert Finding.from_json(finding.to_json()) == finding


def test_a_finding_has_one_of_the_codes() -> None:
    with pytest.raises(SpecError, match="there is no finding"):
        Finding("\x1b[31m", "", "")
    for name, code in codes().items():
        assert Finding(name, "", "").level == code.level
        assert name == name.lower()
        assert " " not in name
        assert code.what.endswith(".")
        assert code.mend.endswith(".")
