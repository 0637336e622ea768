"""Weights: what is refused, and that what is written is what is read."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import zoo
from zoo.errors import WeightsError
from zoo.models import weights


@pytest.fixture(scope="module")
def shipped() -> Path:
    """The file that comes with toy_resnet."""
    (spec,) = zoo.models("toy_resnet")
    weights_spec = spec.weights_for("digits")
    assert weights_spec is not None
    return weights.locate(weights_spec)


def test_the_shipped_file_says_how_it_was_made(shipped: Path) -> None:
    record = weights.provenance(shipped)
    assert record["model"] == "toy_resnet"
    assert record["dataset"]["name"] == "digits"
    assert record["recipe"]["seed"] == 0
    assert record["score"]["images"] == 600
    assert record["score"]["value"] >= 0.98


def test_every_shipped_file_has_the_declared_digest() -> None:
    import hashlib

    checked = 0
    for spec in zoo.models():
        for declared in spec.weights:
            content = weights.locate(declared).read_bytes()
            assert hashlib.sha256(content).hexdigest() == declared.sha256
            checked += 1
    assert checked >= 4


@pytest.mark.parametrize("content", [b"", b"\x01", struct.pack("<Q", 2**40) + b"{}", b"\x02" + bytes(7) + b"{}"])
def test_a_file_that_is_not_ours_has_no_provenance(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="not a weights file"):
        weights.provenance(file)


def test_a_plugin_cannot_name_a_file_outside_its_package() -> None:
    with pytest.raises(zoo.ZooError, match="must have the form"):
        zoo.WeightsSpec(dataset="digits", file="zoo:../../etc/passwd", sha256="0" * 64)


@pytest.fixture(scope="module")
def tried(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What loading each damaged file said, in one process."""
    folder = tmp_path_factory.mktemp("damaged")
    tensors = load_file(shipped)
    content = shipped.read_bytes()
    kernel = "conv2d/kernel"

    (folder / "truncated.safetensors").write_bytes(content[:-100])
    (folder / "padded.safetensors").write_bytes(content + b"\0" * 100)
    (folder / "lying_header.safetensors").write_bytes(struct.pack("<Q", 2**50) + content[8:])
    (folder / "empty.safetensors").write_bytes(b"")
    save_file({k: v for k, v in tensors.items() if k != kernel}, folder / "missing.safetensors")
    save_file({**tensors, "extra": np.zeros(3, np.float32)}, folder / "extra.safetensors")
    save_file({**tensors, kernel: tensors[kernel][..., :-1].copy()}, folder / "shape.safetensors")
    save_file({**tensors, kernel: tensors[kernel].astype(np.float16)}, folder / "type.safetensors")
    save_file({**tensors, kernel: np.full_like(tensors[kernel], np.nan)}, folder / "nan.safetensors")
    script = Path(__file__).with_name("weights_script.py")
    done = subprocess.run(
        [sys.executable, script, folder],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


@pytest.mark.real
@pytest.mark.parametrize(
    ("damage", "line"),
    [
        ("truncated", "not a whole safetensors file"),
        ("padded", "not a whole safetensors file"),
        ("lying_header", "not a whole safetensors file"),
        ("empty", "not a whole safetensors file"),
        ("missing", "the file lacks conv2d/kernel"),
        ("extra", "the model lacks extra"),
        ("shape", "conv2d/kernel has shape (3, 3, 3, 31) where (3, 3, 3, 32) is needed"),
        ("type", "conv2d/kernel has type float16, not float32"),
        ("nan", "conv2d/kernel holds values that are not finite"),
        ("digest", "is declared; reinstall the plugin"),
    ],
)
def test_damaged_weights_are_refused_in_one_line(tried: dict[str, Any], damage: str, line: str) -> None:
    assert line in tried["said"][damage]
    assert "\n" not in tried["said"][damage]


@pytest.mark.real
def test_refused_weights_leave_the_model_as_it_was(tried: dict[str, Any]) -> None:
    assert tried["unchanged"]


@pytest.mark.real
def test_weights_written_and_read_are_the_same(tried: dict[str, Any]) -> None:
    assert tried["round_trip"]
