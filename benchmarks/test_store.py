"""The store with 100,000 Results: building its index, listing and filtering with it, adding one more."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import make_result

from zoo.results.index import FILE
from zoo.results.rows import path_of
from zoo.results.store import Filter, Store

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 100_000
MODELS = ("toy_resnet", "resnet20", "resnet56", "plain20")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Small Results, about 2 kB each, over a year; written without waiting for the disk."""
    store = Store(tmp_path_factory.mktemp("store"))
    pick = random.Random(7)
    small = make_result(model="MODEL", batch_size=654_321, labels=("LABEL",))
    template = small.dumps()
    for month in range(1, 13):
        (store.folder / f"2026-{month:02}").mkdir()
    for number in range(COUNT):
        month, day, hour = number % 12 + 1, number % 28 + 1, number % 24
        identifier = f"2026{month:02}{day:02}T{hour:02}0000-{number:08x}"
        text = template.replace(small.id, identifier).replace("MODEL", pick.choice(MODELS))
        text = text.replace(small.created_at, f"2026-{month:02}-{day:02}T{hour:02}:00:00+00:00")
        text = text.replace("654321", str(pick.choice((1, 32, 256)))).replace("LABEL", f"run {number // 100}")
        (store.folder / path_of(identifier)).write_text(text)
    yield store
    shutil.rmtree(store.folder)


def test_build_the_index(benchmark: BenchmarkFixture, store: Store) -> None:
    def forget() -> None:
        (store.folder / FILE).unlink(missing_ok=True)

    found = benchmark.pedantic(lambda: store.select(limit=50), setup=forget, rounds=2)
    assert len(found) == 50


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(model="resnet*", batch_size=32, outcome="ok"),
        Filter(label="run 77"),
        Filter(since="2026-06-01", until="2026-06-30"),
    ],
    ids=["all", "model", "label", "dates"],
)
def test_list_the_newest(benchmark: BenchmarkFixture, store: Store, wanted: Filter) -> None:
    found = benchmark.pedantic(lambda: store.select(wanted, limit=50), rounds=5, warmup_rounds=1)
    assert len(found) == 50


def test_list_all(benchmark: BenchmarkFixture, store: Store) -> None:
    found = benchmark.pedantic(store.select, rounds=5, warmup_rounds=1)
    assert len(found) >= COUNT


def test_add(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Until it is on the disk, whatever else is in the store."""
    store, numbers = Store(tmp_path), itertools.count()
    benchmark.pedantic(store.add, setup=lambda: ((make_result(next(numbers)),), {}), rounds=100)
    assert len(store.select()) == 100
