"""Names of Results: the moment, and eight digits drawn by lot. Nothing but an id names a file of a store."""

from __future__ import annotations

import datetime
import re
import secrets

from zoo.errors import UsageError

ID = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])[0-9]{2}T[0-9]{6}-[0-9a-f]{8}")


def new_id(now: datetime.datetime | None = None) -> str:
    """An id that sorts by time: of a Result, or of a run.

    :param now: in UTC.
    """
    return f"{now or datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def check_id(identifier: object) -> str:
    """The identifier, if it is one.

    :raises UsageError: if not.
    """
    if not (isinstance(identifier, str) and ID.fullmatch(identifier)):
        raise UsageError(f"{ascii(identifier)[:60]} is not the id of a Result, such as 20261123T130741-1a2b3c4d")
    return identifier
