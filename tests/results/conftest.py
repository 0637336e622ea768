"""Stores to test with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import make_result

from zoo.results.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store, not there yet."""
    return Store(tmp_path / "store")


@pytest.fixture
def filled(store: Store) -> Store:
    """A store of three Results, an hour apart."""
    for number in range(3):
        store.add(make_result(number))
    return store


@pytest.fixture(autouse=True)
def _nothing_is_left_open() -> Iterator[None]:
    """A connection that isn't closed warns when it is collected, and warnings are errors."""
    import gc

    gc.freeze()  # what is there already need not be looked through after each test
    yield
    gc.collect()
    gc.unfreeze()
