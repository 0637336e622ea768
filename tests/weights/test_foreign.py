"""Files of Keras and PyTorch: what they hold is read; hostile and damaged ones are one line, and no code runs."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import save

from zoo.errors import WeightsError
from zoo.weights.foreign import HDF5, KERAS, SAFETENSORS, format_of, read

CONV, DENSE = "layers/conv2d/vars/0", "layers/dense/vars/0"
ARRAYS = {CONV: np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4), DENSE: np.ones((4, 2), np.float32)}
CONFIGURATION = {"class_name": "Functional", "config": {"layers": [{"class_name": "Dense", "config": {}}]}}


def hdf5(change: Callable[[h5py.File], object] = lambda file: None) -> bytes:
    """A file such as Keras writes, with a change."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, array in ARRAYS.items():
            file[name] = array
            file[name].parent.attrs["name"] = f"my_{name.split('/')[1]}"
        file["optimizer/vars/0"] = np.zeros(3, np.int32)
        change(file)
    return content.getvalue()


def archive(compression: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    """An archive such as Keras writes: `config` and `weights` may be others, and others may come to them."""
    whole = {"metadata": b"{}", "config": json.dumps(CONFIGURATION).encode(), "weights": hdf5()} | members
    names = {"metadata": "metadata.json", "config": "config.json", "weights": "model.weights.h5"}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as file:
        for name, member in whole.items():
            if member:
                file.writestr(names.get(name, name), member)
    return content.getvalue()


def test_what_keras_writes_is_read_but_for_the_optimizer() -> None:
    for content, kind in ((hdf5(), HDF5), (archive(), KERAS)):
        assert format_of(content) == kind
        found = read(content, kind)
        assert found.arrays.keys() == ARRAYS.keys()
        assert all(np.array_equal(found.arrays[name], array) for name, array in ARRAYS.items())
        assert found.layers == {"layers/conv2d/vars": "my_conv2d", "layers/dense/vars": "my_dense"}


def test_numbers_of_16_bits_become_float32_exactly() -> None:
    values = np.array([0.0, -1.5, 3.140625, 2.0**-14], np.float32)
    bfloat16 = (values.view(np.uint32) >> 16).astype(np.uint16)

    def change(file: h5py.File) -> None:
        file["half/vars/0"] = values.astype(np.float16)
        file["brain/vars/0"] = bfloat16.view("V2")
        file["brain/vars/0"].attrs["dtype"] = "bfloat16"

    found = read(hdf5(change), HDF5).arrays
    for name in ("half/vars/0", "brain/vars/0"):
        assert found[name].dtype == np.float32
        assert np.array_equal(found[name], values)

    tensors = {"half": values.astype(np.float16), "brain": bfloat16, "counter": np.array(3)}
    content = save(tensors).replace(b'"U16"', b'"BF16"').replace(b'"U16"', b'"BF16"')
    (length,) = struct.unpack("<Q", content[:8])
    content = struct.pack("<Q", length + 1) + content[8:]  # the name of the type is a letter longer
    found = read(content, SAFETENSORS).arrays
    assert np.array_equal(found["half"], values)
    assert np.array_equal(found["brain"], values)
    assert (found["counter"].dtype, int(found["counter"])) == (np.int64, 3)


class Runs:
    """Unpickling it leaves a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.trace,)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(WeightsError, match="is a pickle, and loading one runs code"):
            format_of(pickle.dumps(Runs(trace), protocol))
    zipped = archive(weights=b"", **{"archive/data.pkl": pickle.dumps(Runs(trace))})
    with pytest.raises(WeightsError, match="is a pickle, and loading one runs code"):
        read(zipped, format_of(zipped))
    assert not trace.exists()


def test_a_safetensors_header_may_be_as_long_as_a_pickles_first_bytes() -> None:
    content = save({"a": np.zeros(2, np.float32)}, {"pad": "x" * 600})
    (length,) = struct.unpack("<Q", content[:8])
    content = struct.pack("<Q", 0x0280) + content[8 : 8 + length].ljust(0x0280) + content[8 + length :]
    assert content.startswith(b"\x80\x02")
    assert format_of(content) == SAFETENSORS


def nested(depth: int) -> bytes:
    """JSON that no parser goes down."""
    return b"[" * depth + b"]" * depth


LAMBDA = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}}}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (archive(config=json.dumps({"layers": [CONFIGURATION, LAMBDA]}).encode()), "has a Lambda layer, which is code"),
        (archive(config=b""), "is not an archive of Keras': it has no config.json"),
        (archive(weights=b""), "is not an archive of Keras': it has no model.weights.h5"),
        (archive(config=b"{"), "is not a whole archive of Keras': config.json is not JSON"),
        (archive(config=nested(100_000)), "is not a whole archive of Keras': config.json is not JSON"),
        (archive(config=b"\xff"), "is not a whole archive of Keras': config.json is not JSON"),
        (archive(weights=b"no weights"), "is not a whole HDF5 file"),
        (archive(weights=hdf5()[:-2000]), "is not a whole HDF5 file"),
        (archive(zipfile.ZIP_DEFLATED, weights=bytes(10**7)), "compressed, which Keras doesn't do"),
        (archive()[:-50], "is not a whole archive of Keras'"),
        (archive()[:100], "is not a whole archive of Keras'"),
        (archive().replace(b"my_conv2d", b"my_conv3d"), "is not a whole archive of Keras'"),
    ],
)
def test_an_archive_that_is_damaged_or_hostile_is_one_line(content: bytes, line: str) -> None:
    refused(content, KERAS, line)


def soft(file: h5py.File) -> None:
    file["layers/dense_1"] = h5py.SoftLink("/layers/dense")
    del file[DENSE]


def external_link(file: h5py.File) -> None:
    file["layers/dense_1"] = h5py.ExternalLink("/etc/passwd", "/")


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("layers/v/vars/0", layout)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda file: file.create_dataset("x", data=np.zeros(9), chunks=(3,)), "has x in a form that Keras doesn't"),
        (lambda file: file.create_dataset("x", data=np.zeros(9), compression="gzip"), "has x in a form that Keras"),
        (lambda file: file.create_dataset("x", (2**40,), "f4"), "has x in a form that Keras doesn't write"),
        (
            lambda file: file.create_dataset("x", (9,), "f4", external=[("/etc/passwd", 0, 36)]),
            "has x in a form that Keras doesn't write",
        ),
        (virtual, "has layers/v/vars/0 in a form that Keras doesn't write"),
        (lambda file: file.create_dataset("x", data="text"), "has x in a form that Keras doesn't write"),
        (lambda file: file.attrs.update(layer_names=["a"]), "has no layer a where it lists one"),
        (lambda file: file.attrs.update(layer_names=["layers", "layers"]), "has two layers layers where it lists one"),
        (lambda file: file.attrs.update(layer_names=3), "is not a whole HDF5 file"),
    ],
)
def test_arrays_that_keras_would_not_have_written_are_one_line(
    change: Callable[[h5py.File], object], line: str
) -> None:
    refused(hdf5(change), HDF5, line)


def older(change: Callable[[h5py.File], object] = lambda file: None, root: str = "model_weights") -> bytes:
    """A file in Keras' older layout, with a change; of weights alone if `root` is empty."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        group = file.require_group(root) if root else file
        group.attrs["layer_names"] = [b"image", b"my/conv", b"norm"]
        group.create_group("image").attrs["weight_names"] = []
        group["my/conv/my/conv/kernel:0"] = ARRAYS[CONV]
        group["my/conv"].attrs["weight_names"] = [b"my/conv/kernel:0"]
        for name, value in (("moving_mean", 2), ("gamma", 1)):
            group[f"norm/norm/{name}:0"] = np.full(4, value, np.float32)
        group["norm"].attrs["weight_names0"] = ["norm/gamma:0"]  # as Keras writes very many names
        group["norm"].attrs["weight_names1"] = ["norm/moving_mean:0"]
        group["top_level_model_weights/x"] = np.zeros(3, np.float32)
        file["optimizer_weights/training/Adam/vars/0"] = np.zeros(3, np.float32)
        change(file)
    return content.getvalue()


@pytest.mark.parametrize("root", ["model_weights", ""])
def test_an_older_file_lists_its_layers_and_their_arrays_in_order(root: str) -> None:
    found = read(older(root=root), HDF5)
    at = f"{root}/" if root else ""
    gamma, mean = f"{at}norm/norm/gamma:0", f"{at}norm/norm/moving_mean:0"
    assert found.lists == {"my/conv": [f"{at}my/conv/my/conv/kernel:0"], "norm": [gamma, mean]}
    assert list(found.lists) == ["my/conv", "norm"]
    assert found.arrays.keys() == {name for names in found.lists.values() for name in names}
    assert (found.arrays[gamma][0], found.arrays[mean][0]) == (1, 2)
    assert read(hdf5(), HDF5).lists is None


def relinked(file: h5py.File) -> None:
    file["model_weights/kept"] = file["model_weights/norm"]
    del file["model_weights/norm"]
    file["model_weights/norm"] = h5py.ExternalLink("/etc/passwd", "/")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda file: file.__delitem__("model_weights/norm/norm/gamma:0"), "lists model_weights/norm/norm/gamma:0 and"),
        (lambda file: file.__delitem__("model_weights/norm"), "has no layer norm where it lists one"),
        (relinked, "has no layer norm where it lists one"),
        (lambda file: file.attrs.update(model_config=json.dumps([CONFIGURATION, LAMBDA])), "has a Lambda layer"),
        (lambda file: file.attrs.update(model_config="{"), "is not JSON"),
    ],
)
def test_an_older_file_that_is_damaged_or_hostile_is_one_line(change: Callable[[h5py.File], object], line: str) -> None:
    refused(older(change), HDF5, line)


