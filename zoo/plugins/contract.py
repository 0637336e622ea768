"""Versions of the contract between the zoo and its plugins: told apart from plain faults."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from zoo.findings import Finding
from zoo.plugins.record import Record
from zoo.plugins.sources import module_file

VARIABLE = "zoo_contract"
# Not by `ast`: a parser can be made to crash, and what is not Python at all may still say its version.
STATEMENT = re.compile(rf"^{VARIABLE}(?:\s*:\s*[\w.\[\]]+)?\s*=\s*[\"'](.*?)[\"']", re.MULTILINE)
VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")


def judge(record: Record, ours: tuple[int, int], path: Sequence[str]) -> Record:
    """The record, with what its contract version explains instead of the failures that follow from it.

    Another major version can't be used. A newer minor version can, unless something failed: it may need what this zoo
    doesn't have yet. An older minor version always can, since hooks and arguments are only ever added.
    """
    text = record.contract
    if text is None and record.failed:
        text = declared(record.plugin.reference, path)
    if text is None:
        return record
    match = VERSION.fullmatch(text)
    if match is None:
        message = f"{VARIABLE} must be a text such as '{ours[0]}.{ours[1]}', not {ascii(text)[:40]}"
        return record.with_findings(Finding("invalid-contract", record.plugin.reference, message))
    theirs = (int(match[1]), int(match[2]))
    if theirs[0] == ours[0] and not (theirs > ours and record.failed):
        return record
    code, mend = ("contract-newer", "upgrade the zoo") if theirs > ours else ("contract-older", "upgrade the plugin")
    message = f"made for version {text} of the plugin contract, this zoo has {ours[0]}.{ours[1]}: {mend}"
    errors = [finding for finding in record.findings if finding.level == "error"]
    detail = "\n".join(f"{finding}\n{finding.detail}" for finding in errors)
    finding = Finding(code, record.plugin.reference, message, detail)
    kept = [finding for finding in record.findings if finding.level == "warning"]
    return dataclasses.replace(record, models=(), datasets=(), runtimes=(), findings=(finding, *kept), contract=text)


def declared(reference: str, path: Sequence[str]) -> str | None:
    """What the source of a plugin says, without running it."""
    file = module_file(reference, path)
    try:
        with open(file or "", encoding="utf-8", errors="replace") as source:
            found = STATEMENT.search(source.read(1_000_000))
    except (OSError, ValueError):
        return None
    return found[1] if found else None
