"""The runtimes that come as plugins, each a real library on a real model: right, apart from one another, and saved."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.real

# By runtime and precision: how far the logits may be from Keras' in float32, in their standard deviations.
TOLERANCES = {
    "onnxruntime:float32": 1e-4,
    "onnxruntime:int8": 0.5,
    "litert:float32": 1e-4,
    "litert:int8": 0.5,
    "openvino:float32": 1e-4,
    "openvino:bfloat16": 0.1,
    "openvino:float16": 0.02,
    "openvino:int8": 0.5,
}
INSTALLED = [name for name in TOLERANCES if importlib.util.find_spec(f"zoo_{name.partition(':')[0]}")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """What each left behind, from one process."""
    folder = tmp_path_factory.mktemp("sessions")
    script = Path(__file__).with_name("sessions.py")
    done = subprocess.run(
        [sys.executable, script, folder, *INSTALLED],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "ZOO_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(params=TOLERANCES)
def opened(request: pytest.FixtureRequest, folder: Path) -> tuple[str, Path, dict[str, Any]]:
    """A runtime and precision, its folder and what is known of its sessions."""
    if request.param not in INSTALLED:
        pytest.skip("its plugin is not installed")
    place = folder / request.param.replace(":", "-")
    facts = json.loads((place / "facts.json").read_text())
    if facts["unavailable"]:
        pytest.skip(facts["unavailable"])
    return request.param, place, facts


def test_a_session_computes_the_model_on_what_was_placed(opened: tuple[str, Path, dict[str, Any]]) -> None:
    name, _, facts = opened
    assert facts["type"] == "float32"
    assert facts["shape"] == [96, 10]
    assert facts["difference"] < TOLERANCES[name]
    assert facts["resnet20"] < 2 * TOLERANCES[name]
    assert facts["equal_top1"] > 0.96
    assert facts["apart"]
    if not name.endswith(":float32"):  # what is asked for is what is computed in
        assert facts["difference"] > 1e-4


def test_calls_share_nothing_that_shows(opened: tuple[str, Path, dict[str, Any]]) -> None:
    name, _, facts = opened
    assert facts["repeats"]
    assert facts["unchanged_by_later_runs"]
    assert facts["again"] < TOLERANCES[name]


def test_nan_comes_through_where_the_library_lets_it(opened: tuple[str, Path, dict[str, Any]]) -> None:
    name, _, facts = opened
    # 8 bits have no NaN, and OpenVINO's ReLU makes 0 of it
    passes = name in ("onnxruntime:float32", "litert:float32")
    assert facts["nan_rows"] == [False, passes, False]


def test_it_computes_with_as_many_threads_as_asked(opened: tuple[str, Path, dict[str, Any]]) -> None:
    _, _, facts = opened
    assert facts["started"] == {"device": "cpu", "threads": 1}
    assert facts["cores_used"] < 1.15


def test_the_snippet_runs_the_file_without_the_zoo(opened: tuple[str, Path, dict[str, Any]]) -> None:
    name, place, facts = opened
    assert facts["lines"] <= 10
    assert all((place / file).is_file() for file in facts["files"])
    program = (
        'import sys\nimport numpy as np\nimages = np.load("images.npy")\n'
        + (place / "snippet.py").read_text()
        + '\nassert not {"zoo", "keras", "tensorflow"} & sys.modules.keys()\nnp.save("found.npy", logits)\n'
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = np.load(place / "logits.npy")
    # the same file by the same library; int8 is the same to the bit, floats are added in the order of the threads
    assert np.abs(np.load(place / "found.npy") - expected).max() / expected.std() < TOLERANCES[name] / 10