def test_links_are_not_followed() -> None:
    assert read(hdf5(soft), HDF5).arrays.keys() == {CONV}
    assert read(hdf5(external_link), HDF5).arrays.keys() == ARRAYS.keys()
    around = hdf5(lambda file: file["layers"].__setitem__("again", file["layers"]))  # a group within itself
    assert read(around, HDF5).arrays.keys() == ARRAYS.keys()


def test_arrays_that_share_their_bytes_do_not_multiply_a_file() -> None:
    size = 2**16

    def change(file: h5py.File) -> None:
        file["whole"] = np.zeros(size, np.uint8)
        for number in range(9):
            file.create_dataset(f"copy{number}", (size,), np.uint8)  # nothing is written, and no place given

    with h5py.File(io.BytesIO(content := hdf5(change))) as file:
        place = file["whole"].id.get_offset()
    nowhere, there = (struct.pack("<QQ", at, size) for at in (2**64 - 1, place))
    assert content.count(nowhere) == 9
    refused(content.replace(nowhere, there), HDF5, "has arrays that share their bytes")


@pytest.mark.parametrize(("kind", "whole"), [(HDF5, hdf5()), (HDF5, older()), (KERAS, archive())])
def test_damage_at_random_places_is_one_line_or_whole_arrays(kind: str, whole: bytes) -> None:
    rng = random.Random(0)
    lines = []
    for number in range(300):
        at = rng.randrange(len(whole))
        what = rng.randbytes(rng.randrange(1, 9))
        after = at if number % 3 == 0 else at + len(what)
        try:
            found = read(whole[:at] + what + whole[after:], kind)
        except WeightsError as error:
            lines.append(str(error))
        else:
            assert sum(array.nbytes for array in found.arrays.values()) <= len(whole)
    assert len(lines) > 50
    assert all("\n" not in line and len(line) < 500 for line in lines)


def refused(content: bytes, kind: str, line: str) -> None:
    """It must be, in that one line."""
    with pytest.raises(WeightsError) as raised:
        read(content, kind)
    assert str(raised.value).startswith(line) or line in str(raised.value)
    assert "\n" not in str(raised.value)
