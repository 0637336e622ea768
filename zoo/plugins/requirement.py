"""Whether a plugin asks for another zoo than this one: then a failure isn't its fault, and an upgrade mends it."""

from __future__ import annotations

from pathlib import Path

from zoo import __version__
from zoo.findings import Finding
from zoo.installed import CORE
from zoo.plugins.record import Record


def judge(record: Record, metadata: str) -> Record:
    """The record; where something failed, and the distribution requires another zoo, with that as the only error.

    A plugin of which nothing fails is used, whatever it requires: pip has been told to ignore that, too.

    :param metadata: the file with the distribution's name and version.
    """
    unmet = required(metadata) if record.failed else None
    if unmet is None:
        return record
    message = f"requires {unmet}, and this is {CORE.distribution} {__version__}"
    errors = [finding for finding in record.findings if finding.level == "error"]
    detail = "\n".join(f"{finding}\n{finding.detail}" for finding in errors)
    finding = Finding("needs-another-zoo", record.plugin.reference, message, detail)
    kept = [finding for finding in record.findings if finding.level == "warning"]
    return Record(
        record.plugin, findings=(finding, *kept), load_s=record.load_s, files=record.files, unmet=record.unmet
    )


def required(metadata: str) -> str | None:
    """What a distribution's `Requires-Dist` says of the zoo, if this zoo doesn't meet it."""
    from importlib.metadata import PathDistribution

    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        lines = PathDistribution(Path(metadata).parent).requires or () if metadata else ()
    except (OSError, ValueError):  # not there, or not a text
        return None
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) != CORE.distribution or (
            requirement.marker and not requirement.marker.evaluate({"extra": ""})
        ):
            continue
        if not requirement.specifier.contains(__version__, prereleases=True):
            return str(requirement)
    return None
