"""The runtimes of hostile_runtimes.py: JAX's, each with one thing done wrong."""

from __future__ import annotations

from typing import Any

from zoo.errors import UsageError
from zoo.runtimes.jax import Jax


class Wrong(Jax):
    """What a subclass changes is the session's `run`, or `fetch`."""

    def open(self, model: Any, batch_size: int, calibration: Any = None) -> Any:
        session = super().open(model, batch_size, calibration)
        self.spoil(session)
        return session

    def spoil(self, session: Any) -> None:
        right = session.run
        session.run = lambda placed: self.wrong(right(placed))


class Scales(Wrong):
    def wrong(self, logits: Any) -> Any:
        return 1.01 * logits


class Nans(Wrong):
    def wrong(self, logits: Any) -> Any:
        return logits.at[-1, -1].set(float("nan"))


class Lazy(Wrong):
    """It computes when its output is fetched, a hundred times, as if the model were a large one."""

    def spoil(self, session: Any) -> None:
        right, fetch = session.run, session.fetch
        session.run = lambda placed: placed
        session.fetch = lambda placed: [fetch(right(placed)) for _ in range(100)][-1]


class Tires(Wrong):
    """After twelve calls it gives zeros. Nine are looked at; on the slowest machine more than three are timed."""

    calls = 0

    def wrong(self, logits: Any) -> Any:
        self.calls += 1
        return logits if self.calls < 12 else 0 * logits


class Absent(Jax):
    def start(self, **_: Any) -> Any:
        raise UsageError("this machine lacks what it takes")

    def devices(self) -> list[str]:
        raise UsageError("this machine lacks what it takes")
