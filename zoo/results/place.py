"""Where scenarios are measured, and when plugins are told of their Results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.benchmarking.dispatch import measure_on
from zoo.benchmarking.plan import MAX_BATCH, Options, Step
from zoo.benchmarking.runner import OnStep, measure_sides
from zoo.choices import LOCAL
from zoo.errors import UsageError
from zoo.record.identifiers import new_id
from zoo.record.result import Result
from zoo.registry import Registry
from zoo.results.listeners import Listeners, OnWarning
from zoo.results.store import Store
from zoo.runtimes.availability import why_not


class Place:
    """Where scenarios are measured: here, or where an executor has them measured.

    :param on: "local", or the name of an executor.
    :raises UsageError: if it is unknown or impossible.
    """

    def __init__(
        self,
        on: str,
        options: Options,
        registry: Registry,
        store: Store | None,
        on_step: OnStep | None,
        on_warning: OnWarning | None,
    ) -> None:
        self.is_here = on == LOCAL
        self.registry, self.store, self.on_step = registry, store, on_step
        # What is measured elsewhere goes on while a Result comes in, perhaps on this very machine.
        self.listeners = Listeners(registry.listeners, on_warning, hold=not self.is_here)
        if self.is_here:
            return
        self.executor = registry.executor(on)
        if (reason := why_not(self.executor.spec)) is not None:
            raise UsageError(f"{on}: {reason}")
        if MAX_BATCH in options.batch_sizes:
            raise UsageError(f"--batch-size max is found on this machine alone; name sizes, or leave out --on {on}")

    def measure(self, rows: Sequence[Sequence[Step]], run_id: str | None = None) -> Iterator[tuple[Result, ...]]:
        """Measure each row and yield its Results; elsewhere in the order in which they come."""
        if self.is_here:
            yield from measure_sides(rows, self.on_step, run_id)
            return
        yield from measure_on(
            self.executor,
            rows,
            self.on_step,
            run_id=run_id or new_id(),
            disabled=[plugin.name for plugin in self.registry.disabled],
            is_known=lambda identifier: self.store is not None and identifier in self.store,
            on_warning=self.listeners.on_warning,
        )

    def ordered(
        self, rows: Sequence[Sequence[Step]], measured: Sequence[tuple[Result, ...]]
    ) -> Sequence[tuple[Result, ...]]:
        """What was measured, in the order of the rows."""
        if self.is_here:  # it is so already, and a batch size may have been found meanwhile
            return measured
        order = {row[-1].scenario: number for number, row in enumerate(rows)}
        return sorted(measured, key=lambda results: order[results[-1].scenario])
