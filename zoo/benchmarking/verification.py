"""A session put to the test, in a worker: are its logits right, also when they are timed, and what do copies cost?"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.parity import compare, differs, spread
from zoo.benchmarking.reference import Reference
from zoo.record.result import Parity
from zoo.record.worker import Copies
from zoo.runtimes import Session

if TYPE_CHECKING:
    import numpy as np

CHECK_S, LEAST_CHECKED = 5.0, 32  # a slow runtime is checked on fewer images
COPIES_S, LEAST_COPIES, MOST_COPIES = 1.0, 3, 200
# From images to logits may take so many times what was timed, and on top what moving the bytes may take: on a GPU some
# copies and waits of tens of microseconds each.
MOST_TIMES, OVERHEAD_S, BYTES_PER_S = 3.0, {"cpu": 0.25e-3, "gpu": 0.5e-3}, 1e9


class Verification:
    """One session against the reference."""

    def __init__(self, session: Session, reference: Reference, batch_size: int, precision: str) -> None:
        self.session, self.reference = session, reference
        self.batch_size, self.precision = batch_size, precision
        self.scale = spread(reference.logits)

    def check(self, clock: Callable[[], float] = time.perf_counter) -> Parity:
        """All images, batch by batch."""
        import numpy as np

        start, found = clock(), []
        wanted = len(self.reference.images)
        for first in range(0, wanted, self.batch_size):
            if first >= LEAST_CHECKED and clock() - start > CHECK_S:
                wanted = first
                break
            found.append(self.logits(first))
        shapes = {logits.shape[1:] for logits in found}
        logits = np.concatenate(found)[:wanted] if len(shapes) == 1 else found[0]
        record = compare(logits, self.reference.logits[:wanted], self.precision)
        return dataclasses.replace(record, reference=self.reference.source)

    def logits(self, first: int) -> np.ndarray[Any, Any]:
        """Those of a batch, by the session."""
        session = self.session
        return session.fetch(session.run(session.place(self.reference.batch(first, self.batch_size)[0])))

    def check_timed(self, output: Any) -> str | None:
        """What is wrong with the last output that was timed, of the batch that begins with the first image, or None."""
        wrong = differs(
            self.session.fetch(output), self.reference.batch(0, self.batch_size)[1], self.scale, self.precision
        )
        return wrong and f"while it was timed, {wrong}"

    def time_copies(
        self, timed: Any, latency_s: float, device_kind: str, clock: Callable[[], float] = time.perf_counter
    ) -> tuple[Copies | None, str | None]:
        """Median seconds for placing, fetching, and from images to logits; each time with images that are new to it.

        :param timed: the batch in place that was timed.
        :param latency_s: what was timed of the computation alone.
        :return: and what is wrong, or None: what a runtime leaves undone while it is timed, it must do here.
        """
        session, begun = self.session, clock()
        place_s, fetch_s, whole_s, again_s = [], [], [], []
        moved = 0
        for number in range(1, MOST_COPIES + 1):
            images, expected = self.reference.batch(number, self.batch_size)
            start = clock()
            placed = session.place(images)
            at_device = clock()
            output = session.run(placed)
            session.wait(output)
            done = clock()
            logits = session.fetch(output)
            end = clock()
            place_s.append(at_device - start)
            fetch_s.append(end - done)
            whole_s.append(end - start)
            moved = images.nbytes + logits.nbytes
            start = clock()  # the machine may be slower by now: the same batch again, at the same moment
            session.wait(session.run(timed))
            again_s.append(clock() - start)
            if (wrong := differs(logits, expected, self.scale, self.precision)) is not None:
                return None, f"on images that were not timed, {wrong}"
            if number >= LEAST_COPIES and clock() - begun > COPIES_S:
                break
        copies = Copies(
            place_s=statistics.median(place_s),
            fetch_s=statistics.median(fetch_s),
            end_to_end_s=statistics.median(whole_s),
        )
        timed_s = max(latency_s, statistics.median(again_s))
        if min(whole_s) > MOST_TIMES * timed_s + OVERHEAD_S[device_kind] + moved / BYTES_PER_S:
            return copies, (
                f"it computes outside of what is timed: from images to logits takes {1e3 * min(whole_s):.3g} ms, "
                f"and {1e3 * timed_s:.3g} ms of it were timed"
            )
        return copies, None
