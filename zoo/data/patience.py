"""When to give a fetch up. Pure: it is told of progress and has a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from zoo.errors import DataError

BUSY_SHARE = 0.05  # of a processor; one that only waits for an answer uses less


class Patience:
    """Told of each event of a fetch; raises DataError, in one line, when it should end.

    :param timeout_s: for the whole.
    :param idle_s: without a byte arriving and without work being done.
    """

    def __init__(
        self, name: str, *, timeout_s: float, idle_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self.timeout_s, self.idle_s, self.clock = name, timeout_s, idle_s, clock
        self.began = self.alive = clock()
        self.bytes = 0
        self.cpu_s = 0.0

    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] != "progress":
            return
        now = self.clock()
        if event["bytes"] != self.bytes or event["cpu_s"] - self.cpu_s > BUSY_SHARE * self.idle_s:
            self.alive, self.bytes, self.cpu_s = now, event["bytes"], event["cpu_s"]
        if now - self.alive >= self.idle_s:
            hint = "; is there a network?" if event["trouble"] else ""
            raise DataError(f"can't fetch {self.name}: {_silence(event, self.idle_s)}; nothing was kept{hint}")
        if now - self.began >= self.timeout_s:
            raise DataError(
                f"can't fetch {self.name}: not done after {self.timeout_s:g} s ({_reached(event)}); "
                "nothing was kept; allow more with --timeout"
            )


def _silence(event: dict[str, Any], idle_s: float) -> str:
    host = event["host"] or "the server"
    if event["trouble"] and not event["bytes"]:
        return f"{host} can't be reached ({event['trouble']}), tried for {idle_s:g} s"
    return f"{host} has sent nothing, or next to nothing, for {idle_s:g} s"


def _reached(event: dict[str, Any]) -> str:
    mib = 2**20
    of = f" of {event['bytes_total'] / mib:,.0f}" if event["bytes_total"] else ""
    return f"{event['doing']}, {event['bytes'] / mib:,.0f}{of} MiB downloaded"
