"""Two processes that are measured in turn: a token goes back and forth, and only who has it computes.

What the machine does meanwhile (its frequency, its other guests, its interrupts) then meets both sides alike, within
fractions of a second, and cancels out of their ratio. Each side has a named pipe to which the other, or the parent,
writes single bytes.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from zoo.errors import ZooError

BLOCKS = 64  # turns of each side
READY, TOKEN, ENDED = b"r", b"t", b"e"
SIDES = ("a", "b")


class Pipes:
    """The pipes of both sides, in an empty folder, held open so that what is written early is not lost."""

    def __init__(self, folder: Path) -> None:
        for side in SIDES:
            os.mkfifo(folder / side)
        self.descriptors = {side: os.open(folder / side, os.O_RDWR) for side in SIDES}

    def tell_ended(self, side: str) -> None:
        """Let a side that waits for its turn know that the other side has ended."""
        os.write(self.descriptors[side], ENDED)

    def close(self) -> None:
        """Give up the parent's hold on them."""
        for descriptor in self.descriptors.values():
            os.close(descriptor)


class Turns:
    """One side's view of the token. Side `a` warms up first, then `b`, then blocks in random order, pair by pair."""

    def __init__(self, folder: Path, side: str, seed: int) -> None:
        other = SIDES[1 - SIDES.index(side)]
        self.side, self.seed = side, seed
        self.mine, self.others = (os.open(folder / name, os.O_RDWR) for name in (side, other))

    @classmethod
    def from_job(cls, job: Mapping[str, Any] | None) -> Self | None:
        """The turns that a job asks for, if it does."""
        return None if job is None else cls(Path(job["folder"]), job["side"], job["seed"])

    def begin(self) -> None:
        """Wait until it is this side's turn to warm up: nobody else computes then."""
        if self.side == "a":
            self._wait_for(READY)
        else:
            os.write(self.others, READY)
            self.take()

    def schedule(self) -> Iterator[None]:
        """Yield once for each block of this side's, holding the token then."""
        order = random.Random(self.seed)  # noqa: S311 - both sides draw the same order
        self.give()  # after warming up: a to b, and b back to a
        held = self.side == "a"
        if held:
            self.take()
        for _ in range(BLOCKS):
            for turn in order.choice((SIDES, SIDES[::-1])):
                if turn != self.side:
                    if held:
                        self.give()
                    held = False
                    continue
                if not held:
                    self.take()
                    held = True
                yield
        # what follows sampling is noise to the other side: it waits until both have done
        if held:
            os.write(self.others, READY)
        else:
            self._wait_for(READY)

    def take(self) -> None:
        """Wait for the token."""
        self._wait_for(TOKEN)

    def give(self) -> None:
        """Pass the token on."""
        os.write(self.others, TOKEN)

    def _wait_for(self, expected: bytes) -> None:
        found = os.read(self.mine, 1)
        if found != expected:
            raise ZooError("the process that it was measured in turn with has ended")
