"""Checkpoints: whole, to the bit, and refused where they are not."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from zoo.errors import ModelError, UsageError, WeightsError
from zoo.training import state

QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)

ARRAYS = {
    "network 0": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "network 1": np.array([1, 2**32 - 1], np.uint32),
    "optimizer 0": np.array(7, np.int64),
}


def test_a_checkpoint_comes_back_to_the_bit(tmp_path: Path) -> None:
    state.save(tmp_path / "c.safetensors", ARRAYS, 5)
    found, epoch = state.load(tmp_path / "c.safetensors")
    assert epoch == 5
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_leaves_the_last_good_one(value: float, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    state.save(path, ARRAYS, 1)
    with pytest.raises(ModelError, match="not finite after epoch 2"):
        state.save(path, {**ARRAYS, "network 0": np.array([1, value], np.float32)}, 2)
    assert state.load(path)[1] == 1


def test_a_disk_that_is_nearly_full_is_known_at_the_first_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(UsageError, match=r"has 0 MB left and a checkpoint takes 0.0 MB; make room, or name another"):
        state.save(tmp_path / "c.safetensors", ARRAYS, 0)


def test_a_disk_that_takes_no_more_leaves_the_last_good_one(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    state.save(path, ARRAYS, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(UsageError, match=rf"can't write {path}: file too large"):
            state.save(path, ARRAYS, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert state.load(path)[1] == 1
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08" + bytes(7) + b"{}      ", b"no safetensors at all"])
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="is not a whole checkpoint"):
        state.load(path)


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    state.save(path, ARRAYS, 5)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="is not a whole checkpoint"):
        state.load(path)


floats = arrays(np.float32, array_shapes(max_dims=2, max_side=3), elements=st.floats(-9, 9, width=32))


@QUICK
@given(st.dictionaries(st.text(min_size=1, max_size=3), floats, min_size=1, max_size=4), st.data())
def test_the_digest_follows_values_and_nothing_else(found: dict[str, np.ndarray], data: st.DataObject) -> None:
    before = state.digest(found)
    assert state.digest({name: found[name].copy(order="F") for name in reversed(found)}) == before
    name = data.draw(st.sampled_from(sorted(found)))
    assert state.digest({**found, name: found[name] + np.float32(1)}) != before
    assert state.digest({**found, name: found[name][np.newaxis]}) != before
    assert state.digest({**found, name: found[name].astype(np.float64)}) != before
