"""Which Keras backend is chosen, and what is kept out while Keras is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from zoo.errors import UsageError
from zoo.keras_backend import choose, environment, only_what_is_needed

IMPORT_KERAS = """
import json
import sys
from zoo.keras_backend import import_keras

keras = import_keras()
keras.utils.set_random_seed(0)
there = [name for name in ("sklearn", "jax", "tensorflow") if name in sys.modules]
import jax
import sklearn
print(json.dumps([keras.backend.backend(), there, jax.__name__, sklearn.__name__]))
"""


@pytest.mark.real
@pytest.mark.parametrize(("backend", "there"), [("tensorflow", ["tensorflow"]), ("jax", ["jax"])])
def test_keras_comes_alone_and_what_was_kept_out_can_be_had_afterwards(backend: str, there: Sequence[str]) -> None:
    environment = {**os.environ, "KERAS_BACKEND": backend}
    printed = subprocess.run([sys.executable, "-c", IMPORT_KERAS], capture_output=True, check=True, env=environment)
    assert json.loads(printed.stdout) == [backend, there, "jax", "sklearn"]


@pytest.mark.parametrize(
    ("needed", "backend", "found"), [((), "tensorflow", False), (("scikit-learn",), "tensorflow", True)]
)
def test_what_is_needed_is_not_kept_out(
    needed: Sequence[str], backend: str, found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    for name in [name for name in sys.modules if name.split(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    with only_what_is_needed(needed):
        assert ("sklearn" not in sys.modules) == found
    assert "sklearn" not in sys.modules


def test_a_module_that_is_there_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", json)
    with only_what_is_needed():
        assert sys.modules["sklearn"] is json
    assert sys.modules["sklearn"] is json


def test_a_backend_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "no_such_backend")
    for ask in (environment, lambda: choose("no_such_backend")):
        with pytest.raises(UsageError, match="no_such_backend is not installed here"):
            ask()
