"""Progress bars on standard error; nothing where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zoo.cli import warn

if TYPE_CHECKING:
    from rich.progress import Progress

    from zoo.benchmarking.plan import Step

    OnStep = Callable[[int, int, Step], Callable[[str], None]]

MIB = 2**20


@contextmanager
def progress() -> Iterator[Progress]:
    """A rich progress display that goes away when it is done."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as display:
        yield display


@contextmanager
def scenario_progress(processes: int) -> Iterator[OnStep]:
    """A bar over the processes that will be measured; yields what the runner is to tell of each.

    What there is to say of the data is said once.

    :param processes: for each scenario.
    """
    told: set[str] = set()
    with progress() as display:
        bar = display.add_task("starting", total=None)

        def on_step(index: int, count: int, step: Step) -> Callable[[str], None]:
            scenario, begun = step.scenario, -1
            for note in step.job["dataset"]["notes"]:
                if note not in told:
                    warn(f"{scenario.dataset}: {note}")
                    told.add(note)
            name = f"{scenario.model}, {scenario.runtime}, batch {scenario.batch_size}"

            def on_phase(phase: str) -> None:
                nonlocal begun
                if phase == "import":  # the first phase of a process
                    begun += 1
                done = index * processes + min(max(begun, 0), processes)
                display.update(bar, total=count * processes, completed=done, description=f"{name}: {phase}")

            return on_phase

        yield on_step


def download_bar(display: Progress, name: str) -> Callable[[dict[str, Any]], None]:
    """A bar for what a fetch is at: MiB while it downloads, else files or examples.

    :return: what is to be told of its events.
    """
    bar = display.add_task(f"{name}: starting", total=None)

    def show(event: dict[str, Any]) -> None:
        if event["event"] != "progress":
            return
        doing, done, total = event["doing"], event["done"], event["total"]
        if doing == "downloading":
            doing = f"downloading from {event['host']}, MiB" if event["host"] else "downloading, MiB"
            done = event["bytes"] // MIB
            total = None if event["bytes_total"] is None else max(event["bytes_total"] // MIB, done)
        if event["trouble"] and not event["bytes"]:
            doing = f"{event['host']} can't be reached ({event['trouble']}), trying again"
        display.update(bar, description=f"{name}: {doing}", completed=done or 0, total=total)

    return show
