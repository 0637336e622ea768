"""`zoo export`, as a user runs it, and then what it wrote, as somebody does who has no zoo."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import Zoo

pytestmark = pytest.mark.real

pytest.importorskip("zoo_onnxruntime", reason="the plugin zoo-onnxruntime is not installed")

BATCH = 4


@pytest.fixture(scope="module")
def exported(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """toy_resnet in int8 for ONNX Runtime."""
    folder = tmp_path_factory.mktemp("export") / "toy"
    done = zoo(
        *("export", "toy_resnet", "--runtime", "onnxruntime", "--precision", "int8"),
        *("--batch-size", str(BATCH), "-o", str(folder)),
    )
    assert done.returncode == 0, done.stderr
    assert "logits over 256 test images" in done.stdout
    return folder


@pytest.fixture
def record(exported: Path) -> dict[str, Any]:
    """What parity.json says."""
    found: dict[str, Any] = json.loads((exported / "parity.json").read_text())
    return found


def test_the_folder_holds_what_was_promised_and_nothing_is_left_beside_it(exported: Path) -> None:
    assert {path.name for path in exported.iterdir()} == {"README.md", "example.npz", "model.onnx", "parity.json"}
    assert list(exported.parent.iterdir()) == [exported]


def test_parity_is_recorded_with_digests_and_versions(exported: Path, record: dict[str, Any]) -> None:
    assert record["parity"]["images"] == 256
    assert 0.0005 < record["parity"]["max_difference"] < 0.5
    assert record["parity"]["mean_difference"] < record["parity"]["max_difference"]
    assert record["parity"]["equal_top1"] > 0.98
    for name, digest in record["files"].items():
        assert hashlib.sha256((exported / name).read_bytes()).hexdigest() == digest
    assert {"keras", "onnx", "onnxruntime", "tensorflow", "zoobench"} <= record["versions"].keys()
    assert record["weights_sha256"] == "fdb92fdc87505b3c27f954098403b68fa7a63021512ce8e7b4ba96af168e17f8"
    assert str(exported.parent) not in json.dumps(record)


def test_the_lines_of_the_readme_run_it_without_the_zoo(exported: Path, record: dict[str, Any]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (exported / "README.md").read_text(), re.DOTALL)
    assert len([line for line in program.splitlines() if line]) <= 10
    check = 'import sys\nassert not {"zoo", "keras", "tensorflow"} & sys.modules.keys()\nnp.save("found.npy", logits)\n'
    done = subprocess.run([sys.executable, "-c", program + check], cwd=exported, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = np.load(exported / "found.npy")
    (exported / "found.npy").unlink()
    with np.load(exported / "example.npz") as example:
        assert example["images"].shape == (BATCH, 32, 32, 3)
        assert example["images"].dtype == np.uint8
        expected = example["logits"]
    assert found.shape == (BATCH, 10)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert np.abs(found - expected).max() / expected.std() < 2 * record["parity"]["max_difference"]


def test_a_folder_that_is_not_empty_stays_as_it_is(in_process: Zoo, exported: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in exported.iterdir()}
    done = in_process("export", "toy_resnet", "--runtime", "onnxruntime", "-o", str(exported))
    assert done.returncode == 2
    assert done.stderr == f"zoo: {exported} is there already; name a folder that isn't, or is empty\n"
    assert {path.name: path.stat().st_mtime_ns for path in exported.iterdir()} == before
