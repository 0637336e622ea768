"""Work for a worker that is to do none."""

from __future__ import annotations


def nothing(_job: object, _report: object) -> dict[str, object]:
    """Return at once."""
    return {}
