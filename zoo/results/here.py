"""Which of a store's Results were measured in the environment as it is now."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.benchmarking.computing import holds
from zoo.benchmarking.environment import collect
from zoo.results.rows import Row
from zoo.results.store import Store


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
