"""Weights: what is refused, and that what is written is what is read."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file
from support import WITH_KERAS_ALONE, printed

import zoo
from zoo.errors import WeightsError
from zoo.modeling import weights


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


def test_every_shipped_file_says_what_it_is_of_and_by_which_of_the_models_recipes() -> None:
    for spec in zoo.models():
        for declared in spec.weights:
            record = weights.provenance(weights.locate(declared))
            assert record["model"] == spec.name
            assert record["dataset"]["name"] == declared.dataset
            assert record["score"]["split"] == "test"
            assert record["score"]["chosen"] == "last epoch"
            made_by = record["recipe"]
            recipe = spec.recipe_for(declared.dataset, made_by.get("name"))
            assert recipe is not None
            now = recipe.to_json() | record.get("changes", {})
            assert {key: now[key] for key in made_by} == made_by


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is not a whole safetensors file: it ends before its header"),
        (struct.pack("<Q", 2**40) + b"{}", "is not a whole safetensors file: it claims a header of"),
        (b"\x02" + bytes(7) + b"{}", "is not a weights file of the zoo's: no zoo.weights/1 in it"),
        (
            save({}, {weights.METADATA_KEY: "[]"}),
            "of the zoo's: its zoo.weights/1 is not a JSON object",
        ),
        (
            save({}, {weights.METADATA_KEY: '{"a": NaN}'}),
            "of the zoo's: its zoo.weights/1 is not JSON",
        ),
    ],
)
def test_a_file_that_is_not_ours_has_no_provenance(tmp_path: Path, content: bytes, line: str) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=line):
        weights.provenance(file)


def test_a_record_that_is_no_json_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        weights.save_arrays({"a": np.zeros(3, np.float32)}, tmp_path / "x.safetensors", {"score": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_plugin_cannot_name_a_file_outside_its_package() -> None:
    with pytest.raises(zoo.ZooError, match="must have the form"):
        zoo.WeightsSpec(dataset="digits", file="zoo:../../etc/passwd", sha256="0" * 64)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("pkg:link.safetensors", "are not there; reinstall the plugin"),
        ("pkg:outside.safetensors", "are not there; reinstall the plugin"),
        ("pkg:folder.safetensors", "are not there; reinstall the plugin"),
        (f"pkg:{'x' * 300}.safetensors", "are not there; reinstall the plugin"),
        ("nothing.below:w.safetensors", "are not there; reinstall the plugin"),
        ("alone:w.safetensors", "alone is a module, and only a package has files"),
        ("sys:w.safetensors", "sys is a module, and only a package has files"),
    ],
)
def test_what_is_no_file_of_a_package_is_an_error_of_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, line: str
) -> None:
    package = tmp_path / "pkg"
    (package / "folder.safetensors").mkdir(parents=True)
    (package / "link.safetensors").symlink_to("link.safetensors")
    (package / "outside.safetensors").symlink_to(tmp_path / "alone.py")
    (tmp_path / "alone.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WeightsError, match=line):
        weights.locate(zoo.WeightsSpec(dataset="digits", file=file, sha256="0" * 64))


def _with_a_name_twice(content: bytes) -> bytes:
    """The same file, with the entry of conv2d/bias a second time."""
    (length,) = struct.unpack("<Q", content[:8])
    header = content[8 : 8 + length].decode()
    entry = json.dumps(json.loads(header)["conv2d/bias"])
    header = f'{{"conv2d/bias":{entry},{header[1:]}'
    return struct.pack("<Q", len(header)) + header.encode() + content[8 + length :]


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
    last = {**tensors, "dense_1/kernel": np.full_like(tensors["dense_1/kernel"], np.inf)}
    save_file(last, folder / "infinite.safetensors")  # of the last variable: the others would have been changed
    save_file({**tensors, "extra": np.zeros(2**23, np.float32)}, folder / "large.safetensors")
    (folder / "twice.safetensors").write_bytes(_with_a_name_twice(content))
    script = Path(__file__).with_name("weights_script.py")
    return printed("jax", *WITH_KERAS_ALONE, script, folder)


@pytest.mark.real
@pytest.mark.parametrize(
    ("damage", "line"),
    [
        ("truncated", "can't be used: Error while deserializing: incomplete metadata, file not fully covered"),
        ("padded", "can't be used: Error while deserializing: incomplete metadata, file not fully covered"),
        ("lying_header", "can't be used: it claims a header of 1,125,899,906,842,624 bytes"),
        ("empty", "can't be used: it ends before its header"),
        ("twice", "can't be used: its header has conv2d/bias twice"),
        ("large", "larger than"),
        ("missing", "the file lacks conv2d/kernel"),
        ("extra", "the model lacks extra"),
        ("shape", "conv2d/kernel has shape (3, 3, 3, 31) where (3, 3, 3, 32) is needed"),
        ("type", "conv2d/kernel has type F16, not F32"),
        ("nan", "conv2d/kernel holds values that are not finite"),
        ("infinite", "dense_1/kernel holds values that are not finite"),
        ("digest", "is declared; reinstall the plugin"),
    ],
)
def test_damaged_weights_are_refused_in_one_line(tried: dict[str, Any], damage: str, line: str) -> None:
    assert line in tried["said"][damage]
    assert "\n" not in tried["said"][damage]


@pytest.mark.real
def test_damage_at_random_places_is_refused_in_one_line_or_harmless(tried: dict[str, Any]) -> None:
    found = tried["random"]
    assert found["refused"] + found["harmless"] == found["tried"]
    assert found["refused"] > found["tried"] / 2


@pytest.mark.real
def test_refused_weights_leave_the_model_as_it_was(tried: dict[str, Any]) -> None:
    assert tried["unchanged"]


@pytest.mark.real
def test_weights_written_and_read_are_the_same(tried: dict[str, Any]) -> None:
    assert tried["round_trip"]
