"""Which Results a name on the command line means: a file, an id, a label, or a model's newest."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from zoo.benchmarking.computing import holds
from zoo.benchmarking.environment import collect
from zoo.errors import UsageError
from zoo.paths import reason
from zoo.record.reading import Damaged
from zoo.record.result import Result
from zoo.results.rows import Row
from zoo.results.store import Filter, Store


def find(reference: str, store: Store) -> list[Result]:
    """The Results that are meant, at least one.

    :raises UsageError: if there is nothing of that name.
    """
    if Path(reference).is_file():
        return _from_file(Path(reference))
    if reference[:8].isdigit():
        return [store.get(reference)]
    rows = store.select(Filter(label=reference)) or _newest(
        store, store.select(Filter(model=glob.escape(reference), outcome="ok"))
    )
    results = list(store.load(rows, on_damaged=lambda _: None))
    if not results:
        raise UsageError(
            f"no Result, label or file '{reference}' in {store.folder}; measure it first: zoo bench {reference}"
        )
    return results


def _newest(store: Store, rows: list[Row]) -> list[Row]:
    """The newest of each scenario, of this environment if there is any of it."""
    newest: dict[str, Row] = {}
    for row in of_this_environment(store, rows) or rows:
        newest.setdefault(row.scenario, row)
    return list(newest.values())


def _from_file(path: Path) -> list[Result]:
    from zoo.results.export import parse

    try:
        found = list(parse(path.read_bytes(), str(path)))
    except OSError as error:
        raise UsageError(f"can't read {path}: {reason(error)}") from None
    for item in found:
        if isinstance(item, Damaged):
            raise UsageError(f"{item.where} {item.reason}")
    return [item for item in found if isinstance(item, Result)]


def of_this_environment(store: Store, rows: Sequence[Row]) -> list[Row]:
    """The rows of Results whose environment still holds, in their order.

    Each runtime has a fingerprint of what computes there. One Result of each fingerprint tells whether it holds.
    """
    here = collect()
    known: dict[str, bool] = {}
    for row in rows:
        if row.environment not in known:
            for result in store.load([row], on_damaged=lambda _: None):  # none, if it was removed meanwhile
                known[row.environment] = holds(result.environment, here)
    return [row for row in rows if known.get(row.environment)]
