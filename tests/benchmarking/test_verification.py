"""A session is tried on real numbers: an honest one passes, and each way of cheating is found out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.benchmarking.reference import Reference
from zoo.benchmarking.verification import COPIES_S, LEAST_CHECKED, Verification

Array = np.ndarray[Any, Any]

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(4 * 4 * 1, 10)).astype(np.float32)
IMAGES = RANDOM.random((64, 4, 4, 1), dtype=np.float32)
REFERENCE = Reference(IMAGES, IMAGES.reshape(64, -1) @ WEIGHTS, "NumPy", Path("nowhere"), None)
COMPUTE_S, COPY_S = 0.010, 0.0001


class Clock:
    """Time passes only where something is done."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Honest:
    """A linear model that takes its time where it should."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.calls = 0

    def compute(self, images: Array) -> Array:
        self.calls += 1
        self.clock.now_s += COMPUTE_S
        return images.reshape(len(images), -1) @ WEIGHTS

    def place(self, images: Array) -> Any:
        self.clock.now_s += COPY_S
        return images.copy()

    def run(self, placed: Any) -> Any:
        return self.compute(placed)

    def wait(self, output: Any) -> None:
        pass

    def fetch(self, output: Any) -> Array:
        self.clock.now_s += COPY_S
        return np.array(output)

    def close(self) -> None:
        pass


class Scaled(Honest):
    def run(self, placed: Any) -> Any:
        return self.compute(placed) * np.float32(1.01)


class Swapped(Honest):
    def run(self, placed: Any) -> Any:
        return self.compute(placed)[:, [1, 0, *range(2, 10)]]


class NotANumber(Honest):
    def run(self, placed: Any) -> Any:
        output = self.compute(placed)
        output[-1, -1] = np.nan
        return output


class OfOtherImages(Honest):
    def run(self, placed: Any) -> Any:
        return np.roll(self.compute(placed), 1, axis=0)


class Stale(Honest):
    """What it has once computed does for all that comes."""

    first: Any = None

    def run(self, placed: Any) -> Any:
        if self.first is None:
            self.first = self.compute(placed)
        return self.first


class Lazy(Honest):
    """It computes when its output is looked at."""

    def run(self, placed: Any) -> Any:
        return placed

    def fetch(self, output: Any) -> Array:
        return super().fetch(self.compute(output))


class Eager(Honest):
    """It computes when the images are placed."""

    def place(self, images: Array) -> Any:
        return self.compute(super().place(images))

    def run(self, placed: Any) -> Any:
        return placed


class Remembering(Honest):
    """It computes a placed batch once."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.known: dict[int, tuple[Any, Array]] = {}

    def run(self, placed: Any) -> Any:
        if id(placed) not in self.known:
            self.known[id(placed)] = placed, self.compute(placed)
        return self.known[id(placed)][1]


class Tiring(Honest):
    """It is right as long as it is looked at, and then gives anything."""

    def run(self, placed: Any) -> Any:
        if self.calls >= 50:
            return np.zeros((len(placed), 10), np.float32)
        return self.compute(placed)


def found(kind: type[Honest], batch_size: int = 8) -> tuple[str | None, str | None, str | None]:
    """What is said of a session: before it is timed, of its last output, and of new images."""
    clock = Clock()
    session = kind(clock)
    verification = Verification(session, REFERENCE, batch_size, "float32")
    record = verification.check(clock)
    placed, output, timed = session.place(verification.reference.batch(0, batch_size)[0]), None, []
    for _ in range(100):
        start = clock()
        output = session.run(placed)
        session.wait(output)
        timed.append(clock() - start)
    _, wrong = verification.time_copies(placed, float(np.median(timed)), "cpu", clock)
    return record.reason, verification.check_timed(output), wrong


@pytest.mark.parametrize("batch_size", [1, 8, 64, 200])
def test_an_honest_session_passes(batch_size: int) -> None:
    assert found(Honest, batch_size) == (None, None, None)


@pytest.mark.parametrize("kind", [Scaled, Swapped, NotANumber, OfOtherImages, Stale])
def test_wrong_logits_are_found_before_anything_is_timed(kind: type[Honest]) -> None:
    before, _, _ = found(kind)
    assert before is not None


def test_what_goes_wrong_only_later_is_found_in_the_last_output_that_was_timed() -> None:
    before, timed, new = found(Tiring)
    assert before is None
    assert timed is not None
    assert timed.startswith("while it was timed, ")
    assert new is not None


@pytest.mark.parametrize("kind", [Lazy, Eager, Remembering])
def test_what_is_computed_outside_of_what_is_timed_is_found(kind: type[Honest]) -> None:
    before, timed, new = found(kind)
    assert (before, timed) == (None, None)
    assert new is not None
    assert new.startswith("it computes outside of what is timed: ")


def test_copies_are_timed_apart_and_as_a_whole() -> None:
    clock = Clock()
    session = Honest(clock)
    timed = session.place(REFERENCE.batch(0, 8)[0])
    copies, wrong = Verification(session, REFERENCE, 8, "float32").time_copies(timed, COMPUTE_S, "cpu", clock)
    assert wrong is None
    assert copies is not None
    assert copies.to_json() == pytest.approx(
        {"place_s": COPY_S, "fetch_s": COPY_S, "end_to_end_s": COPY_S + COMPUTE_S + COPY_S}
    )
    assert clock() < COPIES_S + 2 * COMPUTE_S


def test_a_machine_that_has_become_slower_accuses_nobody() -> None:
    clock = Clock()
    session = Honest(clock)
    timed = session.place(REFERENCE.batch(0, 8)[0])
    _, wrong = Verification(session, REFERENCE, 8, "float32").time_copies(timed, COMPUTE_S / 5, "cpu", clock)
    assert wrong is None


def test_a_slow_session_is_checked_on_fewer_images() -> None:
    class Slow(Honest):
        def compute(self, images: Array) -> Array:
            self.clock.now_s += 1.0
            return super().compute(images)

    clock = Clock()
    record = Verification(Slow(clock), REFERENCE, 1, "float32").check(clock)
    assert record.accepted
    assert record.images == LEAST_CHECKED


def test_batches_come_round_again() -> None:
    images, logits = REFERENCE.batch(60, 8)
    assert (images == IMAGES[[60, 61, 62, 63, 0, 1, 2, 3]]).all()
    assert (logits == REFERENCE.logits[[60, 61, 62, 63, 0, 1, 2, 3]]).all()
