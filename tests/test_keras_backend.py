"""Which Keras backend is chosen, and what is kept out while Keras is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from zoo.errors import UsageError
from zoo.keras_backend import choose, configured, environment, only_what_is_needed, worker_environment

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


@pytest.mark.parametrize(
    ("backend", "kept_out"), [("numpy", False), ("jax", False), ("torch", True), ("tensorflow", True)]
)
@pytest.mark.parametrize("by_file", [True, False])
def test_what_the_configured_backend_imports_is_not_kept_out(
    backend: str, kept_out: bool, by_file: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if by_file:
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        (tmp_path / "keras.json").write_text(json.dumps({"backend": backend}))
    else:
        monkeypatch.setenv("KERAS_BACKEND", backend)
    for name in [name for name in sys.modules if name.split(".")[0] in ("jax", "tensorflow")]:
        monkeypatch.delitem(sys.modules, name)
    with only_what_is_needed():
        assert ("jax" in sys.modules) == kept_out
        assert ("tensorflow" in sys.modules) == (backend != "tensorflow")


@pytest.mark.parametrize("content", ["", "[]", '{"backend": 3}', "{"])
def test_a_damaged_configuration_names_no_backend(
    content: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(content)
    assert configured() is None


def test_a_worker_has_a_configuration_that_no_user_has_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    users, folder = tmp_path / "users", tmp_path / "worker"
    (users / "models").mkdir(parents=True)
    folder.mkdir()
    (users / "models" / "weights").write_text("downloaded")
    changed = {"floatx": "float16", "image_data_format": "channels_first", "epsilon": 1.0, "backend": "mxnet"}
    (users / "keras.json").write_text(json.dumps(changed))
    monkeypatch.setenv("KERAS_HOME", str(users))
    found = worker_environment(folder, {"KERAS_BACKEND": "jax"})
    home = Path(found.pop("KERAS_HOME") or "")
    assert home.parent == folder
    assert found == {"KERAS_MAX_EPOCHS": None, "KERAS_MAX_STEPS_PER_EPOCH": None, "KERAS_NNX_ENABLED": None}
    assert json.loads((home / "keras.json").read_text()) == {
        "floatx": "float32",
        "image_data_format": "channels_last",
        "epsilon": 1e-7,
        "backend": "jax",
    }
    assert (home / "models" / "weights").read_text() == "downloaded"
    assert json.loads((users / "keras.json").read_text()) == changed


def test_a_user_without_a_folder_of_keras_is_fine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "nowhere"))
    home = Path(worker_environment(tmp_path, {})["KERAS_HOME"] or "")
    assert [path.name for path in home.iterdir()] == ["keras.json"]
    assert not (tmp_path / "nowhere").exists()


def test_where_any_backend_will_do_the_user_chooses_by_the_variable_and_not_by_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keras.json").write_text('{"backend": "mxnet"}')
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("zoo.keras_backend.is_installed", lambda name: name != "tensorflow")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert environment() == {"KERAS_BACKEND": "jax"}
    for named in ("torch", "numpy"):
        monkeypatch.setenv("KERAS_BACKEND", named)
        assert environment() == {"KERAS_BACKEND": named}


def test_kerass_own_backend_needs_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    monkeypatch.setattr("zoo.keras_backend.is_installed", lambda name: name != "jax")
    with pytest.raises(UsageError, match=r"^Keras' backend numpy needs JAX; pip install 'zoobench\[jax\]'"):
        environment()


def test_a_backend_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "no_such_backend")
    for ask in (environment, lambda: choose("no_such_backend")):
        with pytest.raises(UsageError, match="no_such_backend is not installed here"):
            ask()
